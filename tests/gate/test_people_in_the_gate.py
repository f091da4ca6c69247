"""Who counts as what: founding, memberships, pseudonyms, epochs, signed acts, repeats."""

import json

import pytest
from gate_house import LEDGER, Found, Grant, Keep, Vote, together

from crypto import verifier
from policies.ruling import Ruling
from policies.vocabulary import SIGNED_ACTIONS, Action
from sandbox.acts import PLATFORM, Actor, SignedAct
from sandbox.errors import Conflict, Forbidden, IllegalTransition, SignatureRequired
from sandbox.gate.signatures import SIGNED_NAMES
from sandbox.gate.standing import EPOCH
from sandbox.records.people import Acknowledged, Epoch, Pseudonym, UsedNonce


def slot(n: int) -> str:
    return f"{n:032x}"


def test_ledger_begins_with_the_act_that_opens_it(build, ledgers):
    house = build(ledgers=ledgers)

    with pytest.raises(Forbidden) as caught:
        house.keep(slot(1))

    assert caught.value.code == "ledger-not-open"
    assert house.store.size() == 0
    assert house.remarks() == []


def test_opening_entry_names_the_founder_and_no_grantor(build, ledgers):
    house = build(ledgers=ledgers)

    receipt = house.found()

    entry = json.loads(receipt.entry)
    assert entry["index"] == 0
    assert entry["roles"] == ["steward"]
    assert entry["granted_by"] == []
    assert entry["actor"] == house.pseudonyms["steward"] == entry["objects"]["member"]
    assert entry["facts"] == {"founding": True}
    assert entry["signed"]["terms"]["role"] == "steward"
    with house.store.snapshot() as tables:
        assert tables.of(Pseudonym).require("steward").pseudonym == entry["actor"]


def test_second_opening_is_ruled_by_what_the_asker_is(house):
    stranger = Found(ledger=LEDGER, member=house.pseudonyms["stranger"], signed=None)

    with pytest.raises(Forbidden):
        house.gate.perform(Actor("stranger"), stranger)

    assert house.entries()[-1]["facts"] == {"founding": False}


def test_two_openings_in_one_batch_make_one_founder(build, ledgers):
    house = build(ledgers=ledgers)
    opening = house.founding()

    results = together(
        [lambda who=who: house.gate.perform(Actor(who), opening) for who in ("steward", "stranger")]
    )

    refused = [r for r in results if isinstance(r, Exception)]
    assert len(refused) == 1
    assert [e["refusal"] is None for e in house.entries()] == [True, False]


def test_unsigned_opening_leaves_nothing(build, ledgers):
    house = build(ledgers=ledgers)

    with pytest.raises(SignatureRequired):
        house.gate.perform(house.steward, Found(ledger=LEDGER, member=house.pseudonyms["steward"]))

    assert house.store.size() == 0


def test_opening_signed_by_another_key_than_its_terms_name_is_refused(build, ledgers):
    house = build(ledgers=ledgers)
    good = house.founding()
    terms = {**good.signed.terms, "signing_key": house.b64("stranger")}
    signed = house.sign("steward", Action.LEDGER_OPEN, good.signed.objects, terms)

    with pytest.raises(SignatureRequired):
        house.gate.perform(house.steward, Found(ledger=LEDGER, member=good.member, signed=signed))

    assert house.store.size() == 0


def test_platform_opens_without_signature_as_operator_and_policy_admin(build, ledgers):
    house = build(ledgers=ledgers)
    ledgers.create(PLATFORM)
    house.policy.rule_on = lambda roles, *_: _allowed(house, roles)

    command = Found(ledger=PLATFORM, domain="platform", member=house.pseudonyms["steward"])
    receipt = house.gate.perform(house.steward, command)

    assert json.loads(receipt.entry)["roles"] == ["operator", "policy-admin"]
    assert json.loads(receipt.entry)["organisation"] == "platform"


def _allowed(house, roles):
    return Ruling(bool(roles), "all", house.policy.digest, {})


