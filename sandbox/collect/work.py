"""The worker's part in collecting: keys for every dataset and its depositors.

- An intake key for every dataset that has none.
- The dataset's naming key, sealed to every depositor's own key. To whom is read from the verified
  log, from the grant that a steward signed; rows only say where to look.
"""

from collections.abc import Iterator
from functools import partial

from crypto import naming, sealing
from policies.vocabulary import DatasetState, Role
from sandbox.acts import HOSPITAL_DOMAIN
from sandbox.collect.commands import OpenIntake
from sandbox.custody import translated
from sandbox.enclave import Enclave, Step
from sandbox.errors import VerificationFailed
from sandbox.exchange import naming_name
from sandbox.records.deposits import Dataset
from sandbox.records.people import Membership
from sandbox.records.port import Tables
from sandbox.records.standing import contract_valid

NAMING_KEY = "naming"
DEPOSITING = frozenset({Role.DEPOSITOR, Role.STEWARD})
_RECEIVING = frozenset(
    {
        DatasetState.RECEIVING,
        DatasetState.CLEANING,
        DatasetState.AWAITING_APPROVAL,
        DatasetState.READY,
    }
)


def steps(enclave: Enclave, ledger: str) -> Iterator[Step]:
    """What is to be done now: a step per draft whose contract holds, and per key to be given."""
    with enclave.ledgers.open(ledger).snapshot() as tables:
        datasets = [d for d in tables.of(Dataset).find() if contract_valid(d, enclave.clock())]
        depositors = _depositors(enclave, tables)
    for dataset in datasets:
        if dataset.state is DatasetState.DRAFT:
            yield f"intake:{dataset.id}", partial(_open_intake, enclave, ledger, dataset.id)
    given = frozenset(enclave.exchange.names(f"naming:{ledger}:"))
    for dataset in datasets:
        for pseudonym, key in depositors if dataset.state in _RECEIVING else ():
            name = naming_name(ledger, dataset.id, key)
            if name not in given:
                act = partial(_give_naming_key, enclave, ledger, dataset.id, pseudonym, key)
                yield f"{name}:{pseudonym}", act


def _depositors(enclave: Enclave, tables: Tables) -> list[tuple[str, bytes]]:
    now = enclave.clock()
    return sorted(
        {
            (held.pseudonym, held.sealing_key)
            for held in tables.of(Membership).find(domain=HOSPITAL_DOMAIN)
            if held.role in DEPOSITING
            and held.sealing_key is not None
            and held.revoked_at is None
            and (held.expires_at is None or now < held.expires_at)
        }
    )


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


def _give_naming_key(
    enclave: Enclave, ledger: str, dataset: str, pseudonym: str, recipient: bytes
) -> None:
    held = enclave.history(ledger).holder(pseudonym)
    if not any(
        h.role in DEPOSITING and h.domain == HOSPITAL_DOMAIN and h.sealing_key == recipient
        for h in held
    ):
        raise VerificationFailed("depositor-unverified", "no steward signed for this key")
    key = enclave.vault.keys(ledger, dataset).made(NAMING_KEY)
    with translated():
        sealed = sealing.seal(recipient, naming.seal_info(ledger, dataset), key)
    message = naming.offer_message(ledger, dataset, recipient, sealed)
    offer = enclave.vault.sign_message(message) + sealed
    enclave.exchange.put(naming_name(ledger, dataset, recipient), offer)
