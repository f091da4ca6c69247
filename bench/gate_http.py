"""Acts per second over HTTP, beside a bare route on the same sockets.

The house is the real one: `serve`, `worker` and `notary`, each a process of its own. An act is
one new account, made by the operator: a session looked up, an act in the platform's ledger, its
receipt in the answer. The bare route reads the same form and answers at once with as many bytes.
Clients and server share this machine's cores.
"""

import http.client
import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from figures import record
from pydantic import BaseModel

from api.demo.cast import first_account
from api.demo.stage import staged

REQUESTS = 800
# One operator does the work of many people here: the limit per account would be what is measured.
NO_LIMIT = {"ANBIAO_REQUESTS_PER_S": "100000", "ANBIAO_REQUEST_BURST": "1000000"}


@dataclass(frozen=True)
class Door:
    """An address, a path, and what goes with each request."""

    url: str
    path: str
    headers: Mapping[str, str]


class Form(BaseModel):
    name: str
    organisation: str


def run() -> None:
    os.environ.update(NO_LIMIT)
    with (
        tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name,
        staged(Path(name) / "house", keep=False) as stage,
    ):
        operator = first_account(stage)
        headers = {"Authorization": f"Bearer {operator.door.token}"}
        acts = Door(stage.url, "/v1/accounts", headers)
        with bare_route(len(one_answer(acts))) as url:
            for threads in (1, 8, 32):
                measure(acts, Door(url, "/bare", {}), threads)
        operator.door.http.close()


def measure(acts: Door, bare: Door, threads: int) -> None:
    spans_of(bare, threads, REQUESTS // 4)
    bare_s, _ = spans_of(bare, threads, REQUESTS)
    took_s, spans = spans_of(acts, threads, REQUESTS)
    ratio = bare_s / took_s
    name = f"http_acts_{threads}_threads"
    record("gate", name, len(spans) / took_s, "acts/s", "bare FastAPI route", ratio)
    for share in (50, 99):
        span_ms = spans[len(spans) * share // 100] * 1e3
        record("gate", f"http_act_p{share}_{threads}_threads", span_ms, "ms")


def spans_of(door: Door, threads: int, requests: int) -> tuple[float, list[float]]:
    """Seconds in all, and those of each request, sorted."""
    spans: list[float] = []
    lost: list[Exception] = []

    def work() -> None:
        try:
            with connected(door) as connection:
                for _ in range(requests // threads):
                    begun = time.perf_counter()
                    ask(connection, door)
                    spans.append(time.perf_counter() - begun)
        except Exception as error:  # noqa: BLE001 - the thread's edge: told below
            lost.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - begun
    if lost:
        raise lost[0]
    return took, sorted(spans)


@contextmanager
def connected(door: Door) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(door.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    yield connection
    connection.close()


def ask(connection: http.client.HTTPConnection, door: Door) -> bytes:
    fresh = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_urlsafe(24)}
    body = json.dumps({"name": f"person-{secrets.token_hex(8)}", "organisation": "hospital"})
    connection.request("POST", door.path, body, {**door.headers, **fresh})
    answer = connection.getresponse()
    octets = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"status {answer.status}: {octets[:200]!r}")
    return octets


def one_answer(door: Door) -> bytes:
    with connected(door) as connection:
        return ask(connection, door)


@contextmanager
def bare_route(size: int) -> Iterator[str]:
    """A process that serves one route which does nothing."""
    ours, theirs = Pipe()
    process = Process(target=serve_bare, args=(size, theirs), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()


def serve_bare(size: int, told: Connection) -> None:
    app = FastAPI()

    @app.post("/bare", status_code=201)
    def bare(form: Form) -> dict[str, str]:
        return {"name": form.name, "filling": "x" * size}

    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    told.send(listening.getsockname()[1])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    run()
