"""Appending to the log, beside the least that any log must do for the same promise.

- Batches of 256 prepared entries, durable in the ledger and under a signed checkpoint. The raw
  loop writes the same rows with one executemany, hashes the leaves, keeps the right edge of the
  tree, signs the same two lines, and commits. Ours adds the notary in a process of its own with a
  durable memory, and the order that promises: database first, notary second.
- One act with nobody else waiting, beside one commit and one signature.
- Both on SQLite and on PostgreSQL; sides take turns, and the best round of each counts.
"""

import hashlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from figures import record
from gate_acts import HOSPITAL, ROWS, act_once, far_notary, now, opened_gate
from log_rates import make_entries
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "storage"))

from postgres_server import PostgresServer

from crypto.checkpoint import sign_checkpoint
from crypto.merkle import Frontier, leaf_hash
from crypto.note import Ed25519Signer, MldsaSigner
from crypto.treehead import Checkpoint
from sandbox.provenance.notary import Notary
from sandbox.records.port import Ledgers, LedgerStore
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.sqlite import SqliteLedgers

BATCH = 256
BATCHES = 24
ROUNDS = 5
ACTS = 300
GOAL_SHARE = 0.7
GOAL_TIMES = 2.0
COLUMNS = "idx INTEGER PRIMARY KEY, entry {octets} NOT NULL, leaf_hash {octets} NOT NULL"
INSERT = "INSERT INTO raw VALUES ({0}, {0}, {0})"

Append = Callable[[list[bytes]], None]


def run() -> None:
    entries = make_entries()[: BATCH * BATCHES]
    batches = [entries[at : at + BATCH] for at in range(0, len(entries), BATCH)]
    with PostgresServer() as server, tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        for kind in ("sqlite", "postgresql"):
            folder = Path(name) / kind
            folder.mkdir()
            compare_appends(kind, folder, server, batches)
            compare_acts(kind, folder, server)


def compare_appends(
    kind: str, folder: Path, server: PostgresServer, batches: list[list[bytes]]
) -> None:
    best = {"ours": float("inf"), "raw": float("inf")}
    for turn in range(ROUNDS):
        here = folder / f"append-{turn}"
        here.mkdir()
        with far_notary(here) as notary:
            ledgers = ledgers_of(kind, here, server)
            ours = ours_on(ledgers.create(HOSPITAL), notary)
            best["ours"] = min(best["ours"], spent(ours, batches))
            ledgers.close()
        with raw_on(kind, here, server) as raw:
            best["raw"] = min(best["raw"], spent(raw, batches))
    ratio = best["raw"] / best["ours"]
    per_s = BATCH * BATCHES / best["ours"]
    record(
        "log", f"append_{BATCH}_{kind}", per_s, "entries/s", "raw loop", ratio,
        f">= {GOAL_SHARE}", ratio >= GOAL_SHARE,
    )  # fmt: skip


def spent(append: Append, batches: list[list[bytes]]) -> float:
    append(batches[0])
    begun = time.perf_counter()
    for batch in batches:
        append(batch)
    return time.perf_counter() - begun


def ours_on(store: LedgerStore, notary: Notary) -> Append:
    def append(batch: list[bytes]) -> None:
        with store.unit() as unit:
            start = unit.tables.size()
            leaves = [leaf_hash(entry) for entry in batch]
            for place, (entry, leaf) in enumerate(zip(batch, leaves, strict=True)):
                unit.append(start + place, entry, leaf)
            unit.commit()
        notary.extend(HOSPITAL, start, leaves)

    return append


@contextmanager
def raw_on(kind: str, folder: Path, server: PostgresServer) -> Iterator[Append]:
    if kind == "sqlite":
        connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        mark, octets = "?", "BLOB"
    else:
        _, given = PGDialect_psycopg().create_connect_args(server.empty().owner)
        connection = psycopg.connect(**given)
        mark, octets = "%s", "BYTEA"
    connection.execute(f"CREATE TABLE raw ({COLUMNS.format(octets=octets)})")
    connection.commit()
    yield raw_append(connection, INSERT.format(mark))
    connection.close()


def raw_append(connection: "sqlite3.Connection | psycopg.Connection", insert: str) -> Append:
    frontier, sign = Frontier(), signer()

    def append(batch: list[bytes]) -> None:
        leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in batch]
        rows = [
            (frontier.size + place, entry, leaf)
            for place, (entry, leaf) in enumerate(zip(batch, leaves, strict=True))
        ]
        if isinstance(connection, sqlite3.Connection):
            connection.execute("BEGIN IMMEDIATE")
        connection.cursor().executemany(insert, rows)
        connection.commit()
        frontier.extend(leaves)
        sign(frontier)

    return append


def signer() -> Callable[[Frontier], str]:
    """Signs as the notary does: one Ed25519 line, one ML-DSA-44 line."""
    origin = f"anbiao.bench/{HOSPITAL}"
    signers = [
        Ed25519Signer(origin, Ed25519PrivateKey.generate()),
        MldsaSigner(origin, MLDSA44PrivateKey.generate()),
    ]

    def sign(frontier: Frontier) -> str:
        head = Checkpoint(origin, frontier.size, frontier.root())
        return sign_checkpoint(head, signers, now())

    return sign


def compare_acts(kind: str, folder: Path, server: PostgresServer) -> None:
    """One act after another: its whole way, beside one commit of one row and one signature."""
    with far_notary(folder) as notary, raw_on(kind, folder, server) as raw:
        ledgers = ledgers_of(kind, folder, server, ROWS)
        gate = opened_gate(folder, ledgers, notary)
        ours: list[float] = []
        least: list[float] = []
        for _ in range(ACTS):
            ours.append(timed(lambda: act_once(gate)))
            least.append(timed(lambda: raw([uuid4().bytes * 40])))
        gate.close()
        ledgers.close()
    took, floor = sorted(ours)[ACTS // 2], sorted(least)[ACTS // 2]
    times = took / floor
    record(
        "log", f"act_alone_{kind}", took * 1e3, "ms", "commit + sign", times,
        f"<= {GOAL_TIMES}", times <= GOAL_TIMES,
    )  # fmt: skip


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def ledgers_of(
    kind: str, folder: Path, server: PostgresServer, rows: tuple[type, ...] | None = None
) -> Ledgers:
    guests = [row for row in rows or () if row.__module__ == "gate_acts"]
    given = {} if rows is None else {"hospital_rows": rows}
    if kind == "sqlite":
        return SqliteLedgers(folder / "db", **given)
    return PostgresLedgers(server.house(guests).application, **given)


if __name__ == "__main__":
    run()
