"""Frames and texts under leases, and under nothing else."""

import io
import json
from dataclasses import replace

import pytest
from PIL import Image
from room_parts import LEDGER, ct_file, new_id

from crypto.commitments import commit
from policies.vocabulary import DatasetState, ItemState, Role
from sandbox.acts import project_domain
from sandbox.errors import NotFound, TooLarge, VerificationFailed
from sandbox.label.commands import CloseLease, Looked
from sandbox.label.digests import shown_payload
from sandbox.label.viewing import Viewing
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Lease, ProjectItem
from sandbox.records.people import Membership
from sandbox.records.sealed_labels import shown_salt


@pytest.fixture
def lease(house) -> str:
    """The labeller's lease on one CT image."""
    house.opened(items=0)
    house.issue(ct_file(), "dicom", 1)
    return str(house.open_task(house.labeller).reply["lease"])


def frame(house, lease: str, person=None, number: int = 0) -> bytes:
    actor = (person or house.labeller).actor
    return house.viewing.frame(LEDGER, lease, actor, number)


@pytest.mark.requirement("R35")
def test_a_frame_is_a_picture_without_metadata(house, lease):
    picture = Image.open(io.BytesIO(frame(house, lease)))

    assert (picture.format, picture.size, picture.info) == ("PNG", (128, 128), {})


@pytest.mark.requirement("R35")
def test_two_looks_differ_by_their_watermark(house, lease):
    first = frame(house, lease)
    house.clock.advance(seconds=2)

    assert frame(house, lease) != first


@pytest.mark.requirement("R34")
def test_a_lease_is_good_for_its_holder_only(house, lease):
    other = house.another(Role.LABELLER, project_domain(house.project))

    for look in (house.viewing.lease, house.viewing.text):
        with pytest.raises(NotFound):
            look(LEDGER, lease, other.actor)
    with pytest.raises(NotFound):
        frame(house, lease, other)


@pytest.mark.requirement("R35")
def test_a_lease_that_ran_out_shows_nothing(house, lease):
    house.clock.advance(seconds=901)

    with pytest.raises(NotFound):
        frame(house, lease)


def test_a_closed_lease_shows_nothing(house, lease):
    house.close_lease(house.labeller, lease)

    with pytest.raises(NotFound):
        frame(house, lease)


@pytest.mark.requirement("R04")
def test_who_was_removed_sees_no_further_frame(house, lease):
    frame(house, lease)
    (membership,) = house.rows(Membership, account=house.labeller.account)

    house.revoke(membership.id)

    with pytest.raises(NotFound):
        frame(house, lease)


@pytest.mark.requirement("R13")
def test_a_membership_that_ran_out_shows_nothing(house, lease):
    (membership,) = house.rows(Membership, account=house.labeller.account)
    house.change_behind_the_gate(replace(membership, expires_at=house.clock.now))

    with pytest.raises(NotFound):
        frame(house, lease)


@pytest.mark.parametrize("state", [DatasetState.SUSPENDED, DatasetState.CLOSED])
def test_a_stopped_dataset_shows_nothing(house, lease, state):
    (dataset,) = house.rows(Dataset)
    house.change_behind_the_gate(replace(dataset, state=state))

    with pytest.raises(NotFound):
        frame(house, lease)


def test_a_recalled_item_shows_nothing(house, lease):
    (item,) = house.rows(ProjectItem)
    house.change_behind_the_gate(replace(item, state=ItemState.RECALLED))

    with pytest.raises(NotFound):
        frame(house, lease)


@pytest.mark.parametrize("number", [-1, 1, 10**9])
def test_a_frame_that_is_not_there_is_not_found(house, lease, number):
    with pytest.raises(NotFound):
        frame(house, lease, number=number)


def test_an_unknown_lease_is_not_found(house):
    house.opened()

    with pytest.raises(NotFound):
        frame(house, new_id())


def test_a_picture_has_no_text(house, lease):
    with pytest.raises(NotFound):
        house.viewing.text(LEDGER, lease, house.labeller.actor)


def test_a_text_is_shown_with_its_viewer(house):
    house.opened()
    lease = house.open_task(house.labeller).reply["lease"]

    seen = house.viewing.text(LEDGER, lease, house.labeller.actor)

    assert (seen.text, seen.viewer) == ("A clear film.", house.labeller.member)
    with pytest.raises(NotFound):
        frame(house, lease)


