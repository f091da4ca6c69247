"""Somebody is erased: nothing of them opens any more, and everybody else's stays."""

import pytest
from enclave_house import LEDGER
from erasing_house import ANNA, BEN, EVERYTHING, FILES, SUBJECTS, ErasingHouse, World

from policies.vocabulary import DatasetState, ErasureState, ItemState, TaskState
from sandbox.records.deposits import Deposit
from sandbox.records.labels import Label, Task

PARTED = EVERYTHING - {"inner"}  # the register's other rows stay, in a part of their own


@pytest.mark.requirement("R76")
def test_of_an_erased_patient_nothing_opens_and_of_the_others_everything(house: ErasingHouse):
    world = house.labelled()
    assert house.openable(world, ANNA) == house.openable(world, BEN) == EVERYTHING

    erasure = house.erased(world.dataset, ANNA)

    assert house.openable(world, ANNA) == set()
    assert house.openable(world, BEN) == PARTED
    assert house.erasure(erasure).state is ErasureState.ERASED
    assert states(house, world) == {ANNA: ItemState.ERASED, BEN: ItemState.APPROVED}


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R85")
@pytest.mark.parametrize("scope", ["subject", "dataset"])
def test_yesterdays_backup_of_all_but_the_providers_opens_nothing(house, tmp_path, scope):
    world = house.labelled()
    yesterday, rows = house.backup(tmp_path / "yesterday"), house.rows_of(world)
    assert yesterday.readable(rows, house.folder, ANNA) == EVERYTHING
    erasure = house.erased(world.dataset, ANNA if scope == "subject" else None)

    house.rotated()

    assert yesterday.readable(rows, house.folder, ANNA) == set()
    assert house.erasure(erasure).state is ErasureState.FINAL
    assert house.openable(world, BEN) == (PARTED if scope == "subject" else set())


@pytest.mark.requirement("R76")
def test_a_backup_from_between_erasure_and_rotation_opens_nothing_of_the_erased(house, tmp_path):
    world = house.labelled()
    rows = house.rows_of(world)
    house.erased(world.dataset, ANNA)
    between = house.backup(tmp_path / "between")

    house.rotated()

    assert between.readable(rows, house.folder, ANNA) == set()


@pytest.mark.requirement("R76")
def test_labels_of_the_erased_keep_their_commitments_and_say_nothing(house: ErasingHouse):
    world = house.labelled()
    before = {row.id: row for row in house.rows(Label, project=world.project)}

    house.erased(world.dataset, ANNA)

    after = {row.id: row for row in house.rows(Label, project=world.project)}
    (gone,) = [row for row in after.values() if row.erased]
    assert gone.commitment == before[gone.id].commitment
    assert {row.id for row in after.values() if row == before[row.id]} == set(before) - {gone.id}


@pytest.mark.requirement("R78")
def test_who_is_named_by_the_subjects_id_is_out_of_the_queue_with_the_order(house: ErasingHouse):
    world = house.labelled()
    subject = world.by_mrn[ANNA].subject or ""

    house.ordered(world.dataset, subject=subject)

    assert tasks(house, world) == {ANNA: TaskState.CANCELLED, BEN: TaskState.OPEN}
    house.run_worker()
    assert house.openable(world, ANNA) == set()


@pytest.mark.requirement("R78")
def test_who_is_named_by_record_number_is_out_of_the_queue_before_a_key_goes(house: ErasingHouse):
    world = house.labelled()
    erasure = house.ordered(world.dataset, ANNA)

    house.erasing.begin(LEDGER, house.erasure(erasure))

    assert tasks(house, world) == {ANNA: TaskState.CANCELLED, BEN: TaskState.OPEN}
    assert house.openable(world, ANNA) == EVERYTHING
    assert states(house, world)[ANNA] is ItemState.RECALLED


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R66")
def test_entries_name_nobody_and_say_what_was_done(house: ErasingHouse):
    world = house.labelled()
    house.erased(world.dataset, ANNA)
    house.rotated()

    order, begun, complete, rotate = [
        e for e in house.entries() if e["action"].startswith(("erasure.", "key."))
    ]
    assert order["outcome"]["codes"] == {"scope": "subject", "ground": "gdpr-17"}
    assert order["signed"]["terms"]["sealed"].startswith("sha256:")
    assert begun["outcome"]["objects"] == {"subject": world.by_mrn[ANNA].subject}
    counts = complete["outcome"]["counts"]
    assert (counts["items"], counts["project_items"], counts["labels"]) == (1, 1, 1)
    assert counts["epoch"] == 1
    assert rotate["outcome"]["counts"]["to_epoch"] == 2
    assert complete["signed"]["key"] == rotate["signed"]["key"] == begun["signed"]["key"]
    assert not any(word in str(house.entries()) for word in (ANNA, "Quellwasser", "row-a"))


