"""A release that should not have been: what the log and the passport give away about it."""

import json

import pytest
from small_hospital import (
    OWN,
    RELEASE,
    SmallHospital,
    before_release,
    digest_of,
    screened,
)
from small_log import DATASET, TABLE, Entry, named
from verdicts import SOUND, assert_broken, on_file, pins_of, story

from crypto import verifier


def sealed(*voters: str, log: SmallHospital | None = None, **given: object) -> SmallHospital:
    log = log or screened(**given)
    for voter in voters:
        log.vote(voter)
    log.seal()
    return log


# --- by the log alone ------------------------------------------------------------------------
@pytest.mark.requirement("R50")
def test_two_votes_with_one_of_the_hospital_suffice():
    log = sealed("steward", "checker")

    assert "1 releases" in story(log)[1]
    assert on_file(log.pack(), pins_of(log))[0] == SOUND


@pytest.mark.requirement("R24")
def test_a_release_of_what_no_officer_approved_is_named():
    """By the log, and by a passport whose statement is of another dataset's approval."""
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.clean(verdict="reject")
    log.label()
    log.request()
    log.screen()

    assert_broken(story(sealed("steward", "checker", log=log)), "officer-approval-missing")
    assert_broken(on_file(log.passport(), pins_of(log)), "officer-approval-missing")


@pytest.mark.parametrize("voters", [(), ("steward",)])
def test_too_few_votes_are_named(voters):
    assert_broken(story(sealed(*voters)), "release-votes-short")


def test_votes_without_the_hospital_are_named():
    log = before_release()
    log.grant("second", "output-checker", organisation="platform")
    log.request()
    log.screen()

    assert_broken(story(sealed("checker", "second", log=log)), "release-without-hospital-vote")


def test_an_organisation_that_the_entry_only_claims_makes_no_hospital_vote():
    """The grant stands behind the voter's key, not the word in the entry."""
    log = before_release()
    log.grant("second", "output-checker", organisation="platform")
    log.grant("second", "depositor")
    log.request()
    log.screen()
    log.vote("checker")
    log.vote("second", change=lambda e: e.update(organisation="hospital"))
    log.seal()

    assert_broken(story(log), "release-without-hospital-vote")


