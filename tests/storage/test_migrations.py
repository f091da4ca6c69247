"""Revisions: one line of descent, the same tables as the rows want, and rows that survive."""

import sqlite3
from collections import Counter

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, inspect, text

from sandbox.errors import LedgerUnavailable
from sandbox.records.people import Epoch
from sandbox.storage.fields import Kind
from sandbox.storage.migrations import revise, run
from sandbox.storage.migrations.steps import (
    AddColumn,
    AddIndex,
    AddUnique,
    DropColumn,
    DropIndex,
    DropTable,
    DropUnique,
    Kept,
    MakeTable,
    SetNullable,
    Workplace,
)
from sandbox.storage.rows import ROWS_OF, LedgerKind
from sandbox.storage.schema import ColumnForm, Schema, TableForm, columns_of
from sandbox.storage.sqlite import SqliteLedgers

LEDGER = "a" * 32
HOW = "python -m sandbox.storage.migrations.revise 'what changes'"


# the revisions themselves


def test_revisions_are_one_line_of_descent():
    scripts = list(run._scripts().walk_revisions())
    parents = Counter(script.down_revision for script in scripts)

    twice = [parent for parent, times in parents.items() if times > 1]
    assert twice == [], f"two revisions follow {twice}: delete the one not on main, then {HOW}"
    assert run.revisions() == [f"{n:04}" for n in range(1, len(scripts) + 1)]


def test_every_table_that_the_rows_want_is_in_a_revision():
    assert list(revise.missing()) == [], f"no revision says this: run {HOW} and commit its file"


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_migrated_file_has_the_tables_of_the_rows(tmp_path, kind):
    ledger = "platform" if kind is LedgerKind.PLATFORM else LEDGER
    SqliteLedgers(tmp_path).create(ledger)
    engine = create_engine(f"sqlite:///{tmp_path / ledger}.sqlite")

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, Schema(ROWS_OF[kind]).metadata)
    engine.dispose()

    assert found == []


def test_a_ledger_of_a_newer_program_is_refused(tmp_path):
    SqliteLedgers(tmp_path).create(LEDGER)
    with sqlite3.connect(tmp_path / f"{LEDGER}.sqlite") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()

    with pytest.raises(LedgerUnavailable) as refused:
        SqliteLedgers(tmp_path).open(LEDGER)

    assert refused.value.code == "schema-newer"


@pytest.fixture
def first(tmp_path):
    """A file of the first revision, with an entry and a row in it."""
    SqliteLedgers(tmp_path).close()
    path = tmp_path / f"{LEDGER}.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        run.upgrade(connection, [LedgerKind.HOSPITAL], shared=False, to=run.BASELINE)
        connection.execute(text("INSERT INTO entries VALUES (0, x'00', x'01')"))
        connection.execute(text("INSERT INTO epoch VALUES ('epoch', 7)"))
    engine.dispose()
    return path


@pytest.mark.parametrize("stamped", [True, False])
def test_a_ledger_of_the_first_revision_is_taken_up_with_its_rows(first, stamped):
    if not stamped:  # as programs left it that knew no revisions
        with sqlite3.connect(first) as raw:
            raw.execute("DROP TABLE alembic_version")
        raw.close()

    store = SqliteLedgers(first.parent).open(LEDGER)

    assert store.entries(0, 9) == [b"\0"]
    with store.snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 7)]
    store.close()


# steps


OLD = TableForm(
    "thing",
    columns_of("id text, old number, shared text, maybe text null"),
    unique=(("shared",),),
    indexed=("old",),
)
NEW = TableForm(
    "thing",
    columns_of("id text, shared text null, maybe text, fresh octets, free number null"),
    unique=(("shared", "maybe"),),
    indexed=("maybe",),
)
HOSPITAL = frozenset({LedgerKind.HOSPITAL})


def known(*forms):
    return {form.name: Kept(form, HOSPITAL) for form in forms}


@pytest.fixture
def place():
    engine = create_engine("sqlite://")
    with engine.connect() as connection, connection.begin():
        yield Workplace(Operations(MigrationContext.configure(connection)), HOSPITAL, shared=False)
    engine.dispose()


def rows(place):
    return place.operations.get_bind().execute(text("SELECT * FROM thing ORDER BY id")).fetchall()


def test_differences_lead_from_one_form_to_another():
    steps = list(revise.differences(known(OLD), known(NEW)))

    assert {type(step) for step in steps} == {
        *(DropIndex, DropUnique, DropColumn, AddColumn, SetNullable, AddUnique, AddIndex)
    }
    reached = known(OLD)
    for step in steps:
        reached = step.change(reached)
    assert list(revise.differences(reached, known(NEW))) == []


def test_rows_survive_every_kind_of_step(place):
    place.carry_out([MakeTable(OLD, (LedgerKind.HOSPITAL,))])
    put = "INSERT INTO thing VALUES ('a', 1, 's', NULL), ('b', 2, 't', 'm')"
    place.operations.execute(text(put))

    place.carry_out(revise.differences(known(OLD), known(NEW)))

    assert [tuple(row) for row in rows(place)] == [
        ("a", "s", "", b"", None),
        ("b", "t", "m", b"", None),
    ]
    found = inspect(place.operations.get_bind())
    nullable = {column["name"]: column["nullable"] for column in found.get_columns("thing")}
    assert nullable == {"id": False, "shared": True, "maybe": False, "fresh": False, "free": True}
    assert [u["column_names"] for u in found.get_unique_constraints("thing")] == [
        ["shared", "maybe"]
    ]
    assert [i["column_names"] for i in found.get_indexes("thing")] == [["maybe", "id"]]


def test_a_table_goes_with_its_rows(place):
    place.carry_out([MakeTable(OLD, (LedgerKind.HOSPITAL,))])

    place.carry_out(revise.differences(known(OLD), {}))

    assert inspect(place.operations.get_bind()).get_table_names() == []
    assert place.known == {}


def test_ledgers_of_the_other_kind_are_passed_by(place):
    steps = list(revise.differences(known(OLD), known(NEW)))

    place.kinds = frozenset({LedgerKind.PLATFORM})
    place.carry_out([MakeTable(OLD, (LedgerKind.HOSPITAL,)), *steps, DropTable("thing")])

    assert inspect(place.operations.get_bind()).get_table_names() == []


@pytest.mark.parametrize(
    "aim",
    [
        {"thing": Kept(OLD, frozenset(LedgerKind))},
        known(TableForm("thing", (*OLD.columns[:-1], ColumnForm("maybe", Kind.NUMBER, True)))),
    ],
)
def test_what_only_a_person_can_put_into_words_is_refused(aim):
    with pytest.raises(NotImplementedError):
        list(revise.differences(known(OLD), aim))


def test_a_drawn_revision_says_the_same_as_its_steps(tmp_path):
    steps = (
        MakeTable(NEW, (LedgerKind.HOSPITAL,)),
        *revise.differences(known(OLD), known(NEW)),
        DropTable("other"),
    )
    path = tmp_path / "r0002_drawn.py"

    path.write_text(revise.draw("Drawn", "0002", "0001", steps))

    names: dict = {}
    exec(compile(path.read_text(), path, "exec"), names)  # noqa: S102 - our own drawing
    assert (names["revision"], names["down_revision"]) == ("0002", "0001")
    assert names["STEPS"] == steps
