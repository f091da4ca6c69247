"""What every store of ledgers promises."""

import dataclasses
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread

import pytest

from policies.vocabulary import Role, TaskState
from sandbox.errors import Conflict, LedgerUnavailable, NotFound, Unacceptable
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Label, Task
from sandbox.records.people import Account, Epoch, Membership

NOON = datetime(2026, 8, 1, 12, 0, 0, 5, tzinfo=UTC)
LATER = datetime(2027, 8, 1, tzinfo=UTC)


def task(key, *, item=None, project="p1", state=TaskState.OPEN, labeller=None, version=0):
    return Task(key, project, item or f"item-{key}", state, labeller, None, None, None, version)


def fill(store, *rows):
    with store.unit() as unit:
        for row in rows:
            unit.tables.of(type(row)).insert(row)
        unit.commit()


def grow(store, *entries):
    with store.unit() as unit:
        for offset, entry in enumerate(entries):
            unit.append(unit.tables.size() + offset, entry, b"hash of " + entry)
        unit.commit()


def all_of(store, row_type, **equal):
    with store.snapshot() as tables:
        return tables.of(row_type).find(**equal)


@contextmanager
def failing(context):
    """`context` around a body that fails at its end."""
    with pytest.raises(ZeroDivisionError), context as inside:  # noqa: PT012 - the body is given
        yield inside
        raise ZeroDivisionError


# ledgers


def test_a_created_ledger_is_found_again(ledgers):
    made = ledgers.create("b" * 32)

    assert made.ledger == "b" * 32
    assert ledgers.open("b" * 32) is made
    assert ledgers.create("b" * 32) is made
    assert made.size() == 0


def test_an_unknown_ledger_is_not_found(ledgers):
    with pytest.raises(NotFound):
        ledgers.open("b" * 32)
    assert ledgers.names() == []


@pytest.mark.parametrize(
    "ledger",
    ["", "Platform", "B" * 32, "b" * 31, "b" * 33, "../" + "b" * 29, "b" * 32 + "\n", "日" * 32],
)
def test_what_is_no_ledger_id_makes_no_ledger(ledgers, ledger):
    with pytest.raises(NotFound):
        ledgers.create(ledger)
    with pytest.raises(NotFound):
        ledgers.open(ledger)
    assert ledgers.names() == []


def test_ledgers_are_named_in_order(ledgers):
    for ledger in ("platform", "c" * 32, "b" * 32):
        ledgers.create(ledger)

    assert ledgers.names() == ["b" * 32, "c" * 32, "platform"]


def test_ledgers_keep_nothing_of_one_another(ledgers):
    first, second = ledgers.create("b" * 32), ledgers.create("c" * 32)

    fill(first, task("t1"))
    grow(first, b"entry")

    assert all_of(second, Task) == []
    assert second.size() == 0


def test_a_hospital_keeps_no_accounts_and_the_platform_no_datasets(ledgers):
    hospital, platform = ledgers.create("b" * 32), ledgers.create("platform")

    with hospital.snapshot() as tables, pytest.raises(TypeError):
        tables.of(Account)
    with platform.snapshot() as tables, pytest.raises(TypeError):
        tables.of(Dataset)


def test_tables_know_their_ledger(store):
    with store.unit() as unit:
        assert unit.tables.ledger == "a" * 32
    with store.snapshot() as tables:
        assert tables.ledger == "a" * 32


# rows


def test_a_row_comes_back_as_it_was(store):
    grant = Membership(
        *("m1", "acc", "pseu", "firm:标注一号", Role.LABELLER, "project:p"),
        *(b"\0\xff key", None, 7, NOON, LATER, None),
    )

    fill(store, grant)

    (found,) = all_of(store, Membership)
    assert found == grant
    assert type(found.role) is Role
    assert found.granted_at.tzinfo is not None


def test_an_unknown_key_gives_none_or_not_found(store):
    with store.snapshot() as tables:
        assert tables.of(Task).get("t1") is None
        with pytest.raises(NotFound):
            tables.of(Task).require("t1")