@pytest.mark.requirement("R76")
def test_the_register_of_a_deposit_no_longer_knows_the_erased(house: ErasingHouse):
    world = house.labelled()
    deposit = world.by_mrn[ANNA].deposit

    house.erased(world.dataset, ANNA)

    inner = house.work.opener.deposit(LEDGER, house.row(Deposit, deposit)).inner
    assert [row.mrn for row in inner.register.rows] == [BEN]
    assert len(inner.files) == 1


@pytest.mark.requirement("R76")
def test_what_comes_in_later_of_somebody_erased_is_not_kept(house: ErasingHouse):
    world = house.labelled()
    house.erased(world.dataset, ANNA)
    house.rotated()
    files = {name: data + b"again\n" for name, data in FILES.items()}

    sent = house.about(world.dataset, files, SUBJECTS)
    house.send(sent)
    house.run_worker()

    found = {i.object_id: i for i in house.items(world.dataset) if i.deposit == sent.deposit}
    again = found[sent.names["a.txt"]]
    assert (again.state, again.reason) == (ItemState.QUARANTINED, "subject-erased")
    assert not house.blobs.exists(again.source_blob)
    assert found[sent.names["b.txt"]].state is ItemState.CLEANED


@pytest.mark.requirement("R76")
def test_a_patient_unknown_so_far_does_not_come_in_afterwards(house: ErasingHouse):
    dataset = house.receiving()
    house.erased(dataset, ANNA)

    sent = house.about(dataset, FILES, SUBJECTS)
    house.send(sent)
    house.run_worker()

    found = {i.object_id: i for i in house.items(dataset)}
    assert found[sent.names["a.txt"]].reason == "subject-erased"
    assert found[sent.names["b.txt"]].state is ItemState.CLEANED


@pytest.mark.requirement("R76")
def test_an_erased_dataset_is_closed_at_once_and_erased_once_its_keys_are(house: ErasingHouse):
    world = house.labelled()

    house.ordered(world.dataset)
    assert house.dataset(world.dataset).state is DatasetState.CLOSED
    house.run_worker()

    assert house.dataset(world.dataset).state is DatasetState.ERASED
    assert house.openable(world, BEN) == house.openable(world, ANNA) == set()
    assert list(house.blobs.digests()) == []
    assert not list(house.exchange.names("item:"))


@pytest.mark.requirement("R76")
def test_two_erasures_share_a_rotation_and_the_next_one_gets_its_own(house: ErasingHouse):
    world = house.labelled()
    other = house.labelled()
    first, second = house.erased(world.dataset, ANNA), house.erased(other.dataset, BEN)
    house.rotated()
    third = house.erased(world.dataset, BEN)
    assert house.openable(world, BEN) == set()
    house.rotated()

    epochs = [house.erasure(e).epoch for e in (first, second, third)]
    assert epochs == [1, 1, 2]
    assert house.vault.epoch(LEDGER) == 3
    assert house.openable(other, ANNA) == PARTED


def states(house: ErasingHouse, world: World) -> dict[str, ItemState]:
    ids = {item.id: mrn for mrn, item in world.by_mrn.items()}
    return {ids[item.id]: item.state for item in house.items(world.dataset) if item.id in ids}


def tasks(house: ErasingHouse, world: World) -> dict[str, TaskState]:
    source = {item.id: mrn for mrn, item in world.by_mrn.items()}
    mrns = {row.id: source[row.source_item] for row in house.issued(world.project)}
    return {mrns[task.item]: task.state for task in house.rows(Task, project=world.project)}