def test_membership_counts_from_its_grant_until_it_is_revoked(house):
    with pytest.raises(Forbidden):
        house.keep(slot(1), who="labeller")
    with house.store.snapshot() as tables:  # the member keeps the name it was refused under
        house.pseudonyms["labeller"] = tables.of(Pseudonym).require("labeller").pseudonym
    membership = house.grant("labeller")

    done = house.keep(slot(2), who="labeller")
    house.revoke(membership)
    with pytest.raises(Forbidden):
        house.keep(slot(3), who="labeller")

    entry = json.loads(done.entry)
    assert entry["roles"] == ["labeller"]
    assert entry["organisation"] == "firm:one"
    assert entry["granted_by"] == [house.entries()[2]["index"]]
    assert house.entries()[-1]["granted_by"] == []


@pytest.mark.requirement("R04")
def test_revocation_ends_memberships_and_moves_the_epoch(house):
    membership = house.grant("labeller")
    house.keep(slot(1), who="labeller")
    before = house.policy.epochs[-1]

    house.revoke(membership)
    with pytest.raises(Forbidden):
        house.keep(slot(2), who="labeller")

    assert house.policy.epochs[-1] == before + 1
    with house.store.snapshot() as tables:
        assert tables.of(Epoch).require(EPOCH).value == before + 1


def test_membership_ends_when_it_expires(house):
    house.grant("labeller", expires_at="2026-07-01T09:00:00.000000Z")
    house.keep(slot(1), who="labeller")

    house.clock.advance(hours=1)

    with pytest.raises(Forbidden):
        house.keep(slot(2), who="labeller")


def test_project_role_counts_in_its_project_only(house):
    mine, other = f"project:{slot(7)}", f"project:{slot(8)}"
    house.grant("labeller", domain=mine)

    house.keep(slot(1), who="labeller", domain=mine)

    for domain in (other, "hospital"):
        with pytest.raises(Forbidden):
            house.keep(slot(2), who="labeller", domain=domain)


def test_hospital_role_counts_in_projects(house):
    receipt = house.keep(slot(1), domain=f"project:{slot(7)}")

    assert json.loads(receipt.entry)["roles"] == ["steward"]


def test_pseudonym_stays_the_same_in_one_ledger(house):
    for n in range(3):
        with pytest.raises(Forbidden):
            house.keep(slot(n), who="stranger")

    names = {entry["actor"] for entry in house.entries()[1:]}
    assert len(names) == 1
    assert names != {"stranger"}


VOTES = {"release": slot(5)}


SAID = {"package": "p", "statement": "s", "verdict": "approve"}


def vote(house, who="steward", signer=None, **change):
    parts = {"objects": VOTES, "terms": SAID, **change}
    signed = house.sign(signer or who, Action.RELEASE_VOTE, **parts)
    return Vote(ledger=LEDGER, release=slot(5), signed=signed)


@pytest.mark.requirement("R49")
def test_signed_act_stands_in_the_entry_with_its_signature(house):
    command = vote(house)

    receipt = house.gate.perform(house.steward, command)

    signed = json.loads(receipt.entry)["signed"]
    assert signed["nonce"] == command.signed.nonce
    assert signed["objects"] == VOTES
    assert signed["terms"] == SAID
    with house.store.snapshot() as tables:
        assert tables.of(UsedNonce).require(command.signed.nonce).index == receipt.index


@pytest.mark.requirement("R49")
def test_act_that_needs_a_signature_is_refused_without_one(house):
    with pytest.raises(SignatureRequired) as caught:
        house.gate.perform(house.steward, Vote(ledger=LEDGER, release=slot(5)))

    assert house.entries()[-1]["refusal"] == caught.value.code == "signature-required"
    assert "signed" not in house.entries()[-1]


def test_replayed_signature_is_refused(house):
    command = vote(house)
    house.gate.perform(house.steward, command)

    with pytest.raises(Conflict) as caught:
        house.gate.perform(house.steward, command)

    assert caught.value.code == "act-replayed"


def forged(act: SignedAct, **change) -> SignedAct:
    return SignedAct(**{**act.__dict__, **change})


