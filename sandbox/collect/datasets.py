"""Datasets: made known with everything the law wants said, given an intake key, suspended.

- A dataset without owner, contract, ethics approval (each with an expiry), legal basis, purpose,
  retention, category or grade is refused, and the refusal names the first field that is missing.
- The intake key comes from the worker only, and counts for depositors by the worker's signature.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TypeVar

from policies.ruling import Facts
from policies.states import DATASET
from policies.vocabulary import DatasetState
from sandbox.acts import Acting, Outcome
from sandbox.collect.commands import CreateDataset, OpenIntake, ResumeDataset, SuspendDataset
from sandbox.errors import Conflict, Unacceptable
from sandbox.records.deposits import Dataset, IntakeKey
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts
from sandbox.records.transitions import step

T = TypeVar("T")
_ASKED = tuple(
    field.name for field in fields(Dataset) if field.name not in {"id", "state", "created_at"}
)


@dataclass(frozen=True)
class Creating:
    """`dataset.create`; `recipes` are the names of those on offer."""

    recipes: Collection[str]

    def facts(self, tables: Tables, command: CreateDataset, acting: Acting) -> Facts:
        """Grade and category, once nothing is missing.

        Raises:
            Unacceptable: a field is missing (`dataset-incomplete`, named), has run out
                (`dataset-expired`), or names no recipe (`recipe-unknown`).
            Conflict: the dataset exists.
        """
        dataset = _filled(command, acting.now)
        if dataset.recipe not in self.recipes:
            raise Unacceptable("recipe-unknown", "there is no such recipe", field="recipe")
        if tables.of(Dataset).get(dataset.id) is not None:
            raise Conflict("dataset-exists", "there is a dataset with this id")
        return {"complete": True, "grade": dataset.grade, "category": str(dataset.category)}

    def act(self, tables: Tables, command: CreateDataset, acting: Acting) -> Outcome:
        """Keep the dataset as DRAFT.

        Raises:
            Unacceptable: as in `facts`.
        """
        dataset = _filled(command, acting.now)
        tables.of(Dataset).insert(dataset)
        return Outcome(
            states={"dataset": str(dataset.state)},
            counts={"grade": int(dataset.grade)},
            codes={
                "category": str(dataset.category),
                "purpose": str(dataset.purpose),
                "legal_basis": str(dataset.legal_basis),
                "contract_expires_at": _moment(dataset.contract_expires_at),
                "ethics_expires_at": _moment(dataset.ethics_expires_at),
            },
            reply={"dataset": dataset.id, "state": str(dataset.state)},
        )


class OpeningIntake:
    """`dataset.open-intake`."""

    def facts(self, tables: Tables, command: OpenIntake, acting: Acting) -> Facts:
        """Where the dataset stands.

        Raises:
            NotFound: there is no such dataset.
        """
        return _staged(tables, command.dataset, acting.now)

    def act(self, tables: Tables, command: OpenIntake, acting: Acting) -> Outcome:
        """Keep the public key; the dataset receives from now on.

        Raises:
            IllegalTransition: the dataset is no draft.
        """
        tables.of(IntakeKey).insert(
            IntakeKey(
                id=command.intake_key,
                dataset=command.dataset,
                public_key=command.public_key,
                identity_key=command.identity_key,
                signature=command.signature,
                created_at=acting.now,
            )
        )
        return _moved(tables, command.dataset, DatasetState.RECEIVING)


class Suspending:
    """`dataset.suspend`."""

    def facts(self, tables: Tables, command: SuspendDataset, acting: Acting) -> Facts:
        """Where the dataset stands.

        Raises:
            NotFound: there is no such dataset.
        """
        return _staged(tables, command.dataset, acting.now)

    def act(self, tables: Tables, command: SuspendDataset, acting: Acting) -> Outcome:  # noqa: ARG002
        """Suspend it.

        Raises:
            IllegalTransition: it is not READY.
        """
        return _moved(tables, command.dataset, DatasetState.SUSPENDED)


class Resuming:
    """`dataset.resume`."""

    def facts(self, tables: Tables, command: ResumeDataset, acting: Acting) -> Facts:
        """Where the dataset stands.

        Raises:
            NotFound: there is no such dataset.
        """
        return _staged(tables, command.dataset, acting.now)

    def act(self, tables: Tables, command: ResumeDataset, acting: Acting) -> Outcome:  # noqa: ARG002
        """Let it go on.

        Raises:
            IllegalTransition: it is not SUSPENDED.
        """
        return _moved(tables, command.dataset, DatasetState.READY)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _filled(command: CreateDataset, now: datetime) -> Dataset:
    for name in _ASKED:
        if getattr(command, name) in (None, ""):
            raise Unacceptable("dataset-incomplete", f"{name} is missing", field=name)
    dataset = Dataset(
        id=command.dataset,
        title=_given(command.title),
        owner=_given(command.owner),
        contract=_given(command.contract),
        contract_expires_at=_given(command.contract_expires_at),
        ethics_approval=_given(command.ethics_approval),
        ethics_expires_at=_given(command.ethics_expires_at),
        legal_basis=_given(command.legal_basis),
        purpose=_given(command.purpose),
        retain_until=_given(command.retain_until),
        category=_given(command.category),
        grade=_given(command.grade),
        recipe=_given(command.recipe),
        state=DatasetState.DRAFT,
        created_at=now,
    )
    for name in ("contract_expires_at", "ethics_expires_at", "retain_until"):
        if getattr(dataset, name) <= now:
            raise Unacceptable("dataset-expired", f"{name} has passed", field=name)
    return dataset


def _given(value: T | None) -> T:
    if value is None:  # _filled has looked already
        raise Unacceptable("dataset-incomplete")
    return value


def _staged(tables: Tables, dataset: str, now: datetime) -> Facts:
    found = tables.of(Dataset).require(dataset)
    return {**dataset_facts(found, now), "stage": str(found.state)}


def _moved(tables: Tables, dataset: str, state: DatasetState) -> Outcome:
    found = tables.of(Dataset).require(dataset)
    tables.of(Dataset).replace(replace(found, state=step(DATASET, found.state, state)))
    return Outcome(states={"dataset": str(state)}, reply={"dataset": dataset, "state": str(state)})