def test_a_unit_reads_its_own_writes(store):
    with store.unit() as unit:
        tasks = unit.tables.of(Task)
        tasks.insert(task("t1"))
        tasks.replace(task("t1", version=1))

        assert tasks.require("t1").version == 1
        assert tasks.count() == 1


def test_a_taken_key_is_a_conflict(store):
    fill(store, task("t1"))

    with store.unit() as unit, pytest.raises(Conflict) as refused:
        unit.tables.of(Task).insert(task("t1", item="another"))

    assert refused.value.code == "row-exists"


def test_a_taken_unique_combination_is_a_conflict(store):
    fill(store, task("t1", item="i1"), task("t2", item="i2"))

    with store.unit() as unit:
        with pytest.raises(Conflict):
            unit.tables.of(Task).insert(task("t3", item="i1"))
        with pytest.raises(Conflict):
            unit.tables.of(Task).replace(task("t2", item="i1"))
        unit.commit()

    assert [row.item for row in all_of(store, Task)] == ["i1", "i2"]


def test_half_of_a_unique_combination_may_repeat(store):
    label = Label("l1", "t", "p", "i", 1, "a", b"", "c", "s", "human", 0, NOON)
    fill(store, label, dataclasses.replace(label, id="l2", version=2))

    with store.unit() as unit, pytest.raises(Conflict):
        unit.tables.of(Label).insert(dataclasses.replace(label, id="l3"))


def test_a_freed_unique_combination_can_be_taken(store):
    fill(store, task("t1", item="i1"))

    with store.unit() as unit:
        unit.tables.of(Task).replace(task("t1", item="i2"))
        unit.tables.of(Task).insert(task("t2", item="i1"))
        unit.commit()

    assert all_of(store, Task, item="i1")[0].id == "t2"


def test_replacing_what_is_not_there_is_not_found(store):
    with store.unit() as unit, pytest.raises(NotFound):
        unit.tables.of(Task).replace(task("t1"))


def test_a_conflict_leaves_the_unit_usable(store):
    fill(store, task("t1"))

    with store.unit() as unit:
        with pytest.raises(Conflict), unit.attempt():
            unit.tables.of(Task).insert(task("t1"))
        unit.tables.of(Task).insert(task("t2"))
        unit.commit()

    assert [row.id for row in all_of(store, Task)] == ["t1", "t2"]


# finding


@pytest.fixture
def tasks(store):
    labelled = {"state": TaskState.LEASED, "labeller": "王芳"}
    fill(
        store,
        task("t3"),
        task("t1", **labelled),
        task("t2", project="p2", **labelled),
        task("t4", state=TaskState.LEASED),
        task("日"),
        task("T5", version=9),
    )
    return store


@pytest.mark.parametrize(
    ("equal", "keys"),
    [
        ({}, ["T5", "t1", "t2", "t3", "t4", "日"]),
        ({"state": TaskState.LEASED}, ["t1", "t2", "t4"]),
        ({"state": "LEASED"}, ["t1", "t2", "t4"]),
        ({"labeller": None}, ["T5", "t3", "t4", "日"]),
        ({"labeller": "王芳"}, ["t1", "t2"]),
        ({"labeller": "王"}, []),
        ({"labeller": None, "state": TaskState.LEASED}, ["t4"]),
        ({"project": "p2", "labeller": "王芳", "version": 0}, ["t2"]),
        ({"version": 9}, ["T5"]),
        ({"id": "t2"}, ["t2"]),
        ({"id": "t2", "project": "p1"}, []),
        ({"state": TaskState.LOCKED}, []),
    ],
)
def test_rows_are_found_by_equal_fields_in_key_order(tasks, equal, keys):
    assert [row.id for row in all_of(tasks, Task, **equal)] == keys
    with tasks.snapshot() as tables:
        assert tables.of(Task).count(**equal) == len(keys)


