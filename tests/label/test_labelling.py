"""Tasks, leases, labels and reviews through the gate."""

from dataclasses import replace

import pytest
from refusals import last_entry, refused
from room_parts import LEDGER, new_id

from policies.vocabulary import DatasetState, Role, TaskState
from sandbox.acts import project_domain
from sandbox.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unacceptable,
)
from sandbox.label.commands import OpenTask
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Lease, Review, Task
from sandbox.records.people import Membership
from sandbox.records.sealed_labels import LabelPayload, open_label


@pytest.mark.requirement("R37")
def test_the_entry_of_a_label_binds_what_it_rests_on(house):
    house.opened()

    task = house.label_one()

    entry = last_entry(house)
    assert entry["action"] == "label.submit"
    assert set(entry["outcome"]["commitments"]) == {"comment", "label", "rows", "shown"}
    assert set(entry["outcome"]["digests"]) == {"guideline", "rendering", "schema"}
    assert entry["outcome"]["objects"]["item"] == house.row(Task, task).item
    assert entry["ruling"]["policy"].startswith("sha256:")


@pytest.mark.requirement("R66")
def test_the_entry_of_a_label_does_not_say_what_it_says(house):
    house.opened()

    house.label_one()

    assert b"effusion" not in house.entries()[-1]


@pytest.mark.requirement("R37")
def test_a_sealed_label_opens_its_commitment(house):
    house.opened()
    task = house.label_one()
    (row,) = house.labels(task)

    secret = open_label(house.keys.record_key(row.item), house.project, row.id, row.sealed)

    assert secret.label.commitment.hex() == row.commitment
    assert LabelPayload.decoded(secret.label.text).value == {"classes": ["effusion"]}


def test_a_lease_entry_names_what_the_lease_can_show(house):
    house.opened()

    house.open_task(house.labeller)

    outcome = last_entry(house)["outcome"]
    assert outcome["counts"] == {"frames": 0, "seconds": 900, "version": 0}
    assert set(outcome["objects"]) == {"item", "lease", "task"}
    assert "item" in outcome["commitments"]


@pytest.mark.requirement("R36")
def test_a_stale_version_is_refused(house):
    house.opened()
    task = house.label_one()

    refused(house, StaleVersion, "stale-version", lambda: house.submit(house.labeller, task, 0))


@pytest.mark.requirement("R38")
def test_a_returned_label_gets_a_new_version_and_keeps_the_old(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, task, "return", "look again")

    house.open_task(house.labeller)
    house.submit(house.labeller, task, 1, {"classes": ["none"]})

    seen = [
        house.viewing.label_version(LEDGER, task, version, house.labeller.actor).said
        for version in (1, 2)
    ]
    assert seen == [{"classes": ["effusion"]}, {"classes": ["none"]}]


def test_a_returned_task_goes_back_to_its_labeller_only(house):
    house.opened()
    task = house.label_one()
    house.open_review(house.reviewer)
    house.judge(house.reviewer, task, "return", "look again")
    other = house.another(Role.LABELLER, project_domain(house.project))

    refused(house, NotFound, "no-task", lambda: house.open_task(other))
    refused(house, Forbidden, "forbidden", lambda: house.open_task(other, task))


def test_one_lease_at_a_time(house):
    house.opened(items=2)
    house.open_task(house.labeller)

    refused(house, Conflict, "lease-held", lambda: house.open_task(house.labeller))


def test_a_task_leased_to_another_is_refused(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]
    other = house.another(Role.LABELLER, project_domain(house.project))

    refused(house, Forbidden, "forbidden", lambda: house.open_task(other, task))
    refused(house, Forbidden, "forbidden", lambda: house.submit(other, task))


def test_a_label_after_the_lease_ran_out_is_refused(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]
    house.clock.advance(seconds=901)

    refused(house, Forbidden, "forbidden", lambda: house.submit(house.labeller, task))


@pytest.mark.parametrize("version", [0, 1])
def test_the_worker_closes_a_lease_that_ran_out(house, version):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]
    if version:
        house.submit(house.labeller, task)
        house.open_review(house.reviewer)
        house.judge(house.reviewer, task, "return", "look again")
        house.open_task(house.labeller)
    house.clock.advance(seconds=901)

    assert house.work() == 1

    after = TaskState.RETURNED if version else TaskState.OPEN
    assert house.row(Task, task).state is after
    assert last_entry(house)["outcome"]["codes"] == {"counted": "all"}
    assert house.work() == 0


def test_a_holder_closes_its_lease_and_another_does_not(house):
    house.opened()
    given = house.open_task(house.labeller).reply
    other = house.another(Role.LABELLER, project_domain(house.project))
    lease = given["lease"]

    refused(house, Forbidden, "forbidden", lambda: house.close_lease(other, lease))
    house.close_lease(house.labeller, lease)
    refused(house, Conflict, "lease-closed", lambda: house.close_lease(house.labeller, lease))
    assert house.row(Task, given["task"]).state is TaskState.OPEN


def test_the_worker_can_not_close_a_live_lease(house):
    house.opened()
    lease = house.open_task(house.labeller).reply["lease"]

    refused(house, Forbidden, "forbidden", lambda: house.close_lease(house.worker, lease))


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        ({"classes": ["pneumonia"]}, "label-class-unknown", "/classes/0"),
        ({"classes": ["effusion", "none"]}, "label-class-count", "/classes"),
        ({"classes": []}, "label-class-count", "/classes"),
        ({"classes": ["none", "none"]}, "label-class-repeated", "/classes"),
        ({"classes": "none"}, "label-classes-wrong", "/classes"),
        ({"classes": [1]}, "label-classes-wrong", "/classes"),
        ({}, "label-field-missing", "/classes"),
        ({"classes": ["none"], "note": "x"}, "label-field-unknown", None),
    ],
)
def test_a_label_that_breaks_the_schema_is_refused_by_field(house, value, code, field):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]

    with pytest.raises(Unacceptable) as caught:
        house.submit(house.labeller, task, value=value)

    assert (caught.value.code, caught.value.field) == (code, field)
    assert last_entry(house)["refusal"] == code
    assert house.row(Task, task).state is TaskState.LEASED


