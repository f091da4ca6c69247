"""Acts per second through the library: gate, ledger, notary and published log on this disk.

SQLite has the goal; PostgreSQL stands beside it, measured in the same run, over a Unix socket.
"""

# ruff: noqa: ARG002 - handlers have the form of the protocol

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import Process
from pathlib import Path
from uuid import uuid4

from figures import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "storage"))

from postgres_server import PostgresServer

from policies.ruling import Facts, Ruling
from policies.vocabulary import Action, Role
from sandbox.acts import Acting, Actor, Command, Commitment, Outcome
from sandbox.errors import Unavailable
from sandbox.gate import Gate
from sandbox.provenance.notary import Notary, NotaryState
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer
from sandbox.provenance.publishing import Publisher
from sandbox.records.people import Membership
from sandbox.records.port import Ledgers, Tables
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.rows import HOSPITAL_ROWS
from sandbox.storage.sqlite import SqliteLedgers

GOAL_PER_S = 2_000
ACTS = 4_000


@dataclass(frozen=True)
class Mark:
    id: str
    by: str
    index: int


@dataclass(frozen=True, kw_only=True)
class Leave(Command):
    ACTION = Action.DATASET_CREATE

    mark: str

    def objects(self) -> Mapping[str, str]:
        return {"dataset": self.mark}


@dataclass(frozen=True, kw_only=True)
class Open(Command):
    ACTION = Action.LEDGER_OPEN


class LeaveMark:
    def facts(self, tables: Tables, command: Leave, acting: Acting) -> Facts:
        return {"grade": 3, "category": "general", "complete": True}

    def act(self, tables: Tables, command: Leave, acting: Acting) -> Outcome:
        tables.of(Mark).insert(Mark(command.mark, acting.pseudonym, acting.index))
        return Outcome(
            objects={"mark": command.mark},
            commitments=(Commitment("mark", bytes(32)),),
            reply={"mark": command.mark},
        )


ROWS = (*HOSPITAL_ROWS, Mark)


class OpenLedger:
    def facts(self, tables: Tables, command: Open, acting: Acting) -> Facts:
        return {}

    def act(self, tables: Tables, command: Open, acting: Acting) -> Outcome:
        row = Membership(
            id=uuid4().hex,
            account=acting.account,
            pseudonym=acting.pseudonym,
            organisation="platform",
            role=Role.OPERATOR,
            domain="platform",
            signing_key=None,
            sealing_key=None,
            granted_index=acting.index,
            granted_at=acting.now,
            expires_at=None,
            revoked_at=None,
        )
        tables.of(Membership).insert(row)
        return Outcome()


class Everything:
    """Rules at no cost: the decision point has figures of its own."""

    digest = "sha256:" + "0" * 64

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        return Ruling(True, "all-may", self.digest, facts)


def run() -> None:
    with PostgresServer() as server:
        for threads in (1, 8, 64):
            per_s = run_on_sqlite(threads)
            run_on_postgres(server, threads, per_s)


def run_on_sqlite(threads: int) -> float:
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        folder = Path(name)
        ledgers = SqliteLedgers(folder / "db", platform_rows=ROWS)
        per_s, p99_ms = measure(folder, ledgers, threads)
    goal = f">= {GOAL_PER_S}" if threads == 64 else None
    met = per_s >= GOAL_PER_S if goal else True
    record("gate", f"acts_{threads}_threads", per_s, "acts/s", None, None, goal, met)
    record("gate", f"act_p99_{threads}_threads", p99_ms, "ms", None, None, None, True)
    return per_s


def run_on_postgres(server: PostgresServer, threads: int, sqlite_per_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        ledgers = PostgresLedgers(server.house([Mark]).application, platform_rows=ROWS)
        per_s, p99_ms = measure(Path(name), ledgers, threads)
    ratio = per_s / sqlite_per_s
    record("gate", f"acts_{threads}_threads_postgres", per_s, "acts/s", "SQLite", ratio, None, True)
    record("gate", f"act_p99_{threads}_threads_postgres", p99_ms, "ms", None, None, None, True)


@contextmanager
def far_notary(folder: Path) -> Iterator[Notary]:
    """A notary in a process of its own."""
    path = folder / "notary.sock"
    process = Process(target=serve_notary, args=(folder / "notary", path), daemon=True)
    process.start()
    client = NotaryClient(path)
    while True:
        try:
            client.keys("platform")
            break
        except Unavailable:
            time.sleep(0.01)
    yield client
    client.close()
    process.terminate()
    process.join()


def serve_notary(folder: Path, path: Path) -> None:
    NotaryServer(path, NotaryState(folder, "anbiao.bench", now)).serve_forever()


def measure(folder: Path, ledgers: Ledgers, threads: int) -> tuple[float, float]:
    """Acts per second and the 99th percentile of one act in milliseconds."""
    with far_notary(folder) as notary:
        return measure_with(folder, ledgers, notary, threads)


def measure_with(
    folder: Path, ledgers: Ledgers, notary: Notary, threads: int
) -> tuple[float, float]:
    ledgers.create("platform")
    handlers = {Leave: LeaveMark(), Open: OpenLedger()}
    publisher = Publisher(folder / "log")
    gate = Gate(ledgers, Everything(), handlers, notary, publisher, now, lambda: uuid4().hex)
    actor = Actor("bench")
    gate.perform(actor, Open(ledger="platform", domain="platform"))
    acts = ACTS if threads > 1 else ACTS // 4
    spans: list[float] = []

    def work() -> None:
        for _ in range(acts // threads):
            begun = time.perf_counter()
            gate.perform(actor, Leave(ledger="platform", domain="platform", mark=uuid4().hex))
            spans.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - begun
    gate.close()
    ledgers.close()
    return len(spans) / took, sorted(spans)[int(len(spans) * 0.99)] * 1e3


def now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    run()