def test_a_frame_over_the_limit_of_pixels_is_refused(house, lease):
    small = Viewing(house.ledgers, house.keys, house.clock, max_pixels=128 * 127)

    with pytest.raises(TooLarge, match="frame-too-large"):
        small.frame(LEDGER, lease, house.labeller.actor, 0)


@pytest.mark.requirement("R75")
def test_an_item_in_the_place_of_another_is_refused(house, lease):
    (item,) = house.rows(ProjectItem)
    house.issue(ct_file(), "dicom", 1)
    (other,) = [row for row in house.rows(ProjectItem) if row.id != item.id]
    house.change_behind_the_gate(replace(item, blob=other.blob))

    with pytest.raises(VerificationFailed):
        frame(house, lease)


def test_what_was_shown_is_told_when_the_lease_ends(house, lease):
    house.viewing.tally.begin(lease)
    frame(house, lease)
    frame(house, lease)
    shown = house.viewing.tally.look(lease)

    closing = CloseLease(**house.on_project(), lease=lease, shown=shown)
    house.perform(house.labeller, house.desk.close_lease(closing))

    outcome = json.loads(house.entries()[-1])["outcome"]
    assert shown == Looked(("frame:0",), 2)
    assert house.row(Lease, lease).shown == ("frame:0",)
    assert outcome["codes"] == {"counted": "exact"}
    assert (outcome["counts"]["shown"], outcome["counts"]["views"]) == (1, 2)
    (item,) = house.rows(ProjectItem)
    salt = shown_salt(house.keys.record_key(item.id), lease)
    expected = commit(salt, shown_payload(item, ("frame:0",)))
    assert outcome["commitments"]["shown"] == expected.hex()


@pytest.mark.requirement("R63")
def test_a_lease_ended_by_the_worker_counts_as_all_seen(house, lease):
    house.viewing.tally.begin(lease)
    frame(house, lease)

    house.perform(house.labeller, CloseLease(**house.on_project(), lease=lease))

    outcome = json.loads(house.entries()[-1])["outcome"]
    assert outcome["codes"] == {"counted": "all"}
    assert "shown" not in outcome["commitments"]
    assert house.row(Lease, lease).shown == ("all",)


@pytest.mark.requirement("R63")
def test_what_nobody_counted_from_the_start_counts_as_all_seen(house, lease):
    """The process was started again since the lease was given."""
    frame(house, lease)

    assert house.viewing.tally.look(lease) is None


@pytest.mark.requirement("R63")
def test_what_two_processes_showed_counts_as_all_seen(house, lease):
    first, second = (
        Viewing(house.ledgers, house.keys, house.clock, marks=house.exchange) for _ in range(2)
    )
    first.tally.begin(lease)
    first.frame(LEDGER, lease, house.labeller.actor, 0)
    assert first.tally.look(lease) == Looked(("frame:0",), 1)

    second.frame(LEDGER, lease, house.labeller.actor, 0)

    assert first.tally.look(lease) is None
    assert second.tally.look(lease) is None
    second.tally.forget(lease)
    assert list(house.exchange.names("shown-elsewhere:")) == []


def test_a_lease_under_which_nothing_was_looked_at_says_so(house, lease):
    house.viewing.tally.begin(lease)

    assert house.viewing.tally.look(lease) == Looked((), 0)


def test_a_reviewer_sees_the_label_and_a_labeller_none(house, lease):
    task = house.row(Lease, lease).task
    assert house.viewing.lease(LEDGER, lease, house.labeller.actor).judged == ()
    house.submit(house.labeller, task)
    given = house.open_review(house.reviewer).reply

    view = house.viewing.lease(LEDGER, str(given["lease"]), house.reviewer.actor)

    assert [(one.said, one.version) for one in view.judged] == [({"classes": ["effusion"]}, 1)]


@pytest.mark.requirement("R38")
def test_a_label_is_read_by_its_author_and_its_reviewer_only(house, lease):
    task = house.row(Lease, lease).task
    house.submit(house.labeller, task)
    other = house.another(Role.LABELLER, project_domain(house.project))

    with pytest.raises(NotFound):
        house.viewing.label_version(LEDGER, task, 1, other.actor)
    with pytest.raises(NotFound):
        house.viewing.label_version(LEDGER, task, 1, house.reviewer.actor)
    with pytest.raises(NotFound):
        house.viewing.label_version(LEDGER, task, 2, house.labeller.actor)
    house.open_review(house.reviewer)
    assert house.viewing.label_version(LEDGER, task, 1, house.reviewer.actor).said
