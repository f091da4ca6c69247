"""An operator who holds the log's keys and signs a lie: what entries say of people and rules.

The tree, the chain and the checkpoint are all right here; only what stands in an entry is not.
"""

import pytest
from lies import allowed, granting, house, putting, without
from small_hospital import OWN, PROJECT, SmallHospital, before_release, hospital
from small_log import Entry, b64, named
from verdicts import SOUND, assert_broken, on_file, pins_of, story

from crypto import canonical


# --- the form of an entry --------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        putting(v=2),
        putting(v=True),
        putting(index="3"),
        putting(index=True),
        putting(at="2026-07-01T08:00:01Z"),
        putting(at="2026-13-01T08:00:01.000000Z"),
        putting(at="2026-07-01T08:00:0٣.000000Z"),
        putting(clock="by hand"),
        putting(actor="张三"),
        putting(actor=named("x").upper()),
        putting(organisation="Some Hospital"),
        putting(organisation=""),
        putting(roles="steward"),
        putting(roles=["steward", "regulator"]),
        putting(roles=["regulator", "regulator"]),
        putting(roles=[1]),
        putting(granted_by=["0"]),
        putting(granted_by=[True]),
        putting(granted_by=[[]]),
        putting(granted_by=[-1]),
        putting(granted_by={}),
        putting(domain="project:1"),
        putting(domain="hospital\n"),
        putting(action="read"),
        putting(action="log.read "),
        putting(objects={"patient": "Zhang San"}),
        putting(objects={"a b": "x"}),
        putting(objects={"n": 3}),
        putting(objects=[]),
        putting(facts={"note": "a whole sentence"}),
        putting(facts={"list": [["deep"]]}),
        putting(facts={"deep": {}}),
        putting(ruling={"allowed": True, "rule": "x"}),
        putting(ruling={"allowed": 1, "rule": "x", "policy": "sha256:" + "0" * 64}),
        putting(ruling={"allowed": True, "rule": "x", "policy": "sha256:" + "0" * 63}),
        putting(ruling="yes"),
        putting(refusal=True),
        putting(refusal=""),
        putting(outcome={"objects": {}}),
        putting(outcome={"name": {"x": "y"}}),
        putting(outcome={"counts": {"n": -1}}),
        putting(outcome={"counts": {"n": True}}),
        putting(outcome={"digests": {"d": "00"}}),
        putting(outcome={"commitments": {"c": "zz"}}),
        putting(outcome={"parts": {"root": "00" * 32}}),
        putting(outcome=None),
        putting(prev="sha256:"),
        putting(ledger="LEDGER"),
        putting(extra=1),
        without("clock"),
        without("refusal"),
    ],
)
def test_an_entry_of_another_form_is_named(change):
    log = house()
    log.add("regulator", "log.read", {}, change=change)

    assert_broken(story(log), "entry-field-wrong", "entry-fields-wrong", "time-malformed")


def test_an_entry_that_is_no_object_is_named():
    for octets in (b"[]", b"null", b'"entry"', b"7"):
        log = house()
        log.append_bytes(octets)

        assert_broken(story(log), "entry-fields-wrong")


def test_what_was_refused_did_nothing():
    for more in ({"outcome": {"counts": {"n": 1}}}, {"signed": {}}):
        log = house()
        log.add("regulator", "log.read", {}, refusal="forbidden", change=putting(**more))

        assert_broken(story(log), "refused-act-did-something")


def test_what_was_done_wasallowed():
    denied = {"allowed": False, "rule": "x", "policy": "sha256:" + "0" * 64}
    for ruling in (None, denied):
        log = house()
        log.add("regulator", "log.read", {}, change=putting(ruling=ruling))

        assert_broken(story(log), "act-done-without-permission")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"index": 3}, "entry-out-of-place"),
        ({"ledger": named("other")}, "entry-out-of-place"),
        ({"ledger": "platform"}, "entry-out-of-place"),
        ({"prev": "sha256:" + "0" * 64}, "chain-broken"),
        ({"at": "2026-07-01T07:59:59.000000Z"}, "time-runs-backwards"),
    ],
)
def test_an_entry_out_of_its_place_is_named(members, code):
    log = house()
    log.add("regulator", "log.read", {}, change=putting(**members))

    assert_broken(story(log), code)


