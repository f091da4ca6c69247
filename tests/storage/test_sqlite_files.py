"""What only the files of a ledger can show."""

import sqlite3
from dataclasses import dataclass

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from policies.vocabulary import TaskState
from sandbox.errors import LedgerUnavailable, NotFound
from sandbox.records.labels import Task
from sandbox.records.people import Epoch, Pseudonym
from sandbox.storage.rows import HOSPITAL_ROWS
from sandbox.storage.schema import Schema
from sandbox.storage.sqlite import SqliteLedgers
from sandbox.storage.statements import Statements

LEDGER = "a" * 32
CANARY = "张三丰的标注".encode()


@pytest.fixture
def house(tmp_path):
    opened = SqliteLedgers(tmp_path / "db", busy_timeout_s=0.2)
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "db" / f"{LEDGER}.sqlite"


@pytest.fixture
def raw(house, file):
    """A bare connection to a ledger of two entries: what stands behind the gate's back."""
    with house.create(LEDGER).unit() as unit:
        unit.append(0, b"zero", b"hash 0")
        unit.append(1, b"one", b"hash 1")
        unit.tables.of(Epoch).insert(Epoch("epoch", 1))
        unit.commit()
    connection = sqlite3.connect(file, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET entry = x'00'",
        "UPDATE entries SET idx = 7 WHERE idx = 1",
        "UPDATE OR REPLACE entries SET idx = 0 WHERE idx = 1",
        "DELETE FROM entries",
        "DELETE FROM entries WHERE idx = 1",
        "INSERT OR REPLACE INTO entries VALUES (1, x'00', x'00', NULL)",
        "REPLACE INTO entries VALUES (0, x'00', x'00', NULL)",
        "INSERT INTO entries VALUES (1, x'00', x'00', NULL)",
        "INSERT INTO entries VALUES (3, x'00', x'00', NULL)",
        "INSERT INTO entries VALUES (-1, x'00', x'00', NULL)",
        "INSERT INTO entries VALUES (NULL, x'00', x'00', NULL)",
        "INSERT INTO entries VALUES (0, x'00', x'00', NULL) ON CONFLICT DO UPDATE SET entry = x'00'",
        "INSERT INTO entries VALUES (2, NULL, x'00', NULL)",
    ],
)
def test_entries_are_insert_only_even_for_raw_sql(house, raw, statement):
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)

    assert house.open(LEDGER).entries(0, 9) == [b"zero", b"one"]


def test_the_next_entry_may_be_inserted(house, raw):
    raw.execute("INSERT INTO entries VALUES (2, x'32', x'00', NULL)")

    assert house.open(LEDGER).entries(2, 9) == [b"2"]


@pytest.mark.usefixtures("raw")
def test_reopening_keeps_everything(house, tmp_path):
    house.close()

    again = SqliteLedgers(tmp_path / "db")
    store = again.open(LEDGER)

    assert again.names() == [LEDGER]
    assert store.entries(0, 9) == [b"zero", b"one"]
    assert store.leaf_hashes(0, 9) == [b"hash 0", b"hash 1"]
    with store.snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 1)]
    again.close()


@pytest.mark.usefixtures("raw")
def test_files_are_for_their_owner_only(file):
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}

    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert set(modes) == {".lock", *(file.name + end for end in ("", "-wal", "-shm"))}
    assert set(modes.values()) == {0o600}


def test_every_connection_writes_through_and_wipes(house):
    store = house.create(LEDGER)
    for engine in (store._writer, store._reader):
        with engine.connect() as connection:
            for pragma, value in {"synchronous": 2, "secure_delete": 1, "temp_store": 2}.items():
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_a_replaced_value_is_wiped_from_the_files(house, file):
    store = house.create(LEDGER)
    with store.unit() as unit:
        unit.tables.of(Pseudonym).insert(Pseudonym("a", CANARY.decode() * 400))
        unit.commit()
    with store.unit() as unit:
        unit.tables.of(Pseudonym).replace(Pseudonym("a", "p"))
        unit.commit()
    house.close()

    assert all(CANARY not in path.read_bytes() for path in file.parent.iterdir())


def test_a_writer_of_another_process_keeps_units_out(house, raw):
    raw.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerUnavailable) as refused, house.open(LEDGER).unit():
        pass
    assert refused.value.code == "ledger-busy"

    raw.execute("ROLLBACK")
    with house.open(LEDGER).unit() as unit:
        unit.commit()


@pytest.mark.usefixtures("raw")
def test_a_failing_database_undoes_the_whole_unit(house):
    store = house.open(LEDGER)
    with store.unit() as unit:
        unit.tables.of(Epoch).replace(Epoch("epoch", 2))
        attempt = unit.attempt()
        attempt.__enter__()
        unit.tables.of(Epoch).replace(Epoch("epoch", 3))
        # What SQLite does by itself when the disk is full: the transaction is gone.
        unit._transaction._driver.rollback()
        with pytest.raises(LedgerUnavailable):
            attempt.__exit__(None, None, None)
        with pytest.raises(LedgerUnavailable):
            unit.commit()

    with store.snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 1)]


