"""Whatever is changed behind the gate is named, whichever table, row and column it is."""

import random
import re
from pathlib import Path

import pytest

from sandbox.reconcile.ledger import Finding, Kind
from sandbox.storage.fields import Field, Form
from sandbox.storage.fields import Kind as Holds
from sandbox.storage.rows import ROWS_OF, LedgerKind
from sandbox.storage.schema import ENTRIES, FAILURES, LEDGERS, SIGHTINGS, table_name

SPEC = Path(__file__).parents[2] / "docs" / "spec" / "provenance-log.md"
NO_ROWS = {"alembic_version", FAILURES, LEDGERS, SIGHTINGS}
"""Tables that hold nothing of a ledger; each is named in clause 8 of the specification."""

TABLES = [
    pytest.param(kind, row_type, id=f"{kind}-{table_name(row_type)}")
    for kind, row_types in ROWS_OF.items()
    for row_type in row_types
]
EMPTY = {"platform-training"}
"""Tables in which policy lets nobody write: only an added row can be there."""


@pytest.fixture(scope="module")
def kept(world, tmp_path_factory):
    """One copy for all: each change is taken back."""
    return world.copy(tmp_path_factory.mktemp("kept") / "db")


def ledger_of(world, kind: LedgerKind) -> str:
    return "platform" if kind is LedgerKind.PLATFORM else world.hospital


def another(field: Field, value: object, chance: random.Random) -> object:
    """A value that the column takes, and that is not `value`."""
    if field.nullable and value is not None and chance.random() < 0.3:
        return None
    match field.kind:
        case Holds.NUMBER:
            return chance.randrange(1 << 40) + 1_000_000
        case Holds.TRUTH:
            return not value
        case Holds.OCTETS:
            return chance.randbytes(1 + len(bytes(value or b"")))
        case _:
            return f"{chance.getrandbits(128):032x}"


# rows


@pytest.mark.requirement("R75")
def test_a_house_at_rest_agrees(copy):
    assert copy.reconciled() == (0, [])


@pytest.mark.parametrize(("kind", "row_type"), [one for one in TABLES if one.id not in EMPTY])
def test_every_changed_column_is_named(world, kept, kind, row_type):
    ledger, table, form = ledger_of(world, kind), table_name(row_type), Form(row_type)
    chance = random.Random(table)  # noqa: S311 - chance, no secret
    rows = kept.ask(ledger, f'SELECT * FROM "{table}"')
    if not rows:
        pytest.fail(f"no act of this world wrote a row of {table}")

    for field in form.fields[1:]:
        row = chance.choice(rows)
        old = row[form.positions[field.name]]
        change = f'UPDATE "{table}" SET "{field.name}" = ? WHERE id = ?'
        kept.change(ledger, change, another(field, old, chance), row[0])
        found = kept.findings(ledger)
        kept.change(ledger, change, old, row[0])

        assert found == [Finding(ledger, Kind.CHANGED, table, row[0], (field.name,))]


