"""Where a dataset, a project and a person stand: facts that every room gives to policy.

- A contract, an ethics approval, a permit and a training record end by themselves, at the instant
  that they name: nobody has to act, and nothing is written when they do.
- A membership counts while it runs, is not revoked, and its holder is trained for its role (R05).
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from policies.ruling import Fact
from policies.training import training_in_force
from policies.vocabulary import DatasetState, Role
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Project
from sandbox.records.people import Membership
from sandbox.records.permits import Permit, Training
from sandbox.records.port import Tables

STOPPED: Final = frozenset({DatasetState.SUSPENDED, DatasetState.CLOSED, DatasetState.ERASED})
"""States of a dataset in which nothing is done with its data."""


def dataset_facts(dataset: Dataset, now: datetime) -> dict[str, Fact]:
    """Grade, category, state, purpose, and whether contract and ethics approval hold at `now`."""
    return {
        "grade": int(dataset.grade),
        "category": str(dataset.category),
        "dataset_state": str(dataset.state),
        "contract_valid": contract_valid(dataset, now),
        "purpose": str(dataset.purpose),
    }


def contract_valid(dataset: Dataset, now: datetime) -> bool:
    """Whether the contract and the ethics approval both run at `now`."""
    return now < min(dataset.contract_expires_at, dataset.ethics_expires_at)


def processable(dataset: Dataset, purposes: Collection[str], now: datetime) -> bool:
    """Whether a service enrolled for `purposes` may work on the dataset at `now`."""
    live = contract_valid(dataset, now) and dataset.state not in STOPPED
    return live and str(dataset.purpose) in purposes


def project_facts(tables: Tables, project: Project, now: datetime) -> dict[str, Fact]:
    """The facts of the project's dataset, and whether its permit is in force at `now`."""
    dataset = tables.of(Dataset).require(project.dataset)
    return {**dataset_facts(dataset, now), "permit_valid": permit_valid(tables, project, now)}


def permit_valid(tables: Tables, project: Project, now: datetime) -> bool:
    """Whether the hospital permits the project, on its dataset, at `now` (R13)."""
    permit = tables.of(Permit).get(project.id)
    return (
        permit is not None
        and permit.dataset == project.dataset
        and permit.revoked_at is None
        and permit.valid_from <= now < permit.valid_until
    )


def counting_memberships(tables: Tables, account: str, now: datetime) -> list[Membership]:
    """Memberships of an account that count at `now`, wherever in the ledger."""
    records = tables.of(Training).find(account=account)
    held = tables.of(Membership).find(account=account)
    return [m for m in held if counts(m, records, now)]


def counts(membership: Membership, records: Iterable[Training], now: datetime) -> bool:
    """Whether a membership counts at `now`, by its holder's training records."""
    return runs(membership, now) and trained_for(membership.role, records, now)


def runs(membership: Membership, now: datetime) -> bool:
    """Whether a membership is neither revoked nor over at `now`."""
    if membership.revoked_at is not None:
        return False
    return membership.expires_at is None or now < membership.expires_at


def trained_for(role: Role, records: Iterable[Training], now: datetime) -> bool:
    """Whether these records are all that the role asks for, at `now` (R05)."""
    asked = training_in_force().get(role)
    if not asked:
        return True
    return asked <= {r.course for r in records if r.passed_at <= now < r.expires_at}
