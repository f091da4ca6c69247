"""Every step fails in both ways: nothing is lost, nothing doubled, nobody is told a lie."""

import shutil
import sqlite3
import time

import pytest
from gate_faults import AFTER, BEFORE, Faults, FaultyNotary
from gate_house import LEDGER, PREFIX, Clock, together

from crypto.merkle import leaf_hash, root_of
from crypto.tlogproof import check_proof, parse_proof
from sandbox.errors import (
    CheckpointPending,
    IllegalTransition,
    LedgerHalted,
    LedgerUnavailable,
    OutcomeUnknown,
    SandboxError,
)
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import head_of
from sandbox.trust import Trust


def slot(n: int) -> str:
    return f"{n:032x}"


def sound(house) -> None:
    """The published log is whole, and is the ledger."""
    note = (house.folder / "log" / LEDGER / "checkpoint").read_text()
    entries = house.store.entries(0, house.store.size())
    trust = Trust(LEDGER, {house.keys["steward"].public_bytes})
    trust.verify_log(house.store, house.vkeys(), note)
    assert trust.size == len(entries)
    assert head_of(note).root == root_of(map(leaf_hash, entries))


# step, side, what the caller of the act hears, entries it added
TABLE = [
    ("open", BEFORE, None, 1),  # tried again alone, once
    ("append", BEFORE, None, 1),
    ("append", AFTER, None, 1),
    ("commit", BEFORE, None, 1),
    ("commit", AFTER, None, 1),  # it had reached the disk: not done twice
    ("notary", BEFORE, CheckpointPending, 1),
    ("notary", AFTER, CheckpointPending, 1),
    ("publish", BEFORE, CheckpointPending, 1),
    ("publish", AFTER, CheckpointPending, 1),
]


@pytest.mark.requirement("R65")
@pytest.mark.parametrize(("step", "side", "heard", "added"), TABLE)
def test_failing_step_loses_and_doubles_nothing(frail, faults, step, side, heard, added):
    faults.plan(step, side)

    try:
        frail.keep(slot(1), request_key="k")
        told = None
    except SandboxError as error:
        told = type(error)

    assert told is heard
    assert frail.store.size() == 1 + added
    receipt = frail.keep(slot(1), request_key="k")
    check_proof(parse_proof(receipt.proof), receipt.entry, frail.vkeys())
    assert receipt.index == 1
    assert frail.remarks() == [slot(1)]
    sound(frail)


LASTING = [
    ("open", BEFORE, LedgerUnavailable, 0),
    ("append", BEFORE, LedgerUnavailable, 0),
    ("append", AFTER, LedgerUnavailable, 0),
    ("commit", BEFORE, LedgerUnavailable, 0),
    ("notary", BEFORE, CheckpointPending, 1),
    ("publish", BEFORE, CheckpointPending, 1),
]


@pytest.mark.requirement("R65")
@pytest.mark.parametrize(("step", "side", "heard", "added"), LASTING)
def test_act_fails_closed_while_the_fault_lasts(frail, faults, step, side, heard, added):
    faults.plan(step, side, times=10**6)

    with pytest.raises(heard):
        frail.keep(slot(1), request_key="k")
    assert frail.store.size() == 1 + added
    assert len(frail.remarks()) == added
    faults.clear()

    frail.keep(slot(1), request_key="k")
    assert frail.remarks() == [slot(1)]
    assert frail.store.size() == 2
    sound(frail)


@pytest.mark.parametrize("step", ["notary", "publish"])
def test_no_new_act_starts_until_the_tail_is_signed(frail, faults, step):
    faults.plan(step, BEFORE, times=10**6)
    with pytest.raises(CheckpointPending):
        frail.keep(slot(1), request_key="k")

    with pytest.raises(LedgerUnavailable):
        frail.keep(slot(2))
    with pytest.raises(CheckpointPending):
        frail.keep(slot(1), request_key="k")

    assert frail.store.size() == 2
    faults.clear()
    frail.keep(slot(2))
    sound(frail)


