"""What the walk believes, and every forgery that it does not."""

# ruff: noqa: ARG005 - every forgery is made of the house, whether it needs it or not

import base64
import hashlib
import json

import pytest
from gate_house import LEDGER, Vote

from crypto import canonical
from crypto.merkle import leaf_hash
from crypto.note import VerifierKey
from policies.vocabulary import Action, Role
from sandbox.acts import Actor
from sandbox.errors import Forbidden, VerificationFailed
from sandbox.provenance.notary import NotaryState
from sandbox.trust import Trust

SLOT = f"{1:032x}"


def vote(house, who):
    said = {"package": "p", "statement": "s", "verdict": "approve"}
    signed = house.sign(who, Action.RELEASE_VOTE, {"release": SLOT}, said)
    return house.gate.perform(Actor(who), Vote(ledger=LEDGER, release=SLOT, signed=signed))


@pytest.fixture
def story(house):
    """0 open, 1 steward grants a second steward, 2 votes, 3 refused, 4 revoked, 5 refused."""
    membership = house.grant("labeller", role="steward")
    vote(house, "labeller")
    with pytest.raises(Forbidden):
        house.keep(SLOT, who="stranger")
    house.revoke(membership)
    with pytest.raises(Forbidden):
        vote(house, "labeller")
    return house


def octets(house) -> list[bytes]:
    return house.store.entries(0, house.store.size())


def pins(house) -> set[bytes]:
    return {house.keys["steward"].public_bytes}


def walked(house) -> Trust:
    return Trust.walk(LEDGER, octets(house), pins(house))


def published(house) -> str:
    return (house.folder / "log" / LEDGER / "checkpoint").read_text()


def test_walk_tells_who_held_what_at_which_entry(story):
    trust = walked(story)
    second = story.pseudonyms["labeller"]

    assert [trust.may(second, Role.STEWARD, index) for index in range(6)] == [
        False, False, True, True, True, False,
    ]  # fmt: skip
    (holding,) = trust.holder(second, 2)
    assert holding.signing_key == story.keys["labeller"].public_bytes
    assert (holding.granted_index, holding.revoked_index) == (1, 4)
    assert trust.holder(second) == []
    assert not trust.may(second, Role.LABELLER, 2)


def test_role_of_a_project_is_for_that_project(house):
    house.grant("labeller", domain=f"project:{SLOT}")
    house.keep(SLOT)
    trust = walked(house)

    who = house.pseudonyms["labeller"]
    assert trust.may(who, Role.LABELLER, 2, f"project:{SLOT}")
    assert not trust.may(who, Role.LABELLER, 2)
    assert not trust.may(who, Role.LABELLER, 2, f"project:{'2' * 32}")


def test_role_ends_when_it_expires(house):
    house.grant("labeller", expires_at="2026-07-01T09:00:00.000000Z")
    house.keep(SLOT)
    house.clock.advance(hours=1)
    house.keep("2" * 32)
    trust = walked(house)

    who = house.pseudonyms["labeller"]
    assert trust.may(who, Role.LABELLER, 2)
    assert not trust.may(who, Role.LABELLER, 3)


def test_log_is_verified_against_the_signed_checkpoint_and_followed(story):
    trust = Trust(LEDGER, pins(story))
    trust.verify_log(story.store, story.vkeys(), published(story))
    old = published(story)
    story.keep("2" * 32)

    trust.verify_log(story.store, story.vkeys(), published(story))
    with pytest.raises(VerificationFailed, match="log-shrank"):
        trust.verify_log(story.store, story.vkeys(), old)

    assert trust.size == story.store.size()
    assert trust.entry(6)["objects"] == {"dataset": "2" * 32}
    assert [entry["index"] for entry in trust.span(2, 5)] == [2, 3, 4]


def test_signed_act_is_found_with_the_role_of_its_signer(story):
    trust = Trust(LEDGER, pins(story))
    trust.verify_log(story.store, story.vkeys(), published(story))

    assert trust.signed_act(2, Action.RELEASE_VOTE, [Role.STEWARD])["index"] == 2


@pytest.mark.parametrize(
    ("index", "action", "roles", "code"),
    [
        (2, Action.APPROVAL_SIGN, [Role.STEWARD], "entry-not-that-act"),
        (5, Action.RELEASE_VOTE, [Role.STEWARD], "entry-not-that-act"),
        (2, Action.RELEASE_VOTE, [Role.REVIEWER], "role-not-held"),
        (6, Action.RELEASE_VOTE, [Role.STEWARD], "entry-unverified"),
        (-1, Action.RELEASE_VOTE, [Role.STEWARD], "entry-unverified"),
    ],
)
def test_act_that_is_not_what_was_asked_for_is_refused(story, index, action, roles, code):
    trust = Trust(LEDGER, pins(story))
    trust.verify_log(story.store, story.vkeys(), published(story))

    with pytest.raises(VerificationFailed) as caught:
        trust.signed_act(index, action, roles)

    assert caught.value.code == code


