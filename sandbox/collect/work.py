"""The worker's part in collecting: an intake key for every dataset that has none."""

from collections.abc import Iterator
from functools import partial

from policies.vocabulary import DatasetState
from sandbox.collect.commands import OpenIntake
from sandbox.enclave import Enclave, Step
from sandbox.records.deposits import Dataset
from sandbox.records.standing import contract_valid


def steps(enclave: Enclave, ledger: str) -> Iterator[Step]:
    """What is to be done now: one step per draft whose contract holds."""
    with enclave.ledgers.open(ledger).snapshot() as tables:
        drafts = tables.of(Dataset).find(state=DatasetState.DRAFT)
    for dataset in drafts:
        if contract_valid(dataset, enclave.clock()):
            yield f"intake:{dataset.id}", partial(_open_intake, enclave, ledger, dataset.id)


def _open_intake(enclave: Enclave, ledger: str, dataset: str) -> None:
    # Crash before the act: a key without a row, which nobody can seal to.
    offer = enclave.vault.new_intake(ledger, dataset, enclave.new_id())
    enclave.gate.perform(
        enclave.actor,
        OpenIntake(
            ledger=ledger,
            dataset=dataset,
            intake_key=offer.id,
            public_key=offer.public_key,
            identity_key=offer.identity_key,
            signature=offer.signature,
        ),
    )
