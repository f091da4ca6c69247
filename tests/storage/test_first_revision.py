"""A ledger that the first revision's own code made and filled: it is taken up, and still verifies.

`first_revision/hospital.sql` is what that code left in a file of SQLite, `checkpoint` and `keys` what
it published: a steward, people who came and went, eleven acts of which some were refused.
"""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from crypto.note import VerifierKey
from sandbox.records.people import Acknowledged, Epoch, Membership
from sandbox.storage.fields import Kind
from sandbox.storage.migrations import run
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_schema import migrate
from sandbox.storage.rows import LedgerKind
from sandbox.storage.sqlite import SqliteLedgers
from sandbox.trust import Trust

KEPT = Path(__file__).with_name("first_revision")
LEDGER = "ab" * 16
STEWARD = bytes.fromhex("02a3dc085c1bc4d58c86ec9be3bfdfb7662f828138ee1c5d6005551380ba0cc8")
VALUES = {Kind.TEXT: "2026-01-01", Kind.NUMBER: 1, Kind.TRUTH: True, Kind.OCTETS: b"x"}


def tables():
    """The tables of a hospital's ledger at the first revision."""
    known = run.known_at(run.BASELINE)
    return [kept.form for kept in known.values() if LedgerKind.HOSPITAL in kept.kinds]


@pytest.fixture
def file(tmp_path):
    """The file as it was left, and a row in each table that had none."""
    SqliteLedgers(tmp_path).close()
    path = tmp_path / f"{LEDGER}.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript((KEPT / "hospital.sql").read_text())
    for form in tables():
        if connection.execute(f'SELECT count(*) FROM "{form.name}"').fetchone() == (0,):
            row = [None if each.nullable else VALUES[each.kind] for each in form.columns]
            marks = ", ".join("?" * len(row))
            connection.execute(f'INSERT INTO "{form.name}" VALUES ({marks})', row)
    connection.commit()
    yield connection
    connection.close()


def counts(execute):
    """How many rows each table has that was there and still is."""
    now = run.known_at(run.head())
    return {
        form.name: execute(f'SELECT count(*) FROM "{form.name}"').fetchone()[0]
        for form in tables()
        if form.name in now
    }


def check_it_goes_on(ledgers):
    store = ledgers.open(LEDGER)
    trust = Trust(LEDGER, {STEWARD})
    vkeys = [VerifierKey.parse(line) for line in (KEPT / "keys").read_text().splitlines()]
    trust.verify_log(store, vkeys, (KEPT / "checkpoint").read_text())
    assert trust.size == store.size() == 17
    with store.snapshot() as rows:
        assert rows.of(Epoch).require("epoch").value == 4
        assert {m.role for m in rows.of(Membership).find()} == {"steward", "labeller"}
        assert rows.of(Acknowledged).count() == 8
    with store.unit() as unit:
        unit.append(17, b"goes on", b"hash")
        unit.commit()
    ledgers.close()


def test_file_of_the_first_revision_is_migrated_when_it_is_opened(tmp_path, file):
    before = counts(file.execute)

    ledgers = SqliteLedgers(tmp_path)
    check_it_goes_on(ledgers)

    assert counts(file.execute) == before
    assert min(before.values()) > 0
    assert file.execute("SELECT version_num FROM alembic_version").fetchone() == (run.head(),)


def test_database_of_the_first_revision_is_migrated_by_its_owner(postgres, file):
    place = postgres.empty()
    engine = create_engine(place.owner, poolclass=NullPool)
    with engine.begin() as connection:
        run.upgrade(connection, LedgerKind, shared=True, to=run.BASELINE)
    before = counts(file.execute)
    with postgres.connect(database=place.name) as connection:
        connection.execute("INSERT INTO ledgers VALUES (%s)", [LEDGER])
        for name in ("entries", *before):
            copy(file, connection, name)

        migrate(place.owner, "anbiao_app")

        assert counts(connection.execute) == before
    check_it_goes_on(PostgresLedgers(place.application))


def copy(source, target, name):
    found = source.execute(f'SELECT * FROM "{name}"')
    columns = ", ".join(f'"{column}"' for column, *_ in found.description)
    marks = ", ".join(["%s"] * (1 + len(found.description)))
    kinds = {c.name: c.kind for form in tables() if form.name == name for c in form.columns}
    for row in found:
        values = [
            bool(value) if kinds.get(column) is Kind.TRUTH and value is not None else value
            for value, (column, *_) in zip(row, found.description, strict=True)
        ]
        target.execute(
            f'INSERT INTO "{name}" (ledger, {columns}) VALUES ({marks})', [LEDGER, *values]
        )