def test_a_failing_read_ends_the_unit(house, raw):
    store = house.open(LEDGER)
    raw.execute("DROP TABLE task")

    with store.unit() as unit:
        unit.tables.of(Epoch).replace(Epoch("epoch", 2))
        with pytest.raises(LedgerUnavailable) as refused, unit.attempt():
            unit.tables.of(Task).find()
        with pytest.raises(LedgerUnavailable):
            unit.commit()
    assert refused.value.code == "ledger-unavailable"

    with store.snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 1)]


def test_a_folder_that_takes_no_ledger_is_unavailable(house, file):
    file.with_name(".lock").mkdir()

    with pytest.raises(LedgerUnavailable):
        house.create(LEDGER)

    assert house.names() == []


def test_a_missing_trigger_comes_back_on_opening(house, raw):
    raw.execute("DROP TRIGGER entries_refuse_delete")
    house.close()

    house.open(LEDGER)

    with pytest.raises(sqlite3.IntegrityError):
        raw.execute("DELETE FROM entries")


def test_pages_are_read_by_index_without_sorting(raw):
    plan = raw.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM item WHERE state = 'SEALED' AND id > 'a'"
        " ORDER BY id LIMIT 10"
    ).fetchall()

    assert [row[3] for row in plan] == [
        "SEARCH item USING INDEX index_item_state (state=? AND id>?)"
    ]


@pytest.mark.usefixtures("raw")
def test_an_entry_from_elsewhere_fails_the_commit(house):
    store = house.open(LEDGER)
    with store.unit() as unit:
        unit.tables.of(Epoch).replace(Epoch("epoch", 2))
        unit.append(2, b"mine", b"hash")
        taken = "INSERT INTO entries VALUES (2, x'00', x'00', NULL)"
        unit._transaction.run_text(taken)
        with pytest.raises(LedgerUnavailable) as refused:
            unit.commit()

    assert refused.value.code == "ledger-moved"
    assert store.size() == 2
    with store.snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 1)]


def test_a_row_that_cannot_be_read_is_said_to_be(house, raw):
    store = house.open(LEDGER)
    with store.unit() as unit:
        row = Task("t", "p", "i", TaskState.OPEN, None, None, None, None, 0)
        unit.tables.of(Task).insert(row)
        unit.commit()
    raw.execute("UPDATE task SET state = 'NEVER'")

    with store.snapshot() as tables, pytest.raises(LedgerUnavailable) as refused:
        tables.of(Task).get("t")

    assert refused.value.code == "row-unreadable"


@pytest.mark.parametrize(
    "junk", [b"no database at all" * 400, b"SQLite format 3\0" + b"\xff" * 4080]
)
def test_a_file_that_is_no_database_is_refused(house, file, junk):
    file.write_bytes(junk)

    with pytest.raises(LedgerUnavailable):
        house.open(LEDGER)
    with pytest.raises(LedgerUnavailable):
        house.create(LEDGER)
    assert file.read_bytes() == junk


def test_a_file_that_goes_missing_does_not_come_back_empty(house, raw, file):
    raw.close()
    house.close()
    file.unlink()

    with pytest.raises(NotFound):
        house.open(LEDGER)
    assert not file.exists()


@pytest.mark.usefixtures("raw")
def test_tables_of_new_row_types_are_made_on_opening(house, tmp_path):
    house.close()

    @dataclass(frozen=True)
    class Addition:
        id: str

    newer = SqliteLedgers(tmp_path / "db", hospital_rows=(*HOSPITAL_ROWS, Addition))
    with newer.open(LEDGER).unit() as unit:
        unit.tables.of(Addition).insert(Addition("new"))
        unit.commit()

    assert newer.open(LEDGER).size() == 2
    newer.close()


def test_tables_of_another_version_are_refused(house, raw):
    house.close()
    raw.execute("ALTER TABLE task DROP COLUMN version")

    with pytest.raises(LedgerUnavailable) as refused:
        house.open(LEDGER)

    assert refused.value.code == "ledger-schema-differs"


def test_what_a_killed_founder_left_is_swept(house, file):
    for leftover in (".new", ".new-wal", ".new-shm"):
        file.with_name(leftover).write_bytes(b"half")

    house.create(LEDGER)

    assert {path.name for path in file.parent.iterdir() if ".new" in path.name} == set()
    assert house.names() == [LEDGER]


def test_the_tables_can_be_made_in_postgresql_too():
    tables = Schema(HOSPITAL_ROWS).metadata.sorted_tables

    made = "\n".join(str(CreateTable(t).compile(dialect=postgresql.dialect())) for t in tables)

    assert 'CREATE TABLE "release"' in made
    assert 'id TEXT COLLATE "C" NOT NULL' in made.replace('"id"', "id")
    assert "idx BIGINT NOT NULL" in made


def test_statements_are_written_for_postgresql_too():
    statements = Statements(Schema(HOSPITAL_ROWS), postgresql.dialect())

    found = statements.of(Task).find(("state",), frozenset(), after=True, limit=True)

    assert found.text.endswith("LIMIT %(row_limit)s")
    assert found.bind({"row_limit": 1}) == {"row_limit": 1}
    assert "%(entry)s" in statements.append.text
