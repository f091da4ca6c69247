"""`anbiao serve`: the HTTP door, alone or with the other two processes beside it."""

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import uvicorn

from api.app import create_app
from api.cli.main import tell_logs
from api.cli.processes import (
    database_file_option,
    database_option,
    dir_option,
    one_of_several,
    quiet_option,
    running_note,
    settings_of,
    stop_on_signals,
)
from sandbox import wiring
from sandbox.cosigners import ask_until, cosigning
from sandbox.errors import Unacceptable, Unavailable
from sandbox.layout import Process
from sandbox.settings import Mode, Settings

_TICK_S = 5.0
_BACKLOG = 512
_CHILD_END_S = 15.0
_CHILD_START_S = 10.0
_LOOK_S = 0.05
_log = logging.getLogger("anbiao.serve")


@click.command()
@dir_option
@click.option("--host", help="Address to listen on; loopback only without TLS.")
@click.option("--port", type=int, help="TCP port; 0 takes a free one.")
@click.option("--all", "with_others", is_flag=True, help="Run notary and worker beside it.")
@database_option
@database_file_option
@quiet_option
def serve(folder: Path, *, with_others: bool, quiet: bool, **given: object) -> None:
    """Serve HTTP over DIR until stopped; writes DIR/run/serve.json with the address.

    On PostgreSQL several may serve one DIR, each on a port of its own; the second one's address
    is in DIR/run/serve-2.json.
    """
    tell_logs(quiet=quiet)
    settings = settings_of(folder, Process.SERVE, **given)
    if with_others and settings.mode == Mode.PRODUCTION:
        raise Unacceptable("all-in-production", "--all would run three processes as one user")
    stop = stop_on_signals()
    others = _others(settings, stop) if with_others else _nothing()
    with one_of_several(settings, "serve") as name, others:
        _serve(settings, stop, name)


def _serve(settings: Settings, stop: threading.Event, name: str) -> None:
    with cosigning(settings):
        pass  # a policy that can't be read stops the start, not a thread
    house = wiring.serving(settings)
    try:
        house.begin()
        listening = _listen(settings)
        server = uvicorn.Server(_configured(settings, house))
        ticking = threading.Thread(target=_tick, args=(house, server, stop), daemon=True)
        ticking.start()
        asking = threading.Thread(target=ask_until, args=(settings, stop), daemon=True)
        asking.start()
        url = _url(settings, listening)
        with running_note(settings, name, url=url):
            click.echo(f"listening on {url}", err=True)
            server.run(sockets=[listening])
        stop.set()
        asking.join()
    finally:
        house.close()


def _configured(settings: Settings, house: wiring.House) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(house),
        log_config=None,
        access_log=False,  # ours says less
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=10,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only on sockets whose protocol is said to be TCP;
    # with it on, each answer of two writes waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise Unavailable("port-taken", f"port {settings.port} can't be listened on") from error
    return listening


def _url(settings: Settings, listening: socket.socket) -> str:
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def _tick(house: wiring.House, server: uvicorn.Server, stop: threading.Event) -> None:
    """Enter failed logins whose minute is over and change keys, now and then; end when asked to.

    uvicorn takes the signals over only once it runs: one that came before must not be lost.
    """
    while not stop.wait(_TICK_S):
        try:
            house.people.entrance.tick()
        except Unavailable as error:
            _log.warning("failed logins wait for the log: %s", error.code)
        try:
            house.turn()
        except Unavailable as error:
            _log.warning("keys wait to be changed: %s", error.code)
    server.should_exit = True


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _others(settings: Settings, stop: threading.Event) -> Iterator[None]:
    """Notary and worker as processes of their own, ended with the body."""
    program = [sys.executable, "-m", "api.cli.main"]
    children = [
        subprocess.Popen([*program, name, "--dir", str(settings.dir), *more])  # noqa: S603 - our own program
        for name, more in (("notary", ()), ("worker", _database_of(settings)))
    ]
    try:
        _await_note(settings.dir / "run" / "notary.json", children[0], stop)
        yield
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            try:
                child.wait(_CHILD_END_S)
            except subprocess.TimeoutExpired:
                child.kill()


def _database_of(settings: Settings) -> Sequence[str]:
    """What tells the worker of the same database."""
    if settings.database_file is not None:
        return ("--database-file", str(settings.database_file))
    return () if settings.database is None else ("--database", settings.database)


def _await_note(note: Path, child: subprocess.Popen[bytes], stop: threading.Event) -> None:
    """Give the notary a moment to come up: without it the start would warn of unsigned entries."""
    deadline = time.monotonic() + _CHILD_START_S
    while not note.exists() and child.poll() is None and time.monotonic() < deadline:
        if stop.wait(_LOOK_S):
            return