def test_refusal_is_told_even_while_the_notary_is_down(frail, faults):
    faults.plan("notary", BEFORE)

    with pytest.raises(IllegalTransition):
        frail.keep(slot(1), how="refuse")

    assert frail.entries()[-1]["refusal"] == "illegal-transition"
    frail.keep(slot(2))
    sound(frail)


@pytest.mark.parametrize("step", ["append", "commit"])
def test_failure_in_a_batch_is_tried_again_one_by_one(frail, faults, step):
    faults.plan(step, BEFORE)

    results = together([lambda n=n: frail.keep(slot(n)) for n in range(20)])

    assert not [r for r in results if isinstance(r, Exception)]
    assert len(frail.remarks()) == 20
    assert frail.store.size() == 21
    sound(frail)


@pytest.mark.requirement("R65")
@pytest.mark.parametrize("side", [BEFORE, AFTER])
def test_commit_of_unknown_outcome_is_told_and_never_tried_again_by_itself(frail, faults, side):
    size = frail.store.size()
    faults.plan("gone", side)

    with pytest.raises(OutcomeUnknown):
        frail.keep("a" * 32, request_key="k")

    assert frail.store.size() == size + (side == AFTER)
    receipt = frail.keep("a" * 32, request_key="k")
    assert receipt.index == size
    assert frail.remarks() == ["a" * 32]
    assert frail.store.size() == size + 1


def test_restored_old_database_is_halted_and_the_evidence_kept(tmp_path, build):
    with_history = build()
    with_history.found()
    with_history.keep(slot(1))
    _copy_database(with_history)
    with_history.keep(slot(2))
    with_history.close()

    _restore_database(tmp_path)
    restored = build()
    with pytest.raises(LedgerHalted) as caught:
        restored.keep(slot(3))

    assert caught.value.code == "ledger-behind"
    assert restored.store.size() == 2
    (evidence,) = (tmp_path / "halted").iterdir()
    assert LEDGER in evidence.name
    assert "ledger-behind" in evidence.name
    with pytest.raises(LedgerHalted):
        restored.keep(slot(4))


@pytest.mark.requirement("R64")
def test_database_with_another_history_is_halted(tmp_path, build):
    house = build()
    house.found()
    _copy_database(house)
    house.keep(slot(1))
    house.close()

    _restore_database(tmp_path)
    (tmp_path / "notary").rename(tmp_path / "notary-kept")
    (tmp_path / "log").rename(tmp_path / "log-kept")
    fork = build()
    fork.keep(slot(2))
    fork.keep(slot(3))
    fork.close()
    _use_kept(tmp_path)
    with pytest.raises(LedgerHalted) as caught:
        build().keep(slot(4))

    assert caught.value.code == "ledger-differs"


@pytest.mark.requirement("R91")
def test_restored_old_notary_takes_up_the_tail_again(tmp_path, build):
    house = build()
    house.found()
    house.close()
    shutil.copytree(tmp_path / "notary", tmp_path / "old-notary")
    later = build()
    for n in range(5):
        later.keep(slot(n))
    later.close()

    shutil.rmtree(tmp_path / "notary")
    (tmp_path / "old-notary").rename(tmp_path / "notary")
    again = build()
    again.keep(slot(9))

    assert again.store.size() == 7
    sound(again)


def test_notary_restored_while_the_gate_runs_takes_up_the_tail_again(tmp_path, ledgers, build):
    clock = Clock()
    first = NotaryState(tmp_path / "notary", PREFIX, clock)
    swap = FaultyNotary(first, Faults())
    house = build(ledgers=ledgers, notary=swap)
    house.found()
    shutil.copytree(tmp_path / "notary", tmp_path / "old")
    house.keep(slot(1))

    swap.inner = NotaryState(tmp_path / "old", PREFIX, clock)
    house.keep(slot(2))

    sound(house)
    first.close()
    swap.inner.close()


def test_lost_log_keys_halt_the_ledger(tmp_path, build):
    house = build()
    house.found()
    house.close()
    shutil.rmtree(tmp_path / "notary")

    with pytest.raises(LedgerHalted) as caught:
        build().keep(slot(1))

    assert caught.value.code == "log-keys-differ"


