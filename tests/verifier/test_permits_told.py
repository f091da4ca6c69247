"""What a log says of permits and training against what a steward signed of them (R05, R13)."""

import pytest
from lies import house
from small_files import zipped
from small_hospital import OWN, PROJECT, SmallHospital, hospital
from small_log import DATASET, named
from verdicts import SOUND, assert_broken, on_file, pins_of, story


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
