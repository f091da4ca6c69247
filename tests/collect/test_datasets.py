"""Datasets: refused with the missing field named; intake keys from the worker alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from enclave_house import LEDGER, START, EnclaveHouse, Member, dataset_fields, new_id, text_of

from crypto.signing import verify_act
from policies.vocabulary import Action, DatasetState
from sandbox.collect.commands import CreateDataset, OpenIntake, ResumeDataset, SuspendDataset
from sandbox.errors import Forbidden, NotFound, Unacceptable
from sandbox.records.deposits import Dataset, IntakeKey

ASKED = sorted(set(dataset_fields()) - {"dataset"})


@pytest.mark.requirement("R17")
@pytest.mark.requirement("R97")
@pytest.mark.parametrize("field", ASKED)
def test_a_dataset_without_a_field_is_refused_and_the_field_named(house: EnclaveHouse, field: str):
    with pytest.raises(Unacceptable) as refused:
        house.create_dataset(**{field: None})

    assert (refused.value.code, refused.value.field) == ("dataset-incomplete", field)
    with house.snapshot() as tables:
        assert not tables.of(Dataset).find()


@pytest.mark.requirement("R97")
@pytest.mark.parametrize("field", ["contract_expires_at", "ethics_expires_at", "retain_until"])
def test_what_has_run_out_opens_no_dataset(house: EnclaveHouse, field: str):
    with pytest.raises(Unacceptable) as refused:
        house.create_dataset(**{field: START - timedelta(days=1)})

    assert (refused.value.code, refused.value.field) == ("dataset-expired", field)


def test_a_recipe_that_nobody_offers_is_refused(house: EnclaveHouse):
    with pytest.raises(Unacceptable) as refused:
        house.create_dataset(recipe="wishful")

    assert refused.value.code == "recipe-unknown"


@pytest.mark.requirement("R17")
def test_only_a_steward_creates_a_dataset(house: EnclaveHouse):
    with pytest.raises(Forbidden):
        house.perform(house.depositor, CreateDataset(ledger=LEDGER, **dataset_fields()))


@pytest.mark.requirement("R19")
def test_the_worker_opens_the_intake_under_its_signature(house: EnclaveHouse):
    dataset = house.receiving()

    with house.snapshot() as tables:
        (key,) = tables.of(IntakeKey).find(dataset=dataset)
    assert house.dataset(dataset).state is DatasetState.RECEIVING
    assert key.identity_key == house.worker.key.public_bytes
    verify_act(
        key.identity_key,
        LEDGER,
        Action.DATASET_OPEN_INTAKE,
        {"dataset": dataset, "intake_key": key.id},
        {"public_key": text_of(key.public_key)},
        key.id,
        key.signature,
    )


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("who", ["steward", "depositor", "officer"])
def test_nobody_but_the_worker_gives_an_intake_key(house: EnclaveHouse, who: str):
    dataset = house.create_dataset()
    command = OpenIntake(
        ledger=LEDGER,
        dataset=dataset,
        intake_key=new_id(),
        public_key=b"k",
        identity_key=b"i",
        signature=b"s",
    )

    with pytest.raises(Forbidden):
        house.perform(getattr(house, who), command)

    assert house.dataset(dataset).state is DatasetState.DRAFT


@pytest.mark.requirement("R97")
def test_no_intake_key_once_the_contract_has_run_out(house: EnclaveHouse):
    dataset = house.create_dataset()
    house.clock.now = START + timedelta(days=366)

    assert house.run_worker() == 0
    with pytest.raises(Forbidden):
        house.perform(
            house.worker,
            OpenIntake(
                ledger=LEDGER,
                dataset=dataset,
                intake_key=new_id(),
                public_key=b"k",
                identity_key=b"i",
                signature=b"s",
            ),
        )


def test_a_ready_dataset_is_suspended_and_resumed(house: EnclaveHouse):
    dataset = house.receiving()
    house.change_behind_the_gate(replace(house.dataset(dataset), state=DatasetState.READY))

    house.perform(house.steward, SuspendDataset(ledger=LEDGER, dataset=dataset))
    suspended = house.dataset(dataset).state
    house.perform(house.steward, ResumeDataset(ledger=LEDGER, dataset=dataset))

    assert (suspended, house.dataset(dataset).state) == (
        DatasetState.SUSPENDED,
        DatasetState.READY,
    )


@pytest.mark.parametrize("command", [SuspendDataset, ResumeDataset])
def test_a_dataset_that_still_receives_is_neither_suspended_nor_resumed(
    house: EnclaveHouse, command: type
):
    dataset = house.receiving()

    with pytest.raises(Forbidden):
        house.perform(house.steward, command(ledger=LEDGER, dataset=dataset))


def test_an_unknown_dataset_is_not_found(house: EnclaveHouse):
    with pytest.raises(NotFound):
        house.perform(house.steward, SuspendDataset(ledger=LEDGER, dataset=new_id()))


def test_a_stranger_creates_nothing(house: EnclaveHouse):
    with pytest.raises(Forbidden):
        house.perform(Member(), CreateDataset(ledger=LEDGER, **dataset_fields()))