@pytest.mark.parametrize(
    ("page", "keys"),
    [
        ({"limit": 0}, []),
        ({"limit": 2}, ["T5", "t1"]),
        ({"after": "t1", "limit": 2}, ["t2", "t3"]),
        ({"after": "t1z"}, ["t2", "t3", "t4", "日"]),
        ({"after": "日"}, []),
        ({"after": ""}, ["T5", "t1", "t2", "t3", "t4", "日"]),
        ({"after": "t1", "limit": 1, "state": TaskState.LEASED}, ["t2"]),
        ({"after": "t2", "limit": 9, "labeller": None}, ["t3", "t4", "日"]),
    ],
)
def test_pages_begin_behind_a_key(tasks, page, keys):
    assert [row.id for row in all_of(tasks, Task, **page)] == keys


def test_a_negative_limit_is_refused(tasks):
    with pytest.raises(Unacceptable):
        all_of(tasks, Task, limit=-1)


def test_an_unknown_field_is_refused(tasks):
    with tasks.snapshot() as tables:
        with pytest.raises(TypeError):
            tables.of(Task).find(colour="red")
        with pytest.raises(TypeError):
            tables.of(Task).count(colour=None)


def test_rows_are_found_by_time_and_tuple(ledgers):
    platform = ledgers.create("platform")
    person = Account(
        *("a1", "李雷", "person", "hospital", "active", None, None, 0),
        *(("x", "y"), None, None, None, NOON, 0, ()),
    )
    fill(platform, person)

    assert all_of(platform, Account, recovery_hashes=("x", "y"), created_at=NOON) == [person]
    assert all_of(platform, Account, recovery_hashes=("y", "x")) == []
    assert all_of(platform, Account, created_at=LATER) == []


# units and savepoints


def test_a_unit_without_commit_changes_nothing(store):
    with store.unit() as unit:
        unit.tables.of(Task).insert(task("t1"))
        unit.append(0, b"entry", b"hash")

    assert all_of(store, Task) == []
    assert store.size() == 0


def test_a_unit_that_raises_changes_nothing(store):
    with failing(store.unit()) as unit:
        unit.tables.of(Task).insert(task("t1"))
        unit.append(0, b"entry", b"hash")

    assert all_of(store, Task) == []
    assert store.size() == 0
    fill(store, task("t1"))


def test_a_failed_attempt_is_undone_and_the_rest_stays(store):
    fill(store, task("t0", item="i0"))
    with store.unit() as unit:
        tasks = unit.tables.of(Task)
        tasks.insert(task("t1"))
        unit.append(0, b"kept", b"hash")
        with failing(unit.attempt()):
            tasks.replace(task("t0", item="i9"))
            tasks.insert(task("t2", item="i0"))
            unit.append(1, b"undone", b"hash")
        assert tasks.get("t2") is None
        unit.append(1, b"after", b"hash")
        unit.commit()

    assert [(row.id, row.item) for row in all_of(store, Task)] == [("t0", "i0"), ("t1", "item-t1")]
    assert store.entries(0, 9) == [b"kept", b"after"]


def test_attempts_nest(store):
    with store.unit() as unit:
        tasks = unit.tables.of(Task)
        with unit.attempt():
            tasks.insert(task("t1"))
            with failing(unit.attempt()):
                tasks.insert(task("t2"))
            tasks.insert(task("t3"))
        with failing(unit.attempt()), unit.attempt():
            tasks.insert(task("t4"))
        unit.commit()

    assert [row.id for row in all_of(store, Task)] == ["t1", "t3"]


def test_nothing_runs_in_a_finished_unit(store):
    with store.unit() as unit:
        tasks = unit.tables.of(Task)
        unit.commit()

        for late in (
            lambda: tasks.get("t1"),
            lambda: tasks.insert(task("t1")),
            lambda: unit.append(0, b"", b""),
            unit.commit,
            unit.attempt().__enter__,
        ):
            with pytest.raises(LedgerUnavailable) as refused:
                late()
            assert refused.value.code == "unit-closed"
    with pytest.raises(LedgerUnavailable):
        tasks.get("t1")


def test_a_second_unit_waits_and_then_gives_up(store):
    refusals = []

    def second():
        try:
            with store.unit():
                pass
        except LedgerUnavailable as refusal:
            refusals.append(refusal.code)

    with store.unit():
        thread = Thread(target=second)
        thread.start()
        thread.join()

    assert refusals == ["ledger-busy"]
    with store.unit():
        pass