@pytest.mark.parametrize(("kind", "row_type"), TABLES)
def test_every_removed_added_and_renamed_row_is_named(world, copy, kind, row_type):
    ledger, table, form = ledger_of(world, kind), table_name(row_type), Form(row_type)
    columns = ", ".join(f'"{name}"' for name in form.names)
    rows = copy.ask(ledger, f'SELECT {columns} FROM "{table}" LIMIT 1')
    row = rows[0] if rows else ("",) * len(form.names)
    chance = random.Random(table)  # noqa: S311 - chance, no secret
    fresh = tuple(
        value if field.kind is Holds.TRUTH else another(field, value, chance)
        for field, value in zip(form.fields, row, strict=True)
    )

    copy.change(ledger, f'DELETE FROM "{table}" WHERE id = ?', row[0])
    marks = ", ".join("?" * len(form.names))
    copy.change(ledger, f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', *fresh)

    found = {(one.kind, one.table, one.key) for one in copy.findings(ledger)}
    assert (Kind.ADDED, table, fresh[0]) in found
    assert found - {(Kind.ADDED, table, fresh[0])} == {(Kind.MISSING, table, row[0]) for _ in rows}


def test_no_value_is_told(world, copy):
    secret = "张伟的住院号是 7654321"
    copy.change(world.hospital, "UPDATE dataset SET title = ?", secret)

    code, found = copy.reconciled()

    assert (code, [one.columns for one in found]) == (1, [("title",)])
    assert "7654321" not in repr(found)


@pytest.mark.parametrize(
    "value", ["X'ff00'", "CAST(X'ff41' AS TEXT)", "'a' || char(0) || 'i5'", "''", "7"]
)
def test_what_no_column_would_take_is_named_and_read_all_the_same(world, copy, value):
    copy.change(world.hospital, f"UPDATE dataset SET title = {value}")

    code, found = copy.reconciled()

    assert code == 1
    assert [(one.kind, one.columns) for one in found] == [(Kind.CHANGED, ("title",))]


@pytest.mark.parametrize("key", ["''", "X'00'", "CAST(X'ff' AS TEXT)", "'\x1b[31m' || char(10)"])
def test_an_added_row_is_named_whatever_its_key(world, copy, key):
    copy.change(world.hospital, f"INSERT INTO pseudonym (id, pseudonym) VALUES ({key}, 'x')")

    (found,) = copy.findings(world.hospital)

    assert (found.kind, found.table) == (Kind.ADDED, "pseudonym")


# the stored log


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("column", ["entry", "leaf_hash", "imprint"])
def test_any_flipped_bit_of_the_stored_log_is_named(world, kept, column):
    chance = random.Random(column)  # noqa: S311 - chance, no secret
    for ledger in (world.hospital, "platform"):
        rows = kept.ask(ledger, f"SELECT idx, {column} FROM entries WHERE {column} IS NOT NULL")
        for index, old in chance.sample(rows, 12):
            changed = bytearray(old)
            changed[chance.randrange(len(old))] ^= 1 << chance.randrange(8)
            statement = f"UPDATE entries SET {column} = ? WHERE idx = ?"
            kept.change(ledger, statement, bytes(changed), index)
            found = kept.findings(ledger)
            kept.change(ledger, statement, old, index)

            named = [(one.kind, one.key, one.columns) for one in found if one.table == ENTRIES]
            assert named == [(Kind.CHANGED, str(index), (column,))]


CUTS = {
    "dropped": ("DELETE FROM entries WHERE idx = 5", (Kind.MISSING, "5")),
    "truncated": ("DELETE FROM entries WHERE idx = (SELECT max(idx) FROM entries)", None),
    "doubled": (
        "INSERT INTO entries SELECT max(idx) + 1, entry, leaf_hash, imprint FROM entries",
        None,
    ),
    "replaced": (
        "UPDATE entries SET entry = (SELECT entry FROM entries WHERE idx = 3) WHERE idx = 5",
        (Kind.CHANGED, "5"),
    ),
    "emptied": ("UPDATE entries SET imprint = NULL WHERE idx = 5", (Kind.CHANGED, "5")),
    "of another type": ("UPDATE entries SET entry = 'text' WHERE idx = 5", (Kind.CHANGED, "5")),
}


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("how", CUTS)
def test_entries_dropped_added_or_moved_are_named(world, copy, how):
    statement, named = CUTS[how]
    copy.change(world.hospital, statement)

    code, found = copy.reconciled()

    assert code in {1, 2}
    assert code == 1 or how == "doubled"  # an entry that nobody signed might be a late one
    if named is not None:
        assert named in [(one.kind, one.key) for one in found if one.table == ENTRIES]


def test_who_changes_row_and_imprint_alike_is_found_too(world, copy):
    task, index = copy.ask(world.hospital, "SELECT id, 0 FROM task LIMIT 1")[0]
    copy.change(world.hospital, "UPDATE task SET version = version + 1")
    copy.change(world.hospital, "UPDATE entries SET imprint = substr(imprint, 1, 32)")

    found = copy.findings(world.hospital)

    assert any(one.table == ENTRIES and one.columns == ("imprint",) for one in found)
    assert (Kind.ADDED, "task", task) in {(one.kind, one.table, one.key) for one in found}
    assert index == 0


# what can't be told


def test_without_a_pinned_key_nothing_is_told_for_sure(copy):
    code, found = copy.reconciled(pins={})

    assert code == 2
    assert {(one.kind, one.table, one.key) for one in found} == {
        (Kind.UNTOLD, "log", "no pinned key")
    }


def test_under_another_key_the_log_is_no_log(world, copy):
    pins = {world.hospital: world.pins["platform"], "platform": world.pins["platform"]}

    code, found = copy.reconciled(pins)

    assert code == 1
    assert [(one.ledger, one.kind, one.table) for one in found] == [
        (world.hospital, Kind.CHANGED, "log")
    ]


def test_every_table_of_the_database_is_of_rows_or_decided_upon(copy, world):
    text = SPEC.read_text()
    for kind, row_types in ROWS_OF.items():
        wanted = {table_name(each) for each in row_types} | {ENTRIES} | NO_ROWS
        found = copy.ask(
            ledger_of(world, kind), "SELECT name FROM sqlite_schema WHERE type = 'table'"
        )
        assert {name for (name,) in found} <= wanted
    for name in NO_ROWS | {ENTRIES}:
        assert re.search(rf"`{name}`", text), f"clause 8 says nothing of {name}"
