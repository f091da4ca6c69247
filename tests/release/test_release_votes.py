"""Requests and votes: who may, on what, and what the votes come to."""

import json
from dataclasses import replace

import pytest
from refusals import refused
from release_house import CONTEXT
from room_parts import Person, new_id

from crypto.dsse import sign as sign_envelope
from policies.vocabulary import Category, ReleaseState, Role
from sandbox.acts import project_domain
from sandbox.errors import (
    Conflict,
    Forbidden,
    NotFound,
    SignatureRequired,
    Unacceptable,
)
from sandbox.records.releases import Release
from sandbox.release import commands as c
from sandbox.release.statement import PAYLOAD_TYPE
from sandbox.release.views import visible_votes


# --- requests ------------------------------------------------------------------------------------
@pytest.mark.requirement("R51")
@pytest.mark.parametrize("field", ["context", "control_statement"])
def test_a_request_without_its_texts_is_refused_by_field(house, field):
    house.opened()
    house.accept_all()
    given = {"context": "", "control": CONTEXT} if field == "context" else {"control": " "}

    error = refused(
        house, Unacceptable, "control-statement-missing", lambda: house.request(**given)
    )

    assert error.field == field
    assert not house.rows(Release)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"context": "asked for by 张三丰"}, "identifier-found"),
        ({"control": "call 13800138000"}, "identifier-found"),
        ({"context": "x" * 2001}, "text-too-long"),
        ({"recipient": "9" * 32}, "recipient-unknown"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(house, given, code):
    house.opened()
    house.accept_all()

    refused(house, Unacceptable, code, lambda: house.request(**given))


def test_only_accepted_labels_can_be_asked_for(house):
    house.opened()
    house.label_one()

    refused(house, Conflict, "nothing-locked", house.request)


def test_a_recipient_needs_a_sealing_key_and_the_role(house):
    house.opened()
    house.accept_all()
    keyless = house.another(Role.RECIPIENT)

    for who in (keyless, house.checker):
        refused(
            house,
            Unacceptable,
            "recipient-unknown",
            lambda who=who: house.request(recipient=who.member),
        )


def test_a_recipient_of_another_project_is_none_here(house):
    house.opened()
    house.accept_all()
    elsewhere = Person(sealing=house.recipient.sealing)
    house.grant(elsewhere, Role.RECIPIENT, domain="project:" + "7" * 32)

    refused(
        house,
        Unacceptable,
        "recipient-unknown",
        lambda: house.request(recipient=elsewhere.member),
    )


@pytest.mark.parametrize("who", ["labeller", "reviewer", "steward", "recipient", "checker"])
def test_only_the_project_lead_asks(house, who):
    house.opened()
    house.accept_all()

    refused(house, Forbidden, "forbidden", lambda: house.request(getattr(house, who)))


@pytest.mark.requirement("R50")
@pytest.mark.parametrize("changes", [{"grade": 5}, {"category": Category.CORE}])
def test_what_never_leaves_is_not_even_asked_for(house, changes):
    house.opened(**changes)
    house.accept_all()

    refused(house, Forbidden, "forbidden", house.request)


# --- votes -----------------------------------------------------------------------------------------
@pytest.mark.requirement("R50")
def test_two_votes_with_the_hospitals_decide(house):
    release = house.screened()

    house.vote(house.checker, release)
    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW
    house.vote(house.steward, release)

    assert house.release(release).state is ReleaseState.SEALING


@pytest.mark.requirement("R50")
def test_without_the_hospitals_vote_nothing_is_decided(house):
    release = house.screened()
    house.vote(house.checker, release)

    house.vote(house.another(Role.OUTPUT_CHECKER, organisation="platform"), release)

    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW


@pytest.mark.requirement("R50")
def test_grade_4_needs_a_third_vote_and_the_steward(house):
    release = house.screened(grade=4)
    for _ in range(3):
        house.vote(house.another(Role.OUTPUT_CHECKER), release)
    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW

    house.vote(house.steward, release)

    assert house.release(release).state is ReleaseState.SEALING


@pytest.mark.requirement("R50")
def test_important_data_needs_the_regulator(house):
    release = house.screened(category=Category.IMPORTANT)
    house.vote(house.steward, release)
    house.vote(house.checker, release)
    house.vote(house.another(Role.PRIVACY_OFFICER), release)
    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW

    house.vote(house.another(Role.REGULATOR, organisation="regulator"), release)

    assert house.release(release).state is ReleaseState.SEALING


@pytest.mark.requirement("R49")
def test_votes_are_hidden_until_all_are_in(house):
    release = house.screened()
    house.vote(house.checker, release)
    with house.gate.snapshot("ab" * 16) as tables:
        assert visible_votes(tables, house.release(release)) is None

    house.vote(house.steward, release)

    with house.gate.snapshot("ab" * 16) as tables:
        shown = visible_votes(tables, house.release(release))
    assert [vote.verdict for vote in shown or []] == ["approve", "approve"]


@pytest.mark.parametrize(
    ("verdict", "state"), [("reject", ReleaseState.REJECTED), ("return", ReleaseState.RETURNED)]
)
def test_one_vote_against_stops_it(house, verdict, state):
    release = house.screened()
    house.vote(house.checker, release, verdict)

    house.vote(house.steward, release)

    assert house.release(release).state is state
    assert house.work() == 0


@pytest.mark.requirement("R49")
def test_the_requester_can_not_vote_nor_look(house):
    release = house.screened()
    alias = house.another(Role.OUTPUT_CHECKER, key=house.lead.key)

    refused(house, Forbidden, "forbidden", lambda: house.vote(house.lead, release))
    refused(house, Forbidden, "forbidden", lambda: house.vote(alias, release))
    refused(house, Forbidden, "forbidden", lambda: house.inspect(alias, release))


@pytest.mark.requirement("R50")
def test_a_labeller_can_not_vote_by_any_account(house):
    release = house.screened()
    alias = house.another(Role.OUTPUT_CHECKER, key=house.labeller.key)

    refused(house, Forbidden, "forbidden", lambda: house.vote(house.labeller, release))
    refused(house, Forbidden, "forbidden", lambda: house.vote(alias, release))


@pytest.mark.requirement("R50")
def test_nobody_votes_twice_by_any_account(house):
    release = house.screened()
    house.vote(house.checker, release)
    alias = house.another(Role.OUTPUT_CHECKER, key=house.checker.key)

    refused(house, Forbidden, "forbidden", lambda: house.vote(house.checker, release))
    refused(house, Forbidden, "forbidden", lambda: house.vote(alias, release))


@pytest.mark.requirement("R59")
def test_a_vote_without_signature_is_refused(house):
    release = house.screened()
    ballot = replace(house.ballot(house.checker, release), signed=None)

    refused(
        house,
        SignatureRequired,
        "signature-required",
        lambda: house.perform(house.checker, ballot),
    )


@pytest.mark.requirement("R59")
def test_a_vote_signed_by_another_is_refused(house):
    release = house.screened()
    ballot = house.ballot(house.steward, release)

    refused(
        house,
        SignatureRequired,
        "signature-by-other-key",
        lambda: house.perform(house.checker, ballot),
    )


@pytest.mark.requirement("R59")
def test_a_vote_can_not_be_cast_again_or_moved(house):
    release = house.screened()
    ballot = house.ballot(house.checker, release)
    other = replace(ballot, release=new_id())
    house.perform(house.checker, ballot)

    refused(house, NotFound, "not-found", lambda: house.perform(house.checker, other))
    refused(house, Forbidden, "forbidden", lambda: house.perform(house.checker, ballot))


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("term", ["package", "statement"])
def test_a_vote_on_another_package_is_refused(house, term):
    release = house.screened()

    refused(
        house,
        Conflict,
        "package-changed",
        lambda: house.vote(house.checker, release, **{term: "sha256:" + "0" * 64}),
    )


def test_a_verdict_that_is_none_is_refused(house):
    release = house.screened()

    refused(
        house,
        Unacceptable,
        "verdict-unknown",
        lambda: house.vote(house.checker, release, verdict="maybe"),
    )


@pytest.mark.parametrize("signature", [None, b"", bytes(64)])
def test_an_approval_has_to_sign_the_statement(house, signature):
    release = house.screened()
    ballot = replace(house.ballot(house.checker, release), envelope_signature=signature)

    refused(
        house,
        SignatureRequired,
        "envelope-unsigned",
        lambda: house.perform(house.checker, ballot),
    )


def test_an_envelope_signature_over_another_statement_is_refused(house):
    release = house.screened()
    other = sign_envelope(PAYLOAD_TYPE, b"{}", house.checker.key)
    ballot = replace(house.ballot(house.checker, release), envelope_signature=other)

    refused(
        house,
        SignatureRequired,
        "envelope-unsigned",
        lambda: house.perform(house.checker, ballot),
    )


@pytest.mark.parametrize("role", [Role.DEPOSITOR, Role.DEID_OFFICER, Role.RECIPIENT])
def test_other_roles_do_not_vote(house, role):
    release = house.screened()
    other = house.another(role)

    refused(house, Forbidden, "forbidden", lambda: house.vote(other, release))
    refused(house, Forbidden, "forbidden", lambda: house.inspect(other, release))


def test_who_is_no_member_learns_nothing(house):
    release = house.screened()
    stranger = Person()

    refused(house, NotFound, "not-found", lambda: house.inspect(stranger, release))


@pytest.mark.requirement("R49")
def test_a_look_at_the_package_is_in_the_log(house):
    release = house.screened()

    files = house.inspect(house.checker, release)

    entry = json.loads(house.entries()[-1])
    assert (entry["action"], entry["refusal"]) == ("release.inspect", None)
    assert set(files) == {"controls.json", "guideline.json", "labels.jsonl", "schema.json"}


@pytest.mark.requirement("R97")
def test_an_expired_contract_stops_the_vote(house):
    release = house.screened()
    house.clock.advance(days=366)

    refused(house, Forbidden, "contract-expired", lambda: house.vote(house.checker, release))
    assert house.work() == 0


# --- back to the requester ---------------------------------------------------------------------------
@pytest.mark.requirement("R52")
def test_votes_do_not_outlive_the_package(house):
    release = house.screened()
    house.vote(house.checker, release)
    house.vote(house.steward, release, "return")

    house.request(release=release)
    house.work()

    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW
    house.vote(house.checker, release)
    assert house.release(release).state is ReleaseState.INDEPENDENT_REVIEW
    house.vote(house.steward, release)
    assert house.release(release).state is ReleaseState.SEALING
    house.work()
    assert house.release(release).state is ReleaseState.RELEASED


def test_only_the_requester_sends_it_again_or_withdraws_it(house):
    release = house.screened()
    house.vote(house.checker, release)
    house.vote(house.steward, release, "return")
    other = house.another(Role.PROJECT_LEAD, project_domain(house.project), "firm:one")
    withdrawal = c.WithdrawRelease(**house.on_release(release))

    refused(house, Forbidden, "not-the-requester", lambda: house.request(other, release=release))
    refused(house, Forbidden, "forbidden", lambda: house.perform(other, withdrawal))
    house.perform(house.lead, withdrawal)
    assert house.release(release).state is ReleaseState.WITHDRAWN
    refused(house, Forbidden, "forbidden", lambda: house.request(release=release))


@pytest.mark.requirement("R52")
def test_a_release_in_review_can_not_be_withdrawn_or_asked_again(house):
    release = house.screened()
    withdrawal = c.WithdrawRelease(**house.on_release(release))

    refused(house, Forbidden, "forbidden", lambda: house.perform(house.lead, withdrawal))
    refused(house, Forbidden, "forbidden", lambda: house.request(release=release))