FORGERIES = {
    "another key": lambda house: vote(house, signer="stranger").signed,
    "other objects": lambda house: vote(house, objects={"release": slot(6)}).signed,
    "more objects": lambda house: vote(house, objects={**VOTES, "dataset": slot(1)}).signed,
    "changed terms": lambda house: forged(vote(house).signed, terms={**SAID, "verdict": "reject"}),
    "more terms": lambda house: vote(house, terms={**SAID, "note": "x"}).signed,
    "fewer terms": lambda house: vote(house, terms={"verdict": "approve"}).signed,
    "no objects": lambda house: vote(house, objects={}).signed,
    "changed nonce": lambda house: forged(vote(house).signed, nonce="0" * 32),
    "malformed nonce": lambda house: forged(vote(house).signed, nonce="0" * 31),
    "flipped bit": lambda house: forged(vote(house).signed, signature=bytes(64)),
    "short signature": lambda house: forged(vote(house).signed, signature=b""),
    "another action": lambda house: house.sign("steward", Action.APPROVAL_SIGN, VOTES, SAID),
}


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("kind", FORGERIES)
def test_signature_that_does_not_fit_is_refused(house, kind):
    command = Vote(ledger=LEDGER, release=slot(5), signed=FORGERIES[kind](house))

    with pytest.raises(SignatureRequired):
        house.gate.perform(house.steward, command)

    entry = house.entries()[-1]
    assert entry["refusal"].startswith("signature-")
    assert "signed" not in entry
    with house.store.snapshot() as tables:
        assert tables.of(UsedNonce).get(command.signed.nonce) is None


def test_names_of_every_signed_act_are_those_that_verifiers_want():
    assert {str(action): tuple(map(set, names)) for action, names in SIGNED_NAMES.items()} == {
        action: (verifier.SIGNED_OBJECTS[action], terms)
        for action, terms in verifier.SIGNED_TERMS.items()
    }
    assert SIGNED_NAMES.keys() == SIGNED_ACTIONS


def test_key_of_a_revoked_membership_signs_nothing(house):
    membership = house.grant("labeller", role="steward")
    house.gate.perform(Actor("labeller"), vote(house, who="labeller"))
    house.revoke(membership)

    with pytest.raises(Forbidden):
        house.gate.perform(Actor("labeller"), vote(house, who="labeller"))


def test_refused_act_does_not_use_up_its_nonce(house):
    membership = {"member": house.pseudonyms["labeller"], "membership": slot(3)}
    names = SIGNED_NAMES[Action.MEMBER_GRANT][1]
    terms = {**dict.fromkeys(names, ""), "role": "no-such-role", "organisation": "o"}
    signed = house.sign("steward", Action.MEMBER_GRANT, membership, terms)
    command = Grant(ledger=LEDGER, account="labeller", signed=signed, **membership)

    with pytest.raises(Exception, match="internal-error"):
        house.gate.perform(house.steward, command)

    with house.store.snapshot() as tables:
        assert tables.of(UsedNonce).get(signed.nonce) is None


def test_repeated_request_gets_the_same_receipt_and_adds_nothing(house):
    first = house.keep(slot(1), request_key="k-1", salt=b"one")
    house.keep(slot(2))

    again = house.keep(slot(1), request_key="k-1", salt=b"two")

    assert (again.index, again.entry, again.reply) == (first.index, first.entry, first.reply)
    assert house.store.size() == 3


def test_same_key_for_another_request_is_a_conflict(house):
    house.keep(slot(1), request_key="k-1")

    with pytest.raises(Conflict) as caught:
        house.keep(slot(2), request_key="k-1")

    assert caught.value.code == house.entries()[-1]["refusal"] == "idempotency-key-reused"
    assert house.remarks() == [slot(1)]


def test_key_of_another_account_is_another_key(house):
    house.grant("labeller")
    house.keep(slot(1), request_key="k-1")

    house.keep(slot(2), who="labeller", request_key="k-1")

    assert house.remarks() == [slot(1), slot(2)]


def test_refused_request_may_be_asked_again_under_its_key(house):
    with pytest.raises(IllegalTransition):
        house.keep(slot(1), how="refuse", request_key="k-1")

    house.keep(slot(1), request_key="k-1")

    assert house.remarks() == [slot(1)]


def test_many_at_once_under_one_key_do_it_once(house):
    receipts = together([lambda: house.keep(slot(1), request_key="k-1") for _ in range(16)])

    assert {receipt.index for receipt in receipts} == {1}
    assert house.store.size() == 2


def test_repeat_is_kept_without_its_key_or_content(house):
    house.keep(slot(1), request_key="secret-key")

    with house.store.snapshot() as tables:
        (row,) = tables.of(Acknowledged).find()
    assert "secret-key" not in repr(row)
    assert "keep" not in repr(row)
    assert Keep.__dataclass_fields__["salt"].compare is False