def test_who_may_not_label_learns_nothing_of_the_schema(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]

    refused(
        house,
        Forbidden,
        "forbidden",
        lambda: house.submit(house.reviewer, task, value={"classes": ["pneumonia"]}),
    )


@pytest.mark.requirement("R47")
def test_an_identifier_in_a_comment_or_reason_is_refused(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]

    refused(
        house,
        Unacceptable,
        "identifier-found",
        lambda: house.submit(house.labeller, task, comment="张三丰 again"),
    )
    house.submit(house.labeller, task)
    house.open_review(house.reviewer)
    refused(
        house,
        Unacceptable,
        "identifier-found",
        lambda: house.judge(house.reviewer, task, "return", "call 13800138000"),
    )


def test_a_comment_that_is_too_long_is_refused(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]

    refused(
        house,
        Unacceptable,
        "text-too-long",
        lambda: house.submit(house.labeller, task, comment="x" * 501),
    )


def test_a_repeated_submission_is_answered_once(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]
    first = house.submit(house.labeller, task, key="same-key-1")

    again = house.submit(house.labeller, task, key="same-key-1")

    assert (again.index, again.reply) == (first.index, first.reply)
    assert len(house.labels(task)) == 1


def test_another_label_under_the_same_key_is_refused(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]
    house.submit(house.labeller, task, key="same-key-1")

    refused(
        house,
        Conflict,
        "idempotency-key-reused",
        lambda: house.submit(house.labeller, task, value={"classes": ["none"]}, key="same-key-1"),
    )


@pytest.mark.requirement("R16")
def test_roles_of_one_project_do_not_count_in_another(house):
    house.opened()
    elsewhere = house.another(Role.LABELLER, project_domain(new_id()))
    foreign = OpenTask(
        ledger=LEDGER,
        domain=house.on_project()["domain"],
        project=new_id(),
        lease=new_id(),
    )

    refused(house, NotFound, "not-found", lambda: house.open_task(elsewhere))
    refused(house, NotFound, "not-found", lambda: house.perform(house.labeller, foreign))


@pytest.mark.requirement("R04")
def test_a_removed_labeller_saves_nothing(house):
    house.opened()
    domain = project_domain(house.project)
    other = house.another(Role.LABELLER, domain)
    task = house.open_task(other).reply["task"]
    (membership,) = house.rows(Membership, account=other.account)
    house.revoke(membership.id)

    refused(house, NotFound, "not-found", lambda: house.submit(other, task))


def test_a_suspended_dataset_gives_no_task(house):
    dataset = house.opened()
    row = house.row(Dataset, dataset)
    house.change_behind_the_gate(replace(row, state=DatasetState.SUSPENDED))

    refused(house, Forbidden, "forbidden", lambda: house.open_task(house.labeller))


@pytest.mark.requirement("R97")
def test_an_expired_contract_stops_labelling(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]
    house.clock.advance(days=366)

    refused(house, Forbidden, "contract-expired", lambda: house.submit(house.labeller, task))


def test_states_behind_the_gate_are_still_stepped(house):
    house.opened()
    task = house.row(Task, house.open_task(house.labeller).reply["task"])
    house.change_behind_the_gate(replace(task, labeller=house.labeller.account, lease=None))
    house.change_behind_the_gate(
        *[replace(row, ended_at=house.clock.now) for row in house.rows(Lease)]
    )

    refused(
        house,
        IllegalTransition,
        "illegal-transition",
        lambda: house.open_task(house.labeller, task.id),
    )


def test_the_next_task_is_found_beyond_the_first_part(house):
    house.opened(items=70)
    tasks = sorted(row.id for row in house.rows(Task))
    for task in tasks[:-1]:
        review = Review(new_id(), task, house.project, "", house.labeller.account, "accept",
                        b"", "", 0, house.clock.now)  # fmt: skip
        house.change_behind_the_gate(review)

    given = house.open_task(house.labeller).reply

    assert given["task"] == tasks[-1]


def test_things_of_another_project_are_not_found(house):
    house.opened()
    task = str(house.open_task(house.labeller).reply["task"])
    (lease,) = house.rows(Lease)
    row = house.row(Task, task)
    house.change_behind_the_gate(replace(row, project=new_id()), replace(lease, project=new_id()))

    for act in (
        lambda: house.open_task(house.labeller, task),
        lambda: house.open_review(house.reviewer, task),
        lambda: house.close_lease(house.labeller, lease.id),
    ):
        refused(house, NotFound, "not-found", act)
    with pytest.raises(NotFound):
        house.submit(house.labeller, task)


def test_a_value_without_canonical_form_is_refused_like_any_other(house):
    house.opened()
    task = house.open_task(house.labeller).reply["task"]

    refused(
        house,
        Unacceptable,
        "label-classes-wrong",
        lambda: house.submit(house.labeller, task, value={"classes": [float("nan")]}),
    )


def test_a_lease_that_lost_its_task_is_still_closed(house):
    house.opened()
    given = house.open_task(house.labeller).reply
    row = house.row(Task, given["task"])
    house.change_behind_the_gate(replace(row, lease=None))

    house.close_lease(house.labeller, given["lease"])

    assert house.row(Task, row.id).state is TaskState.LEASED