@pytest.mark.requirement("R64")
def test_altered_entry_halts_the_ledger_at_the_next_start(tmp_path, build):
    house = build()
    house.found()
    house.keep(slot(1))
    house.close()
    database = sqlite3.connect(tmp_path / "db" / f"{LEDGER}.sqlite")
    database.execute("DROP TRIGGER entries_refuse_update")
    database.execute(
        "UPDATE entries SET entry = CAST(replace(entry, 'keep', 'kept') AS BLOB) WHERE idx = 1"
    )
    database.commit()
    database.close()

    with pytest.raises(LedgerHalted) as caught:
        build().keep(slot(2))

    assert caught.value.code == "entry-altered"


def test_published_log_longer_than_the_ledger_halts_it(tmp_path, build):
    house = build()
    house.found()
    house.keep(slot(1))
    house.close()
    shutil.copytree(tmp_path / "notary", tmp_path / "notary-1")
    _copy_folder(tmp_path / "db", tmp_path / "db-1")
    later = build()
    later.keep(slot(2))
    later.close()

    for name in ("notary", "db"):  # both put back together: only the published log remembers
        shutil.rmtree(tmp_path / name)
        (tmp_path / f"{name}-1").rename(tmp_path / name)
    with pytest.raises(LedgerHalted) as caught:
        build().keep(slot(3))

    assert caught.value.code == "log-ahead"


def test_finish_tails_signs_and_publishes_what_a_crash_left(frail, faults, build, ledgers):
    faults.plan("notary", BEFORE)
    with pytest.raises(CheckpointPending):
        frail.keep(slot(1))

    frail.gate.close()
    again = build(ledgers=ledgers, notary=frail.notary)
    again.gate.finish_tails()

    sound(again)
    again.keep(slot(2))
    sound(again)


@pytest.mark.parametrize("step", ["notary", "publish"])
def test_a_tail_is_mended_without_a_further_act(frail, faults, step):
    """Who only reads the log need not wait until somebody acts again."""
    faults.plan(step, BEFORE)
    with pytest.raises(CheckpointPending):
        frail.keep(slot(1), request_key="k")

    until = time.monotonic() + 20
    note = frail.folder / "log" / LEDGER / "checkpoint"
    while head_of(note.read_text()).size < 2:
        assert time.monotonic() < until
    sound(frail)


def test_a_tail_that_could_not_be_finished_at_the_start_is_mended_later(
    frail, faults, build, ledgers
):
    faults.plan("notary", BEFORE)
    with pytest.raises(CheckpointPending):
        frail.keep(slot(1))
    frail.gate.close()
    faults.plan("notary", BEFORE)
    again = build(ledgers=ledgers, notary=FaultyNotary(frail.notary.inner, faults))
    with pytest.raises(CheckpointPending):
        again.gate.finish_tails()

    until = time.monotonic() + 20
    note = again.folder / "log" / LEDGER / "checkpoint"
    while head_of(note.read_text()).size < 2:
        assert time.monotonic() < until
    sound(again)


def _copy_folder(source, target):
    shutil.copytree(source, target)


def _copy_database(house) -> None:
    """A backup as an operator makes it: all files of the database, with the WAL in them."""
    (house.folder / "backup").mkdir()
    source = sqlite3.connect(house.folder / "db" / f"{LEDGER}.sqlite")
    target = sqlite3.connect(house.folder / "backup" / "ledger.sqlite")
    source.backup(target)
    source.close()
    target.close()


def _restore_database(folder) -> None:
    for leftover in (folder / "db").glob(f"{LEDGER}.sqlite*"):
        leftover.unlink()
    (folder / "backup" / "ledger.sqlite").rename(folder / "db" / f"{LEDGER}.sqlite")


def _use_kept(folder) -> None:
    for name in ("notary", "log"):
        shutil.rmtree(folder / name)
        (folder / f"{name}-kept").rename(folder / name)
