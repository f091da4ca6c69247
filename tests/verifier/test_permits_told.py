"""What a log says of permits and training against what a steward signed of them (R05, R13)."""

import json

import pytest
from lies import house
from small_files import zipped
from small_hospital import OWN, PROJECT, SmallHospital, hospital
from small_log import DATASET, TABLE, named
from verdicts import SOUND, assert_broken, on_file, pins_of, story

from crypto import verifier


def _until(terms, moment):
    """A signed act whose terms end at `moment`; signed anew."""
    return lambda e: (
        e["signed"]["terms"].update({terms: moment}),
        e["signed"].update(signature=""),
    )


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    "change",
    [
        _until("valid_until", "2026-07-01T08:00:00.200000Z"),
        _until("valid_from", "2036-07-01T08:00:00.200000Z"),
    ],
)
def test_an_act_outside_of_the_signed_permit_is_named(change):
    log = house()
    log.collect()
    log.clean()
    objects = {"dataset": DATASET, "project": PROJECT}
    facts = {"guideline_complete": True, "taken": False}
    log._on("lead", "project.create", objects, domain=OWN, **facts)
    log.permit(change=change)
    task = {"project": PROJECT, "task": named("task")}
    log.now = log.now.replace(microsecond=250_000)
    free = {"assigned_other": False, "labelled_already": False}
    log._on("labeller", "task.open", task, domain=OWN, stage="OPEN", **free)

    assert_broken(story(log), "act-outside-permit")


@pytest.mark.requirement("R13")
def test_an_act_after_the_permit_was_revoked_is_named():
    log = hospital()
    log.add("steward", "permit.revoke", {"project": PROJECT}, terms={"reason": "over"})
    assert story(log)[0] == SOUND
    log.submit("labeller")

    assert_broken(story(log), "act-outside-permit")


def _permitted_by(name):
    """An entry of which someone else is the actor, by a key and grants of their own."""
    log = house()
    log.collect()
    log.clean()
    objects = {"dataset": DATASET, "project": PROJECT}
    log._on("lead", "project.create", objects, domain=OWN, guideline_complete=True)
    terms = {
        "valid_from": "2026-07-01T08:00:00.000000Z",
        "valid_until": "2096-01-01T00:00:00.000000Z",
    }

    def allowed(entry):
        entry["ruling"].update(allowed=True)

    log.add(name, "permit.issue", objects, domain=OWN, facts=log.facts, terms=terms, change=allowed)
    return log


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("name", ["lead", "officer", "labeller"])
def test_a_permit_that_no_steward_signed_is_named(name):
    assert_broken(story(_permitted_by(name)), "permit-of-no-steward")


@pytest.mark.requirement("R13")
def test_a_permit_that_somebody_else_revokes_is_named():
    log = hospital()
    terms = {"reason": "over"}
    change = lambda e: e["ruling"].update(allowed=True)  # noqa: E731 - a lie of one line
    log.add("lead", "permit.revoke", {"project": PROJECT}, domain=OWN, terms=terms, change=change)

    assert_broken(story(log), "permit-of-no-steward")


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    "change",
    [
        lambda e: e["facts"].pop("permit_valid"),
        lambda e: e["facts"].update(permit_valid=False),
        lambda e: e["facts"].update(permit_valid=1),
    ],
)
def test_an_act_that_does_not_say_that_it_is_permitted_is_named(change):
    log = hospital()
    log.submit("labeller", change=change)

    assert_broken(story(log), "act-without-permit")


@pytest.mark.requirement("R13")
def test_which_acts_ask_for_a_permit_is_what_the_shipped_table_says():
    table = json.loads(TABLE.encoded)
    actions = {rule["action"] for rule in table["rules"]}

    asking = {action for action in actions if verifier.asks_for_permit(action, table)}

    assert asking == verifier.PERMITTED
    assert all(verifier.asks_for_permit(action, None) for action in asking)
    assert not verifier.asks_for_permit("label.submit", {"rules": []})


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("ends", [None, "2026-07-01T08:00:00.150000Z"])
def test_a_role_whose_training_is_missing_or_ran_out_is_named(ends):
    log = house()
    log.collect()
    log.trained.add("late")
    if ends:
        log.train("late", change=_until("expires_at", ends))
    log.grant("late", "labeller", OWN, "firm:one")
    log.now = log.now.replace(microsecond=160_000)
    log.add("late", "log.read", {}, domain=OWN, refusal="forbidden")

    assert_broken(on_file(zipped(log.evidence()), pins_of(log)), "role-untrained")


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("members", ["steward", "labeller,labeller", "labeller,x"])
def test_training_of_oneself_or_of_nobody_is_named(members):
    log = SmallHospital()
    log.found()
    text = ",".join(named(m) if m != "x" else m for m in members.split(","))
    log.train("labeller", change=_until("members", text))

    assert_broken(story(log), "training-told-by-nobody-entitled", "training-malformed")


@pytest.mark.requirement("R97")
def test_an_act_after_the_contract_of_the_dataset_is_named():
    log = house()
    log.contract_ends = "2026-07-01T08:00:00.200000Z"
    log.collect()
    log.now = log.now.replace(microsecond=250_000)
    objects = {"dataset": DATASET, "item": named("item 0")}
    log._on("worker", "item.clean", objects, stage="SEALED")

    assert_broken(story(log), "contract-not-valid")


@pytest.mark.requirement("R15")
def test_an_act_for_another_purpose_than_the_declared_one_is_named():
    log = house()
    log.collect()
    log.facts |= {"purpose": "education", "declared_purpose": "education"}
    objects = {"dataset": DATASET, "item": named("item 0")}
    log._on("worker", "item.clean", objects, stage="SEALED")

    assert_broken(story(log), "purpose-not-declared")
