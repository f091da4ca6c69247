"""One act, one entry: what the gate promises for every command."""

import json

import pytest
from gate_house import LEDGER, POLICY, Keep, Remark

from crypto import canonical
from crypto.tlogproof import check_proof, parse_proof
from policies.vocabulary import Action
from sandbox.acts import Actor
from sandbox.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    Malformed,
    NotFound,
    SandboxError,
    TooLarge,
    Unacceptable,
)


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
    assert entry["action"] == Action.DATASET_CREATE
    assert entry["objects"] == {"dataset": slot(1)}
    assert entry["facts"] == {"grade": 3, "how": "keep"}
    assert entry["ruling"] == {"allowed": True, "rule": "stewards-may", "policy": POLICY}
    assert entry["refusal"] is None
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