def test_nothing_is_believed_before_the_log_was_verified(story):
    trust = Trust(LEDGER, pins(story))

    for ask in (lambda: trust.entry(0), lambda: trust.holder("x"), lambda: trust.span(0, 0)):
        with pytest.raises(VerificationFailed) as caught:
            ask()
        assert caught.value.code == "entry-unverified"


class Rewritten:
    """A store that shows other entries than it should."""

    def __init__(self, shown: list[bytes]) -> None:
        self.shown = shown

    def entries(self, start, stop):
        return self.shown[start:stop]


def rewrite(house, index: int, change) -> list[bytes]:
    """The log with one entry changed and everything after it chained anew."""
    values = [json.loads(o) for o in octets(house)]
    change(values[index])
    shown: list[bytes] = []
    for value in values:
        before = hashlib.sha256(shown[-1] if shown else b"").hexdigest()
        value["prev"] = f"sha256:{before}"
        shown.append(canonical.encode(value))
    return shown


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("index", range(6))
def test_entry_changed_behind_the_checkpoint_is_found(story, index):
    shown = rewrite(story, index, lambda value: value.update(organisation="other"))
    trust = Trust(LEDGER, pins(story))

    with pytest.raises(VerificationFailed) as caught:
        trust.verify_log(Rewritten(shown), story.vkeys(), published(story))

    assert caught.value.code == "log-forked"
    with pytest.raises(VerificationFailed):
        trust.verify_log(story.store, story.vkeys(), published(story))


def test_missing_entries_are_found(story):
    trust = Trust(LEDGER, pins(story))

    with pytest.raises(VerificationFailed) as caught:
        trust.verify_log(Rewritten(octets(story)[:-1]), story.vkeys(), published(story))

    assert caught.value.code == "log-incomplete"


def test_entry_changed_after_it_was_verified_is_found(story):
    trust = Trust(LEDGER, pins(story))
    kept = Rewritten(octets(story))
    trust.verify_log(kept, story.vkeys(), published(story))

    kept.shown[2] = kept.shown[2].replace(b"approve", b"rejects")

    with pytest.raises(VerificationFailed) as caught:
        trust.entry(2)
    assert caught.value.code == "entry-altered"


def test_second_history_under_the_same_keys_is_found(story, tmp_path):
    """The notary's own key, signing two histories: the one thing that only a keeper can see."""
    trust = Trust(LEDGER, pins(story))
    trust.verify_log(story.store, story.vkeys(), published(story))
    vkeys = story.vkeys()
    story.gate.close()
    story.notary.close()
    (tmp_path / "notary" / LEDGER / "journal").unlink()
    forging = NotaryState(tmp_path / "notary", "anbiao.test", story.clock)
    note = forging.extend(LEDGER, 0, [leaf_hash(o) for o in octets(story)[:3]] + [bytes(32)])

    with pytest.raises(VerificationFailed) as caught:
        trust.verify_log(story.store, vkeys, note)

    forging.close()
    assert caught.value.code == "log-forked"


def test_checkpoint_by_other_keys_is_refused(story, tmp_path):
    other = NotaryState(tmp_path / "other", "anbiao.test", story.clock)
    note = other.extend(LEDGER, 0, [leaf_hash(o) for o in octets(story)])
    trust = Trust(LEDGER, pins(story))

    with pytest.raises(VerificationFailed) as caught:
        trust.verify_log(story.store, story.vkeys(), note)

    other.close()
    assert caught.value.code == "note-unsigned"


def test_checkpoint_of_another_ledger_is_refused(story):
    ledger = "cd" * 16
    note = story.notary.extend(ledger, 0, [])
    keys = [VerifierKey.parse(key) for key in story.notary.keys(ledger)]

    with pytest.raises(VerificationFailed) as caught:
        Trust(LEDGER, pins(story)).verify_log(story.store, keys, note)

    assert caught.value.code == "checkpoint-origin"


def test_ledger_opened_by_an_unpinned_key_is_not_believed(story):
    with pytest.raises(VerificationFailed) as caught:
        Trust.walk(LEDGER, octets(story), {story.keys["stranger"].public_bytes})

    assert caught.value.code == "signature-by-other-key"


def resign(house, who, **change):
    """Give a changed entry a new signature by `who`, as a lying API with that key could."""

    def apply(value) -> None:
        signed = value["signed"]
        signed["terms"] = {**signed["terms"], **change.get("terms", {})}
        signed["objects"] = {**signed["objects"], **change.get("objects", {})}
        value["objects"] = {**value["objects"], **change.get("objects", {})}
        act = house.sign(who, value["action"], signed["objects"], signed["terms"])
        signed["key"] = base64.b64encode(act.public_key).decode()
        signed["signature"] = base64.b64encode(act.signature).decode()
        signed["nonce"] = act.nonce

    return apply


def dropped(name):
    return lambda value: value.pop(name)


def as_steward(value) -> None:
    value.update(roles=["steward"], granted_by=[0])


