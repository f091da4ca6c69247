"""What ends by itself: contract, permit, training, purpose; at the instant, with nobody acting."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from refusals import refused
from room_parts import LEDGER, Person, ct_file, training_record

from policies.vocabulary import Action, Role
from sandbox.acts import project_domain
from sandbox.errors import Forbidden, NotFound
from sandbox.label.commands import CloseLease
from sandbox.people.commands import RevokePermit
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Task
from sandbox.records.permits import Permit, Training

TICK = timedelta(milliseconds=1)  # the clock's step at each look


def at(house, moment) -> None:
    """The next look at the clock shows exactly this moment."""
    house.clock.now = moment - TICK


@pytest.fixture
def lease(house) -> str:
    """The labeller's lease on one CT image."""
    house.opened(items=0)
    house.issue(ct_file(), "dicom", 1)
    return str(house.open_task(house.labeller).reply["lease"])


def frame(house, lease: str, person=None) -> bytes:
    return house.viewing.frame(LEDGER, lease, (person or house.labeller).actor, 0)


def ends(house) -> dict:
    """The last instant of each window, by what it belongs to."""
    (dataset,) = house.rows(Dataset)
    (permit,) = house.rows(Permit)
    records = house.rows(Training, account=house.labeller.account)
    return {
        "contract": dataset.contract_expires_at,
        "ethics": dataset.ethics_expires_at,
        "permit": permit.valid_until,
        "training": records[0].expires_at,
    }


@pytest.fixture
def long_lease(house) -> str:
    """A lease that outlives everything it rests on."""
    house.opened(items=0, project={"lease_s": 400 * 24 * 3600})
    house.issue(ct_file(), "dicom", 1)
    return str(house.open_task(house.labeller).reply["lease"])


@pytest.mark.requirement("R13")
@pytest.mark.requirement("R97")
@pytest.mark.parametrize("what", ["contract", "ethics", "permit"])
def test_an_own_label_is_read_until_the_instant_at_which_something_ends(house, what):
    house.opened()
    task = house.label_one()
    (dataset,) = house.rows(Dataset)
    first = house.clock.now + timedelta(days=30)
    far = house.clock.now + timedelta(days=300)
    _end_at(house, dataset, dict.fromkeys(ends(house), far) | {what: first})

    at(house, first - TICK)
    assert house.viewing.label_version(LEDGER, task, 1, house.labeller.actor).said
    at(house, first)
    with pytest.raises(NotFound):
        house.viewing.label_version(LEDGER, task, 1, house.labeller.actor)


@pytest.mark.requirement("R05")
@pytest.mark.requirement("R13")
@pytest.mark.requirement("R97")
@pytest.mark.parametrize("what", ["contract", "ethics", "permit", "training"])
def test_a_frame_is_shown_until_the_instant_at_which_something_ends(house, long_lease, what):
    (dataset,) = house.rows(Dataset)
    first = house.clock.now + timedelta(days=30)
    far = house.clock.now + timedelta(days=300)
    _end_at(house, dataset, dict.fromkeys(ends(house), far) | {what: first})

    at(house, first - TICK)
    assert frame(house, long_lease)
    at(house, first)
    with pytest.raises(NotFound):
        frame(house, long_lease)


def _end_at(house, dataset, when) -> None:
    (permit,) = house.rows(Permit)
    house.change_behind_the_gate(
        replace(
            dataset,
            contract_expires_at=when["contract"],
            ethics_expires_at=when["ethics"],
        ),
        replace(permit, valid_until=when["permit"]),
        *[
            replace(row, expires_at=when["training"])
            for row in house.rows(Training, account=house.labeller.account)
        ],
    )


@pytest.mark.requirement("R13")
def test_labelling_goes_on_until_the_permit_ends_and_no_longer(house, lease):
    assert lease
    task = house.rows(Task)[0].id
    permit = house.rows(Permit)[0]
    house.change_behind_the_gate(_until(permit, house.clock.now + timedelta(minutes=5)))

    at(house, house.rows(Permit)[0].valid_until)

    refused(house, Forbidden, "permit-missing", lambda: house.submit(house.labeller, task))


def _until(permit, moment):
    return replace(permit, valid_until=moment)


