"""Acts per second through the library: gate, policy, ledger, notary and published log on this disk.

An act gathers facts, is ruled on by Casbin, makes one row and replaces another, and is entered;
its caller gets the receipt.

SQLite has the goal; PostgreSQL stands beside it, measured in the same run, over a Unix socket.
"""

# ruff: noqa: ARG002 - handlers have the form of the protocol

import base64
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import Process
from pathlib import Path
from uuid import uuid4

from figures import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "storage"))

from postgres_server import PostgresServer

from crypto.signing import PersonKey, sign_act
from policies.decision import CasbinDecisionPoint
from policies.ruling import Facts
from policies.vocabulary import Action, Role
from sandbox.acts import Acting, Actor, Command, Commitment, Outcome, SignedAct
from sandbox.errors import Unavailable
from sandbox.gate import Gate
from sandbox.provenance.notary import Notary, NotaryState
from sandbox.provenance.notary_doors import UnixDoor, UnixWay
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer
from sandbox.provenance.publishing import Publisher
from sandbox.records.people import Membership
from sandbox.records.port import Ledgers, Tables
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.rows import HOSPITAL_ROWS
from sandbox.storage.sqlite import SqliteLedgers

HOSPITAL = "ab" * 16
STEWARD = Actor("bench")
GOAL_PER_S = 5_000
ACTS = 4_000


@dataclass(frozen=True)
class Mark:
    id: str
    by: str
    index: int


@dataclass(frozen=True)
class Tally:
    id: str
    marks: int


@dataclass(frozen=True, kw_only=True)
class Leave(Command):
    ACTION = Action.DATASET_CREATE

    mark: str

    def objects(self) -> Mapping[str, str]:
        return {"dataset": self.mark}


@dataclass(frozen=True, kw_only=True)
class Open(Command):
    ACTION = Action.LEDGER_OPEN

    member: str

    def objects(self) -> Mapping[str, str]:
        return {"member": self.member}


class LeaveMark:
    """Facts, and two rows changed: one made, one replaced."""

    def facts(self, tables: Tables, command: Leave, acting: Acting) -> Facts:
        return {"grade": 3, "category": "general", "complete": True}

    def act(self, tables: Tables, command: Leave, acting: Acting) -> Outcome:
        tables.of(Mark).insert(Mark(command.mark, acting.pseudonym, acting.index))
        tally = tables.of(Tally).require("tally")
        tables.of(Tally).replace(Tally("tally", tally.marks + 1))
        return Outcome(
            objects={"mark": command.mark},
            commitments=(Commitment("mark", bytes(32)),),
            reply={"mark": command.mark},
        )


ROWS = (*HOSPITAL_ROWS, Mark, Tally)


class OpenLedger:
    def facts(self, tables: Tables, command: Open, acting: Acting) -> Facts:
        return {"announced": True}

    def act(self, tables: Tables, command: Open, acting: Acting) -> Outcome:
        tables.of(Tally).insert(Tally("tally", 0))
        row = Membership(
            id=uuid4().hex,
            account=acting.account,
            pseudonym=acting.pseudonym,
            organisation="hospital",
            role=Role.STEWARD,
            domain="hospital",
            signing_key=None,
            sealing_key=None,
            granted_index=acting.index,
            granted_at=acting.now,
            expires_at=None,
            revoked_at=None,
        )
        tables.of(Membership).insert(row)
        return Outcome()


def run() -> None:
    with PostgresServer() as server:
        for threads in (1, 8, 64):
            per_s = run_on_sqlite(threads)
            run_on_postgres(server, threads, per_s)


def run_on_sqlite(threads: int) -> float:
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        folder = Path(name)
        ledgers = SqliteLedgers(folder / "db", hospital_rows=ROWS)
        per_s, p99_ms = measure(folder, ledgers, threads)
    goal = f">= {GOAL_PER_S}" if threads == 64 else None
    met = per_s >= GOAL_PER_S if goal else True
    record("gate", f"acts_{threads}_threads", per_s, "acts/s", None, None, goal, met)
    record("gate", f"act_p99_{threads}_threads", p99_ms, "ms", None, None, None, True)
    return per_s


def run_on_postgres(server: PostgresServer, threads: int, sqlite_per_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        ledgers = PostgresLedgers(server.house([Mark, Tally]).application, hospital_rows=ROWS)
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
    client = NotaryClient(UnixWay(path))
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
    NotaryServer(UnixDoor(path), NotaryState(folder, "anbiao.bench", now)).serve_forever()


def measure(folder: Path, ledgers: Ledgers, threads: int) -> tuple[float, float]:
    """Acts per second and the 99th percentile of one act in milliseconds."""
    with far_notary(folder) as notary:
        return measure_with(folder, ledgers, notary, threads)


def opened_gate(folder: Path, ledgers: Ledgers, notary: Notary) -> Gate:
    """A gate ruled by the shipped policy, over a hospital's ledger that its steward opened."""
    ledgers.create(HOSPITAL)
    handlers = {Leave: LeaveMark(), Open: OpenLedger()}
    publisher = Publisher(folder / "log")
    new_id = lambda: uuid4().hex  # noqa: E731
    gate = Gate(ledgers, CasbinDecisionPoint(), handlers, notary, publisher, now, new_id)
    key = PersonKey.generate()
    terms = {
        "organisation": "hospital",
        "role": str(Role.STEWARD),
        "signing_key": base64.b64encode(key.public_bytes).decode(),
        "sealing_key": "",
    }
    opening = Open(ledger=HOSPITAL, member=uuid4().hex)
    nonce = uuid4().hex
    signature = sign_act(key, HOSPITAL, str(opening.ACTION), opening.objects(), terms, nonce)
    signed = SignedAct(key.public_bytes, signature, nonce, opening.objects(), terms)
    gate.perform(STEWARD, replace(opening, signed=signed))
    return gate


def act_once(gate: Gate) -> None:
    gate.perform(STEWARD, Leave(ledger=HOSPITAL, mark=uuid4().hex))


def measure_with(
    folder: Path, ledgers: Ledgers, notary: Notary, threads: int
) -> tuple[float, float]:
    gate = opened_gate(folder, ledgers, notary)
    acts = ACTS if threads > 1 else ACTS // 4
    spans: list[float] = []

    def work() -> None:
        for _ in range(acts // threads):
            begun = time.perf_counter()
            act_once(gate)
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