def test_threads_lose_no_update(ledgers):
    store = ledgers.create("d" * 32)
    fill(store, Epoch("epoch", 0))

    def raise_epoch():
        done = 0
        while done < 25:
            try:
                with store.unit() as unit:
                    epoch = unit.tables.of(Epoch).require("epoch")
                    unit.tables.of(Epoch).replace(Epoch("epoch", epoch.value + 1))
                    unit.append(unit.tables.size(), b"raised", b"hash")
                    unit.commit()
                done += 1
            except LedgerUnavailable:
                continue  # the lock was long in coming; what matters is that nothing is lost

    threads = [Thread(target=raise_epoch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all_of(store, Epoch) == [Epoch("epoch", 100)]
    assert store.size() == 100


# snapshots


def test_a_snapshot_does_not_move(store):
    fill(store, task("t1"))
    grow(store, b"one")
    with store.snapshot() as before:
        fill(store, task("t2"))
        grow(store, b"two")
        with store.unit() as unit:
            unit.tables.of(Task).replace(task("t1", version=5))
            unit.commit()

        assert [row.version for row in before.of(Task).find()] == [0]
        assert before.of(Task).get("t2") is None
        assert before.size() == 1
        with pytest.raises(NotFound):
            before.entry(1)

    with store.snapshot() as after:
        assert after.of(Task).count() == 2
        assert after.entry(1) == b"two"


def test_a_snapshot_does_not_see_an_open_unit(store):
    with store.unit() as unit:
        unit.tables.of(Task).insert(task("t1"))
        unit.append(0, b"entry", b"hash")

        assert all_of(store, Task) == []
        assert store.size() == 0


def test_writing_to_a_snapshot_is_refused(store):
    fill(store, task("t1"))

    with store.snapshot() as tables:
        with pytest.raises(LedgerUnavailable) as refused:
            tables.of(Task).insert(task("t2"))
        with pytest.raises(LedgerUnavailable):
            tables.of(Task).replace(task("t1", version=1))

    assert refused.value.code == "snapshot-read-only"
    assert all_of(store, Task) == [task("t1")]


def test_a_finished_snapshot_answers_no_more(store):
    with store.snapshot() as tables:
        tasks = tables.of(Task)

    with pytest.raises(LedgerUnavailable):
        tasks.find()


# entries


def test_entries_come_back_exactly(store):
    grow(store, b"", b"\0\xff", "条目".encode())
    grow(store, b"x" * 65_535)

    assert store.size() == 4
    assert store.entries(0, 4) == [b"", b"\0\xff", "条目".encode(), b"x" * 65_535]
    assert store.leaf_hashes(1, 3) == [b"hash of \0\xff", b"hash of " + "条目".encode()]


@pytest.mark.parametrize(
    ("start", "stop", "found"),
    [
        (0, 0, []),
        (1, 2, [b"b"]),
        (2, 9, [b"c"]),
        (3, 9, []),
        (-5, 1, [b"a"]),
        (2, 1, []),
        (0, -1, []),
    ],
)
def test_spans_of_entries_end_where_the_ledger_ends(store, start, stop, found):
    grow(store, b"a", b"b", b"c")

    assert store.entries(start, stop) == found
    assert store.leaf_hashes(start, stop) == [b"hash of " + entry for entry in found]


@pytest.mark.parametrize("index", [-1, 0, 2, 9])
def test_only_the_next_index_is_appended(store, index):
    grow(store, b"a")

    with store.unit() as unit:
        with pytest.raises(Conflict) as refused:
            unit.append(index, b"b", b"hash")
        unit.commit()

    assert refused.value.code == "entry-out-of-order"
    assert store.entries(0, 9) == [b"a"]


def test_a_unit_finds_its_own_entries_and_does_not_count_them(store):
    grow(store, b"a")

    with store.unit() as unit:
        unit.append(1, b"b", b"hash")

        assert unit.tables.entry(0) == b"a"
        assert unit.tables.entry(1) == b"b"
        assert unit.tables.size() == 1
        for index in (-1, 2):
            with pytest.raises(NotFound):
                unit.tables.entry(index)