@pytest.mark.requirement("R13")
def test_a_permit_that_has_not_begun_opens_nothing(house):
    house.opened()
    dataset = house.rows(Dataset)[0].id
    start = house.clock.now + timedelta(hours=1)
    house.permit(dataset, start=start)

    refused(house, Forbidden, "permit-missing", lambda: house.open_task(house.labeller))
    at(house, start)
    assert house.open_task(house.labeller)


@pytest.mark.requirement("R13")
def test_a_revoked_permit_stops_frames_and_acts_at_once(house, lease):
    task = house.rows(Task)[0].id
    objects = {"project": house.project}
    signed = house.steward.sign(Action.PERMIT_REVOKE, objects, {"reason": "study-over"})
    house.perform(
        house.steward,
        RevokePermit(
            ledger=LEDGER,
            domain=project_domain(house.project),
            project=house.project,
            signed=signed,
        ),
    )

    with pytest.raises(NotFound):
        frame(house, lease)
    refused(house, Forbidden, "permit-missing", lambda: house.submit(house.labeller, task))
    # What only ends something stays possible.
    closing = CloseLease(**house.on_project(), lease=lease)
    assert house.perform(house.labeller, closing)


@pytest.mark.requirement("R13")
def test_the_worker_seals_nothing_outside_of_the_permit(house):
    house.opened()
    (permit,) = house.rows(Permit)

    house.change_behind_the_gate(_until(permit, house.clock.now + timedelta(minutes=1)))
    house.clock.advance(minutes=2)

    assert house.work() == 0


# --- purpose -----------------------------------------------------------------------------------
@pytest.mark.requirement("R15")
@pytest.mark.parametrize("purpose", [None, "", "model-training", "care-quality"])
def test_a_session_for_another_purpose_opens_no_task(house, purpose):
    house.opened()
    house.labeller.purpose = purpose

    refused(house, Forbidden, "purpose-differs", lambda: house.open_task(house.labeller))


@pytest.mark.requirement("R15")
def test_the_purpose_stands_in_the_entry(house, lease):
    assert lease
    facts = json.loads(house.entries()[-1])["facts"]

    assert (facts["purpose"], facts["declared_purpose"]) == ("research", "research")


@pytest.mark.requirement("R15")
def test_a_new_session_for_another_purpose_sees_no_frame_of_an_old_lease(house, lease):
    house.labeller.purpose = "model-training"

    with pytest.raises(NotFound):
        frame(house, lease)


@pytest.mark.requirement("R15")
def test_a_service_acts_for_the_purposes_it_is_enrolled_for(house):
    house.opened()
    actor = house.worker.actor

    assert actor.declared("research") == "research"
    assert actor.declared("sale") == ""


# --- training ----------------------------------------------------------------------------------
@pytest.mark.requirement("R05")
def test_a_role_is_not_held_from_the_instant_at_which_training_runs_out(house):
    house.opened(items=2)
    (record,) = house.rows(Training, account=house.labeller.account)
    soon = house.clock.now + timedelta(minutes=5)
    house.change_behind_the_gate(_ending(record, soon))

    at(house, soon - TICK)
    given = house.open_task(house.labeller)
    at(house, soon)

    refused(house, NotFound, "not-found", lambda: house.submit(house.labeller, given.reply["task"]))


def _ending(record, moment):
    return replace(record, expires_at=moment)


@pytest.mark.requirement("R05")
def test_training_that_is_renewed_gives_the_role_back(house):
    house.opened()
    (record,) = house.rows(Training, account=house.labeller.account)
    house.change_behind_the_gate(_ending(record, house.clock.now))
    refused(house, NotFound, "not-found", lambda: house.open_task(house.labeller))

    house.train(house.labeller, days=30)

    assert house.open_task(house.labeller)


@pytest.mark.requirement("R05")
@pytest.mark.parametrize("role", [Role.LABELLER, Role.REVIEWER, Role.DEID_OFFICER])
def test_nobody_gets_a_role_without_the_training_it_asks_for(house, role):
    stranger = Person()

    refused(
        house, Forbidden, "training-missing", lambda: house.grant(stranger, role, trained=False)
    )


@pytest.mark.requirement("R05")
def test_nobody_tells_of_their_own_training(house):
    now = house.clock()
    record = training_record(house.lead, house.lead, now, now + timedelta(days=1))

    refused(house, Forbidden, "forbidden", lambda: house.perform(house.lead, record))