@pytest.mark.requirement("R49")
def test_the_requesters_vote_is_named():
    log = before_release()
    log.grant("lead", "steward")
    log.request()
    log.screen()

    assert_broken(
        story(sealed("lead", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


def test_a_labellers_vote_is_named():
    log = before_release()
    log.grant("labeller", "privacy-officer")
    log.request()
    log.screen()

    assert_broken(
        story(sealed("labeller", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


def test_a_label_whose_objects_hide_the_project_still_bars_its_author():
    log = before_release()
    log.grant("second", "labeller", OWN)
    log.grant("second", "privacy-officer")
    log.submit("second", change=lambda e: e["objects"].pop("project"))
    log.request()
    log.screen()

    assert_broken(
        story(sealed("second", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


def test_a_labellers_key_under_another_name_is_named():
    log = before_release()
    log.person("alias").key_name = "labeller"
    log.grant("alias", "privacy-officer")
    log.request()
    log.screen()

    assert_broken(
        story(sealed("alias", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


@pytest.mark.parametrize("twin", ["steward", "twin"])
def test_one_persons_two_votes_are_named(twin):
    log = before_release()
    log.person("twin").key_name = "steward"
    log.grant("twin", "privacy-officer")
    log.request()
    log.screen()

    assert_broken(story(sealed("steward", twin, log=log)), "release-vote-doubled")


def test_a_vote_by_someone_without_a_voting_role_is_named():
    log = screened()
    log.vote("steward")
    log.vote("officer", change=lambda e: e["ruling"].update(allowed=True))
    log.seal()

    assert_broken(story(log), "release-vote-of-nobody")


@pytest.mark.parametrize("verdict", ["reject", "return", "abstain"])
def test_a_seal_against_a_vote_is_named(verdict):
    log = screened()
    log.vote("privacy", verdict)

    assert_broken(story(sealed("steward", "checker", log=log)), "release-against-a-vote")


@pytest.mark.parametrize("term", ["package", "statement"])
def test_votes_on_something_else_do_not_count(term):
    log = screened()
    log.vote("steward")
    log.vote("checker", **{term: digest_of(b"another")})
    log.seal()

    assert_broken(story(log), "release-votes-short")


def test_votes_before_the_last_screening_do_not_count():
    log = screened()
    log.vote("steward")
    log.screen()

    assert_broken(story(sealed("checker", log=log)), "release-votes-short")


def test_a_release_that_was_not_asked_for_or_screened_is_named():
    log = before_release()
    log.request()
    log.statements[RELEASE] = log.statement()
    log.vote("steward")
    log.vote("checker")
    log.seal()
    assert_broken(story(log), "release-not-requested-or-screened")

    log = before_release()
    log.screen()
    assert_broken(story(sealed("steward", "checker", log=log)), "release-not-requested-or-screened")

    log = before_release()
    log.screen()
    log.request()
    assert_broken(story(sealed("steward", "checker", log=log)), "release-not-requested-or-screened")


def test_a_screening_that_let_nothing_through_releases_nothing():
    log = before_release()
    log.request()
    log.screen(change=lambda e: e["outcome"]["digests"].pop("package"))

    assert_broken(story(sealed("steward", "checker", log=log)), "release-not-requested-or-screened")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: o["digests"].update(package=digest_of(b"x")), "release-of-another-package"),
        (lambda o: o["digests"].pop("package"), "release-of-another-package"),
        (lambda o: o["objects"].update(recipient=named("x")), "release-to-another-recipient"),
        (lambda o: o.pop("objects"), "release-to-another-recipient"),
    ],
)
@pytest.mark.requirement("R57")
def test_a_seal_on_another_package_or_for_another_recipient_is_named(change, code):
    log = screened()
    log.vote("steward")
    log.vote("checker")
    log.seal(change=lambda entry: change(entry["outcome"]))

    assert_broken(story(log), code)


def test_one_approval_seals_one_package_once():
    log = sealed("steward", "checker")
    log.seal()

    assert_broken(story(log), "release-sealed-twice")


# --- with the decision table -------------------------------------------------------------------
def packed(log: SmallHospital) -> tuple[int, str]:
    return on_file(log.pack(), pins_of(log))


def forced(log: SmallHospital, *voters: str) -> SmallHospital:
    """Sealed although policy says no, with a verdict that fits the facts as they are told."""
    for voter in voters:
        log.vote(voter)
    log.seal()
    return log


@pytest.mark.requirement("R50")
def test_grade_4_asks_for_three_votes_and_the_steward():
    enough = sealed("steward", "checker", "privacy", grade=4)
    short = sealed("steward", "checker", grade=4)
    log = before_release(grade=4)
    log.grant("second", "privacy-officer")
    log.request()
    log.screen()

    assert packed(enough)[0] == SOUND
    assert_broken(packed(short), "release-votes-short")
    assert_broken(packed(forced(log, "checker", "privacy", "second")), "release-votes-short")


def test_important_data_asks_for_the_regulators_vote():
    enough = sealed("steward", "checker", "regulator", category="important")
    short = sealed("steward", "checker", "privacy", category="important")

    assert packed(enough)[0] == SOUND
    assert_broken(packed(short), "release-votes-short")


def _allow(entry: Entry) -> None:
    entry["ruling"]["allowed"] = True
    entry["ruling"]["rule"] = "release.seal/worker"


@pytest.mark.parametrize("given", [{"grade": 5}, {"category": "core"}])
def test_what_never_leaves_is_named_when_it_left(given):
    log = before_release(**given)
    log.request(change=_allow)
    log.screen()
    for voter in ("steward", "checker", "privacy", "regulator"):
        log.vote(voter, change=_allow)
    log.seal(change=_allow)

    assert_broken(packed(log), "verdict-differs-from-table")


def test_a_grade_told_lower_at_the_seal_than_at_the_beginning_is_named():
    log = before_release(grade=5)
    log.facts["grade"] = 3

    log.request()
    log.screen()

    assert_broken(packed(sealed("steward", "checker", log=log)), "release-of-another-grade")


def test_a_dataset_is_graded_once_and_wholly():
    log = before_release()
    log.collect()
    assert_broken(story(log), "dataset-grading-malformed")

    for kind in ("counts", "codes"):
        log = SmallHospital()
        log.enrol()
        outcome = {"counts": {"grade": 1}, "codes": {"category": "general"}}
        del outcome[kind]
        log.add("steward", "dataset.create", {"dataset": DATASET}, facts={"complete": True},
                outcome=outcome)  # fmt: skip

        assert_broken(story(log), "dataset-grading-malformed")


def test_a_release_of_data_that_the_log_does_not_know_is_named():
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.permit()
    log.release()  # no `project.create` says which dataset it is from

    assert_broken(packed(log), "release-of-another-grade")


@pytest.mark.parametrize(
    "grading", [(5, "general"), (3, "core"), (6, "general"), (None, None), (3, "secret")]
)
def test_the_table_says_what_never_leaves_whoever_votes(grading):
    quorum = json.loads(TABLE.encoded)["quorum"]

    with pytest.raises(verifier.Broken, match="release-of-a-grade-that-never-leaves"):
        verifier.check_quorum([], grading, quorum, "entry 9")