def test_several_acts_may_be_of_one_moment():
    log = house()
    at = log.add("regulator", "log.read", {})["at"]
    log.add("regulator", "log.read", {}, change=putting(at=at))

    assert story(log)[0] == SOUND


def test_a_receipt_whose_entry_says_another_index_is_named():
    log = house()
    index = len(log.raw)
    log.add("regulator", "log.read", {}, change=putting(index=3))

    assert_broken(on_file(log.receipt(index), pins_of(log)), "entry-out-of-place")


# --- who founds a ledger -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        putting(roles=[]),
        putting(roles=["operator", "steward"]),
        putting(granted_by=[0]),
        putting(domain=OWN),
        putting(organisation="platform"),
        putting(action="dataset.create"),
        putting(actor=named("somebody")),
        granting(role="worker"),
        granting(organisation="firm:one"),
        granting(signing_key=b64(bytes(32))),
        without("signed"),
    ],
)
@pytest.mark.requirement("R63")
def test_a_ledger_begins_with_a_steward_who_names_their_own_key(change):
    log = SmallHospital()
    log.found(change)

    assert_broken(story(log), "first-entry-names-no-steward")


def test_a_ledger_does_not_begin_with_a_refusal():
    log = SmallHospital()
    log.add("steward", "ledger.open", {"member": named("steward")}, refusal="forbidden")

    assert_broken(story(log), "first-entry-names-no-steward")


def test_a_ledger_opens_once():
    log = house()
    log.found()

    assert_broken(story(log), "role-not-granted", "granted-by-no-steward")


def test_a_second_opening_with_honest_roles_is_no_way_to_become_a_steward():
    log = house()
    officer = log.person("officer")
    terms = {
        "organisation": "hospital",
        "role": "steward",
        "signing_key": b64(officer.key.public_bytes),
        "sealing_key": "",
    }
    log.add(
        "officer",
        "ledger.open",
        {"member": officer.member},
        terms=terms,
        change=allowed,
    )

    assert_broken(story(log), "granted-by-no-steward")


# --- grants ------------------------------------------------------------------------------------
def test_only_a_stewards_signature_grants_or_revokes():
    log = house()
    log.grant("friend", "steward", by="officer", change=allowed)
    assert_broken(story(log), "granted-by-no-steward")

    log = house()
    membership = log.entries[3]["objects"]["membership"]
    log.add("officer", "member.revoke", {"membership": membership}, terms={"reason": "x"},
            change=allowed)  # fmt: skip
    assert_broken(story(log), "granted-by-no-steward")


