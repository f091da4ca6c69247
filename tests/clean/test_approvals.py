"""An officer sees sealed samples of a batch, signs for all of it, and a miss reopens all."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from enclave_house import LEDGER, EnclaveHouse, Member, new_id, text_of
from pydicom.data import get_testdata_file

from api.client.errors import ClientError
from api.client.officer import open_sample
from crypto import sealing
from crypto.canonical import decode
from policies.vocabulary import Action, DatasetState, ItemState, Role
from sandbox.clean.commands import OpenApproval, SignApproval, ViewSample
from sandbox.clean.sampling import sample_size
from sandbox.errors import (
    Conflict,
    Forbidden,
    NotFound,
    SandboxError,
    SignatureRequired,
    Unacceptable,
    VerificationFailed,
)
from sandbox.records.deposits import Approval

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
FILES = {"a.dcm": CT, "二.dcm": CT + b"\0"}


def worker_fingerprint(house: EnclaveHouse) -> str:
    return house.worker.key.fingerprint


@pytest.mark.requirement("R33")
def test_an_officer_opens_before_and_after_and_signs_the_batch(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    sitting = house.sampled(dataset)

    opened = []
    for item in house.items(dataset):
        command = ViewSample(
            ledger=LEDGER, dataset=dataset, approval=sitting.approval, item=item.id
        )
        blob = str(house.perform(house.officer, command).reply["blob"])
        sealed = house.blobs.read(blob)
        opened.append(open_sample(sealed, sitting, item.id, worker_fingerprint(house)))
    house.sign_approval(sitting)

    assert {sample.before for sample in opened} == set(FILES.values())
    assert {sample.name for sample in opened} == set(FILES)
    assert all(b"CompressedSamples^CT1" not in sample.after for sample in opened)
    assert {item.state for item in house.items(dataset)} == {ItemState.APPROVED}
    assert house.dataset(dataset).state is DatasetState.READY


@pytest.mark.requirement("R33")
def test_the_batch_that_is_signed_lists_every_item_with_its_masters_digest(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    sitting = house.sampled(dataset)

    row = house.row(Approval, sitting.approval)
    listed = house.blobs.read(row.batch_digest.removeprefix("sha256:"))

    assert f"sha256:{sha256(listed).hexdigest()}" == row.batch_digest
    batch = decode(listed)
    assert (batch["approval"], batch["dataset"]) == (sitting.approval, dataset)
    assert {one["item"]: one["master"] for one in batch["items"]} == {
        item.id: f"sha256:{item.blob}" for item in house.items(dataset)
    }


@pytest.mark.requirement("R33")
def test_a_miss_sends_the_whole_batch_back_and_it_is_cleaned_anew(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    before = {item.id: item.blob for item in house.items(dataset)}

    house.sign_approval(house.sampled(dataset), "reject")
    states = {item.state for item in house.items(dataset)}
    state = house.dataset(dataset).state
    house.run_worker()

    again = house.items(dataset)
    assert (states, state) == ({ItemState.SEALED}, DatasetState.CLEANING)
    assert {item.state for item in again} == {ItemState.CLEANED}
    assert all(item.blob != before[item.id] for item in again)


@pytest.mark.requirement("R59")
def test_no_verdict_without_the_officers_signature(house: EnclaveHouse):
    sitting = house.sampled(house.cleaned(FILES))
    batch = house.row(Approval, sitting.approval).batch_digest
    command = SignApproval(
        ledger=LEDGER,
        dataset=sitting.dataset,
        approval=sitting.approval,
        verdict="approve",
        batch=batch,
    )

    with pytest.raises(SignatureRequired):
        house.perform(house.officer, command)

    assert house.row(Approval, sitting.approval).state == "SAMPLED"


@pytest.mark.requirement("R59")
@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"verdict": "reject"}, "terms-not-signed"),
        ({"batch": "sha256:" + "0" * 64}, "terms-not-signed"),
        ({}, "signature-of-other-terms"),
        ({"more": "x"}, "signature-of-other-terms"),
    ],
)
def test_a_signature_over_other_terms_signs_nothing(house: EnclaveHouse, terms: dict, code: str):
    sitting = house.sampled(house.cleaned(FILES))
    batch = house.row(Approval, sitting.approval).batch_digest
    objects = {"dataset": sitting.dataset, "approval": sitting.approval}
    signed_terms = {"verdict": "approve", "batch": batch, **terms} if terms else {}
    command = SignApproval(
        ledger=LEDGER,
        dataset=sitting.dataset,
        approval=sitting.approval,
        verdict="approve",
        batch=batch,
        signed=house.officer.sign(Action.APPROVAL_SIGN, objects, signed_terms),
    )

    with pytest.raises(SandboxError) as refused:
        house.perform(house.officer, command)

    assert refused.value.code == code


def test_a_verdict_that_is_none_is_refused(house: EnclaveHouse):
    sitting = house.sampled(house.cleaned(FILES))

    with pytest.raises(Unacceptable) as refused:
        house.sign_approval(sitting, "perhaps")

    assert refused.value.code == "verdict-unknown"


def test_nothing_is_signed_before_the_worker_gave_samples(house: EnclaveHouse):
    sitting = house.open_approval(house.cleaned(FILES))

    with pytest.raises(Forbidden):
        house.sign_approval(sitting)


@pytest.mark.requirement("R33")
def test_another_officer_neither_views_nor_signs(house: EnclaveHouse):
    other = Member()
    house.grant(other, Role.DEID_OFFICER)
    sitting = house.sampled(house.cleaned(FILES))
    view = ViewSample(
        ledger=LEDGER,
        dataset=sitting.dataset,
        approval=sitting.approval,
        item=house.items(sitting.dataset)[0].id,
    )

    with pytest.raises(Forbidden):
        house.perform(other, view)
    with pytest.raises(Forbidden):
        house.sign_approval(sitting, officer=other)


@pytest.mark.parametrize("who", ["steward", "depositor", "worker"])
def test_only_an_officer_takes_up_a_batch(house: EnclaveHouse, who: str):
    dataset = house.cleaned(FILES)

    with pytest.raises(Forbidden):
        house.open_approval(dataset, getattr(house, who))


def test_an_approval_of_nothing_is_refused(house: EnclaveHouse):
    dataset = house.receiving()

    with pytest.raises(Conflict) as refused:
        house.open_approval(dataset)

    assert refused.value.code == "batch-empty"


def test_a_second_sitting_takes_over_and_the_first_signs_nothing(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    first, second = house.sampled(dataset), house.sampled(dataset)

    with pytest.raises(Conflict) as refused:
        house.sign_approval(first)
    house.sign_approval(second)

    assert refused.value.code == "batch-changed"
    assert {item.approval for item in house.items(dataset)} == {second.approval}


def test_an_item_outside_the_sample_has_none(house: EnclaveHouse):
    sitting = house.sampled(house.cleaned(FILES))
    view = ViewSample(
        ledger=LEDGER, dataset=sitting.dataset, approval=sitting.approval, item=new_id()
    )

    with pytest.raises(NotFound):
        house.perform(house.officer, view)


@pytest.mark.requirement("R59")
def test_a_session_key_that_was_not_signed_is_refused(house: EnclaveHouse):
    dataset, approval = house.cleaned(FILES), new_id()
    signed_key, other_key = sealing.generate(), sealing.generate()
    objects = {"dataset": dataset, "approval": approval}
    terms = {"session_key": text_of(signed_key.public_bytes)}
    command = OpenApproval(
        ledger=LEDGER,
        dataset=dataset,
        approval=approval,
        session_key=other_key.public_bytes,
        signed=house.officer.sign(Action.APPROVAL_OPEN, objects, terms),
    )

    with pytest.raises(Unacceptable):
        house.perform(house.officer, command)


def test_a_session_key_swapped_in_the_row_gets_no_sample(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    sitting = house.open_approval(dataset)
    thief = sealing.generate()
    row = house.row(Approval, sitting.approval)
    house.change_behind_the_gate(replace(row, session_key=thief.public_bytes))

    house.run_worker()

    samples = house.row(Approval, sitting.approval).samples
    assert samples
    for sample in samples:
        item, _, blob = sample.partition(":")
        place = sealing.object_info(dataset, sitting.approval, item)
        header = house.blobs.read(blob)[: sealing.HEADER_SIZE]
        assert len(sealing.open_header(sitting.session, place, header)) == 32
        with pytest.raises(Exception, match="seal-altered"):
            sealing.open_header(thief, place, header)


def test_an_approval_forged_in_the_rows_gets_no_sample(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    sitting = house.open_approval(dataset)
    row = house.row(Approval, sitting.approval)
    house.change_behind_the_gate(replace(row, opened_index=row.opened_index - 1))

    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == "entry-not-that-act"


def test_a_sample_that_the_worker_did_not_sign_is_found_out(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    sitting = house.sampled(dataset)
    item, _, blob = house.row(Approval, sitting.approval).samples[0].partition(":")
    sealed = house.blobs.read(blob)

    with pytest.raises(ClientError) as other_worker:
        open_sample(sealed, sitting, item, Member().key.fingerprint)
    with pytest.raises(ClientError) as other_item:
        open_sample(sealed, sitting, new_id(), worker_fingerprint(house))
    with pytest.raises(ClientError) as cut:
        open_sample(sealed[:-1], sitting, item, worker_fingerprint(house))

    codes = [e.value.code for e in (other_worker, other_item, cut)]
    assert codes == ["fingerprint-differs", "sample-altered", "sample-altered"]


@pytest.mark.parametrize(
    ("batch", "sample"), [(0, 0), (1, 1), (5, 5), (6, 6), (15, 6), (16, 7), (105, 15)]
)
def test_small_batches_are_seen_whole_and_large_ones_by_the_tenth(batch: int, sample: int):
    assert sample_size(batch) == sample