FORGERIES = {
    "opening without signature": (0, lambda h: dropped("signed"), "signature-missing"),
    "opening for another role": (
        0,
        lambda h: resign(h, "steward", terms={"role": "labeller"}),
        "opening-unsound",
    ),
    "opening for another key": (
        0,
        lambda h: resign(h, "steward", terms={"signing_key": h.b64("stranger")}),
        "opening-unsound",
    ),
    "opening for another member": (
        0,
        lambda h: resign(h, "steward", objects={"member": SLOT}),
        "opening-unsound",
    ),
    "grant without signature": (1, lambda h: dropped("signed"), "signature-missing"),
    "grant by an outsider's key": (1, lambda h: resign(h, "stranger"), "signature-by-other-key"),
    "grant of a role that is none": (
        1,
        lambda h: resign(h, "steward", terms={"role": "king"}),
        "grant-malformed",
    ),
    "grant until a time that is none": (
        1,
        lambda h: resign(h, "steward", terms={"expires_at": "tomorrow"}),
        "grant-malformed",
    ),
    "grant until a time of no zone": (
        1,
        lambda h: resign(h, "steward", terms={"expires_at": "2026-07-01T00:00:00"}),
        "grant-malformed",
    ),
    "grant with a key that is none": (
        1,
        lambda h: resign(h, "steward", terms={"signing_key": "=="}),
        "base64-malformed",
    ),
    "grant under a taken name": (
        1,
        lambda h: resign(h, "steward", objects={"membership": h.pseudonyms["steward"]}),
        "membership-doubled",
    ),
    "vote with changed terms": (
        2,
        lambda h: lambda value: value["signed"]["terms"].update(verdict="reject"),
        "signature-invalid",
    ),
    "vote without signature": (2, lambda h: dropped("signed"), "signature-missing"),
    "vote by another's key": (2, lambda h: resign(h, "steward"), "signature-by-other-key"),
    "vote with a key that is none": (
        2,
        lambda h: lambda value: value["signed"].update(key="x"),
        "base64-malformed",
    ),
    "stranger who claims a role": (3, lambda h: as_steward, "roles-not-granted"),
    "stranger who claims a grant": (
        3,
        lambda h: lambda value: value.update(granted_by=[1]),
        "roles-not-granted",
    ),
    "revoked member who claims a role": (
        5,
        lambda h: lambda value: value.update(roles=["steward"], granted_by=[1]),
        "roles-not-granted",
    ),
    "revocation of nothing": (
        4,
        lambda h: resign(h, "steward", objects={"membership": SLOT}),
        "membership-unknown",
    ),
    "time that runs backwards": (
        3,
        lambda h: lambda value: value.update(at="2025-01-01T00:00:00.000000Z"),
        "time-runs-backwards",
    ),
    "day that is none": (
        3,
        lambda h: lambda value: value.update(at="2026-13-41T00:00:00.000000Z"),
        "entry-form",
    ),
    "another index": (3, lambda h: lambda value: value.update(index=9), "entry-out-of-place"),
    "another ledger": (
        3,
        lambda h: lambda value: value.update(ledger="0" * 32),
        "entry-out-of-place",
    ),
    "second opening": (
        2,
        lambda h: lambda value: (value.update(action="ledger.open"), resign(h, "labeller")(value)),
        "opening-unsound",
    ),
}


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("kind", FORGERIES)
def test_history_that_was_forged_before_it_was_signed_is_not_believed(story, kind):
    index, make, code = FORGERIES[kind]

    with pytest.raises(VerificationFailed) as caught:
        Trust.walk(LEDGER, rewrite(story, index, make(story)), pins(story))

    assert caught.value.code == code


def test_grant_signed_by_a_member_who_is_no_steward_is_not_believed(house):
    house.grant("labeller")
    house.grant("stranger")

    def by_labeller(value) -> None:
        value.update(actor=house.pseudonyms["labeller"], roles=["labeller"], granted_by=[1])
        resign(house, "labeller")(value)

    with pytest.raises(VerificationFailed) as caught:
        Trust.walk(LEDGER, rewrite(house, 2, by_labeller), pins(house))

    assert caught.value.code == "grantor-no-steward"


def test_nonce_counts_once(house):
    vote(house, "steward")
    vote(house, "steward")
    first = json.loads(octets(house)[1])["signed"]

    with pytest.raises(VerificationFailed) as caught:
        Trust.walk(LEDGER, rewrite(house, 2, lambda v: v.update(signed=first)), pins(house))

    assert caught.value.code == "nonce-reused"


def test_broken_chain_is_found(story):
    shown = octets(story)
    shown[3] = canonical.encode({**json.loads(shown[3]), "prev": "sha256:" + "0" * 64})

    with pytest.raises(VerificationFailed) as caught:
        Trust.walk(LEDGER, shown, pins(story))

    assert caught.value.code == "chain-broken"


def test_platform_ledger_is_nothing_to_trust():
    with pytest.raises(VerificationFailed):
        Trust.walk("platform", [b"{}"], set())


def test_walk_that_failed_stays_failed(story):
    trust = Trust(LEDGER, {story.keys["stranger"].public_bytes})
    for _ in range(2):
        with pytest.raises(VerificationFailed) as caught:
            trust.verify_log(story.store, story.vkeys(), published(story))
        assert caught.value.code == "signature-by-other-key"

    with pytest.raises(VerificationFailed):
        trust.may(story.pseudonyms["steward"], Role.STEWARD, 0)
