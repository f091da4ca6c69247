"""One act, one entry: what the gate promises for every command."""

import json
import re

import pytest
from gate_house import HANDLERS, LEDGER, POLICY, Keep, Remark, together

from crypto.tlogproof import check_proof, parse_proof
from policies.vocabulary import Action
from sandbox.acts import Actor
from sandbox.errors import (
    Forbidden,
    IllegalTransition,
    LedgerUnavailable,
    Malformed,
    NotFound,
    SandboxError,
    TooLarge,
    Unacceptable,
)
from sandbox.provenance.entry import read


def slot(n: int) -> str:
    return f"{n:032x}"


@pytest.mark.requirement("R63")
def test_done_act_leaves_one_entry_with_everything_a_regulator_asks(house):
    receipt = house.keep(slot(1))

    entry = json.loads(receipt.entry)
    assert house.store.size() == 2
    assert receipt.index == entry["index"] == 1
    assert entry["actor"] == house.pseudonyms["steward"]
    assert entry["roles"] == ["steward"]
    assert entry["granted_by"] == [0]
    assert entry["action"] == Action.DATASET_RESUME
    assert entry["objects"] == {"dataset": slot(1)}
    assert entry["facts"] == {"grade": 3, "how": "keep"}
    assert entry["ruling"] == {"allowed": True, "rule": "stewards-may", "policy": POLICY}
    assert entry["refusal"] is None
    rows = entry["outcome"]["commitments"].pop("rows")
    assert re.fullmatch("[0-9a-f]{64}", rows)
    assert entry["outcome"]["commitments"] == {"remark": "00" * 32}
    assert receipt.reply == {"remark": f"{1:032x}", "index": 1}


def test_receipt_proves_the_entry_under_the_pinned_keys(house):
    receipt = house.keep(slot(1))

    head = check_proof(parse_proof(receipt.proof), receipt.entry, house.vkeys())

    assert head.size == 2


REFUSED = {
    "no-facts": (NotFound, "not-found"),
    "refuse": (IllegalTransition, "illegal-transition"),
    "wordy": (Unacceptable, "entry-form"),
    "huge": (TooLarge, "entry-too-large"),
    "break": (SandboxError, "internal-error"),
}


@pytest.mark.requirement("R63")
@pytest.mark.parametrize("how", REFUSED)
def test_refused_action_changes_nothing(house, how):
    kind, code = REFUSED[how]

    with pytest.raises(kind) as caught:
        house.keep(slot(1), how=how)

    entry = house.entries()[-1]
    assert caught.value.code == entry["refusal"] == code
    assert entry["outcome"] == {}
    assert house.store.size() == 2
    assert house.remarks() == []


def test_facts_that_could_not_be_gathered_leave_no_ruling(house):
    with pytest.raises(NotFound):
        house.keep(slot(1), how="no-facts")

    assert house.entries()[-1]["ruling"] is None
    assert house.entries()[-1]["facts"] == {}


@pytest.mark.requirement("R06")
def test_who_has_no_role_is_refused_and_named_in_the_log(house):
    with pytest.raises(Forbidden):
        house.keep(slot(1), who="stranger")

    entry = house.entries()[-1]
    assert entry["roles"] == []
    assert entry["granted_by"] == []
    assert entry["ruling"]["allowed"] is False
    assert entry["refusal"] == "forbidden"
    assert entry["organisation"] == "none"


def test_unexpected_error_reaches_neither_caller_nor_log_nor_output(house, caplog):
    with pytest.raises(SandboxError) as caught:
        house.keep(slot(1), how="break")

    told = str(caught.value) + caplog.text + json.dumps(house.entries())
    assert "Zhang San" not in told
    assert "ZeroDivisionError" in caplog.text


def test_entry_survives_the_strict_reader_and_chains(house):
    for n in range(4):
        house.keep(slot(n))

    octets = house.store.entries(0, 5)
    assert [read(o)["index"] for o in octets] == [0, 1, 2, 3, 4]


def test_command_without_handler_is_an_internal_error_of_ours(build, ledgers):
    known = {kind: handler for kind, handler in HANDLERS.items() if kind is not Keep}
    house = build(ledgers=ledgers, handlers=known)
    house.found()

    with pytest.raises(SandboxError) as caught:
        house.keep(slot(1))

    assert caught.value.code == "internal-error"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slot", "two words"),
        ("slot", "张三"),
        ("slot", ""),
        ("domain", "project:x"),
        ("domain", ""),
    ],
)
def test_words_that_cannot_stand_in_an_entry_do_not_reach_the_ledger(house, field, value):
    with pytest.raises(Malformed) as caught:
        house.gate.perform(house.steward, Keep(**{"ledger": LEDGER, "slot": slot(1), field: value}))

    assert caught.value.code == "object-malformed"
    assert house.store.size() == 1


def test_unknown_ledger_is_not_found(house):
    with pytest.raises(NotFound):
        house.gate.perform(house.steward, Keep(ledger="cd" * 16, slot=slot(1)))


@pytest.mark.requirement("R67")
def test_time_never_runs_backwards(house):
    house.keep(slot(1))
    house.clock.advance(hours=-5)

    house.keep(slot(2))

    times = [entry["at"] for entry in house.entries()]
    assert times == sorted(times)
    assert all(entry["clock"] == "system" for entry in house.entries())


@pytest.mark.requirement("R63")
def test_batch_of_mixed_outcomes_makes_one_entry_each(house):
    hows = ["keep", "refuse", "break", "keep", "no-facts", "wordy"] * 5

    results = together(
        [lambda n=n, how=how: house.keep(slot(n), how=how) for n, how in enumerate(hows)]
    )

    refused = [r.code for r in results if isinstance(r, SandboxError)]
    done = [r for r in results if not isinstance(r, Exception)]
    entries = house.entries()[1:]
    assert len(entries) == len(hows) == len(done) + len(refused)
    assert sorted(e["refusal"] for e in entries if e["refusal"]) == sorted(refused)
    assert house.remarks() == sorted(slot(n) for n, how in enumerate(hows) if how == "keep")
    assert sorted(r.index for r in done) == [e["index"] for e in entries if not e["refusal"]]


def test_each_receipt_of_a_batch_proves_its_own_entry(house):
    receipts = together([lambda n=n: house.keep(slot(n)) for n in range(40)])

    for receipt in receipts:
        proof = parse_proof(receipt.proof)
        check_proof(proof, receipt.entry, house.vkeys())
        assert proof.index == receipt.index == json.loads(receipt.entry)["index"]


def test_consult_rules_and_leaves_no_entry(house):
    may = house.gate.consult(house.steward, LEDGER, "hospital", Action.LOG_READ, {})
    may_not = house.gate.consult(Actor("stranger"), LEDGER, "hospital", Action.LOG_READ, {})

    assert may.allowed
    assert not may_not.allowed
    assert house.store.size() == 1


def test_snapshot_reads_and_does_not_write(house):
    house.keep(slot(1))

    with house.gate.snapshot(LEDGER) as tables:
        assert tables.size() == 2
        with pytest.raises(SandboxError):
            tables.of(Remark).insert(Remark("ff", slot(9), "x", 0))


def test_closed_gate_carries_out_nothing(house):
    house.gate.close()

    with pytest.raises(LedgerUnavailable):
        house.keep(slot(1))

    assert house.store.size() == 1