@pytest.mark.parametrize(
    "change",
    [
        granting(role="A-Role"),
        granting(domain="everywhere"),
        granting(organisation=""),
        granting(organisation="x" * 200),
        granting(signing_key="no-base64!"),
        granting(expires_at="soon"),
        granting(expires_at="2026-07-01T08:00:00"),
        granting(expires_at="0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_grant_with_malformed_terms_is_named(change):
    log = house()
    log.grant("friend", "regulator", change=change)

    assert_broken(story(log), "grant-terms-malformed", "time-malformed", "not-base64")


@pytest.mark.parametrize("term", ["role", "domain", "organisation", "signing_key", "expires_at"])
def test_a_grant_says_everything_that_was_signed(term):
    def change(entry: Entry) -> None:
        del entry["signed"]["terms"][term]
        entry["signed"]["signature"] = ""

    log = house()
    log.grant("friend", "regulator", change=change)

    assert_broken(story(log), "signed-act-malformed")


def test_a_membership_is_granted_once_and_revoked_only_when_granted():
    log = house()
    again = log.entries[3]["objects"]["membership"]

    def twice(entry: Entry) -> None:
        entry["objects"]["membership"] = again
        entry["signed"].update(objects=dict(entry["objects"]), signature="")

    log.grant("friend", "regulator", change=twice)
    assert_broken(story(log), "membership-granted-twice")

    log = house()
    log.revoke(named("nothing"))
    assert_broken(story(log), "revoked-membership-unknown")


# --- roles -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        putting(roles=["steward"]),
        putting(roles=[]),
        putting(granted_by=[0]),
        putting(granted_by=[3]),
        putting(granted_by=[99]),
        putting(granted_by=[9, 99]),
        putting(granted_by=[]),
        putting(actor=named("nobody")),
    ],
)
@pytest.mark.requirement("R14")
def test_a_role_that_nobody_granted_is_named(change):
    log = house()
    log.add("regulator", "log.read", {}, change=change)

    assert_broken(story(log), "role-not-granted")


def test_a_role_of_one_project_does_not_count_in_another():
    log = house()
    log.add("lead", "log.read", {}, domain=OWN)
    assert story(log)[0] == SOUND

    log.add("lead", "log.read", {}, domain=OWN,
            change=putting(domain="project:" + named("another")))  # fmt: skip

    assert_broken(story(log), "role-not-granted")


@pytest.mark.parametrize("organisation", ["hospital", "none", "firm:two"])
def test_an_organisation_that_no_grant_names_is_named(organisation):
    log = house()
    log.add("regulator", "log.read", {}, change=putting(organisation=organisation))

    assert_broken(story(log), "organisation-not-granted")


def test_who_holds_no_role_speaks_for_no_organisation():
    log = house()
    log.add("nobody", "log.read", {}, refusal="forbidden")
    assert story(log)[0] == SOUND
    log.add("nobody", "log.read", {}, refusal="forbidden", change=putting(organisation="hospital"))

    assert_broken(story(log), "organisation-not-granted")


def test_an_expired_role_counts_no_more():
    log = house()
    log.grant("guest", "regulator", expires_at="2026-07-01T16:00:00.097000+08:00")
    log.add("guest", "log.read", {})
    assert story(log)[0] == SOUND
    log.add("guest", "log.read", {}, change=putting(at="2026-07-01T08:00:00.097000Z"))

    assert_broken(story(log), "role-not-granted")


@pytest.mark.requirement("R13")
def test_a_revoked_role_counts_no_more():
    log = house()
    membership = log.grant("guest", "regulator")["objects"]["membership"]
    log.add("guest", "log.read", {})
    log.revoke(membership)
    assert story(log)[0] == SOUND
    log.add("guest", "log.read", {})

    assert_broken(story(log), "role-not-granted")


def test_the_founders_own_membership_ends_like_any_other():
    log = house()
    log.grant("second", "steward")
    log.revoke(log.entries[0]["objects"]["member"])
    assert story(log)[0] == SOUND
    log.add("steward", "log.read", {})

    assert_broken(story(log), "role-not-granted")


# --- verdicts ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        lambda e: e["ruling"].update(rule="log.read/steward"),
        lambda e: e["ruling"].update(allowed=False) or e.update(refusal="forbidden"),
        lambda e: (
            e["ruling"].update(rule="default-deny", allowed=False) or e.update(refusal="forbidden")
        ),
        lambda e: e.update(action="dataset.create"),
    ],
)
@pytest.mark.requirement("R70")
def test_a_verdict_that_the_table_does_not_give_is_named(change):
    log = hospital()
    log.add("regulator", "log.read", {}, change=change)

    assert_broken(on_file(log.pack(), pins_of(log)), "verdict-differs-from-table")


def test_facts_changed_afterwards_change_the_verdict():
    log = before_release()
    task = {"project": PROJECT, "task": named("task 2")}
    facts = log.facts | {"stage": "OPEN", "assigned_other": False, "labelled_already": False}
    log.add("labeller", "task.open", task, domain=OWN, facts=facts,
            change=lambda e: e["facts"].update(assigned_other=True))  # fmt: skip

    assert story(log)[0] == SOUND  # without the table nobody can tell
    assert_broken(on_file(log.pack(), pins_of(log)), "verdict-differs-from-table")


def test_a_missing_fact_opens_no_door():
    log = before_release()
    facts = log.facts | {"stage": "OPEN", "assigned_other": False, "labelled_already": False}
    for name in ("stage", "contract_valid", "assigned_other", "labelled_already", "dataset_state"):
        other = before_release()
        other.add("labeller", "task.open", {"project": PROJECT, "task": named("t")}, domain=OWN,
                  facts=facts, change=lambda e, n=name: e["facts"].pop(n))  # fmt: skip

        assert_broken(on_file(other.pack(), pins_of(other)), "verdict-differs-from-table")


def test_entries_are_read_as_they_were_written():
    log = house()
    assert [canonical.encode(entry) for entry in log.entries] == log.raw
