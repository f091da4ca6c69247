"""Orders to erase, and legal holds: what stewards sign."""

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from policies.ruling import Facts
from policies.states import DATASET as DATASET_STATES
from policies.vocabulary import DatasetState, ErasureState
from sandbox.acts import Acting, Command, Outcome
from sandbox.erasure.commands import HoldCommand, LiftHold, OrderErasure, PlaceHold
from sandbox.erasure.concerned import of_items
from sandbox.erasure.restriction import restrict
from sandbox.errors import Conflict, NotFound, Unacceptable
from sandbox.records.deposits import Dataset, Item
from sandbox.records.erasures import DATASET, SUBJECT, Erasure, LegalHold
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts
from sandbox.records.transitions import step
from sandbox.records.words import is_code

MAX_SEALED = 8_192


def is_held(tables: Tables, dataset: str) -> bool:
    """Whether a legal hold is on the dataset."""
    return any(hold.lifted_index is None for hold in tables.of(LegalHold).find(dataset=dataset))


def order_terms(scope: str, subject: str, sealed: bytes, ground: str) -> dict[str, str]:
    """Terms of `erasure.order`; `sealed` by its digest."""
    digest = f"sha256:{sha256(sealed).hexdigest()}" if sealed else ""
    return {"scope": scope, "subject": subject, "sealed": digest, "ground": ground}


@dataclass(frozen=True)
class Ordering:
    """`erasure.order`; `within` is by when the erasure must be whole."""

    within: timedelta

    def facts(self, tables: Tables, command: OrderErasure, acting: Acting) -> Facts:
        """Where the dataset stands, and whether it is on hold.

        Raises:
            NotFound: there is no such dataset, or it is not the actor's to know.
        """
        if not acting.memberships:
            raise NotFound
        dataset = tables.of(Dataset).require(command.dataset)
        return {**dataset_facts(dataset, acting.now), "held": is_held(tables, dataset.id)}

    def act(self, tables: Tables, command: OrderErasure, acting: Acting) -> Outcome:
        """Keep the order. A dataset is closed by it; a subject that is named stops being worked on.

        Raises:
            Conflict: the erasure exists.
            Unacceptable: what was signed is something else, or names nobody, or a dataset and
                somebody.
        """
        _check(command)
        if tables.of(Erasure).get(command.erasure) is not None:
            raise Conflict("erasure-exists", "this erasure was ordered before")
        tables.of(Erasure).insert(self._row(command, acting))
        states = {"erasure": str(ErasureState.ORDERED)}
        counts: dict[str, int] = {}
        dataset = tables.of(Dataset).require(command.dataset)
        if command.scope == DATASET and dataset.state is not DatasetState.CLOSED:
            state = step(DATASET_STATES, dataset.state, DatasetState.CLOSED)
            tables.of(Dataset).replace(replace(dataset, state=state))
            states["dataset"] = str(state)
        if command.subject:
            items = tables.of(Item).find(dataset=dataset.id, subject=command.subject)
            counts = restrict(tables, of_items(tables, dataset.id, items))
        terms = order_terms(command.scope, command.subject, command.sealed, command.ground)
        return Outcome(
            objects={"subject": command.subject} if command.subject else {},
            counts=counts,
            digests={"sealed": terms["sealed"]} if command.sealed else {},
            states=states,
            codes={"scope": command.scope, "ground": command.ground},
            reply={"erasure": command.erasure, "state": str(ErasureState.ORDERED)},
        )

    def _row(self, command: OrderErasure, acting: Acting) -> Erasure:
        return Erasure(
            id=command.erasure,
            dataset=command.dataset,
            scope=command.scope,
            subject=command.subject or None,
            sealed=command.sealed or None,
            ground=command.ground,
            state=ErasureState.ORDERED,
            subjects=(),
            kept=(),
            ordered_at=acting.now,
            due_at=acting.now + self.within,
            ordered_index=acting.index,
            begun_index=None,
            completed_index=None,
            epoch=None,
            rotated_index=None,
        )


class Placing:
    """`hold.place`."""

    def facts(self, tables: Tables, command: PlaceHold, acting: Acting) -> Facts:
        """Where the dataset stands.

        Raises:
            NotFound: there is no such dataset, or it is not the actor's to know.
        """
        return _dataset(tables, command, acting)

    def act(self, tables: Tables, command: PlaceHold, acting: Acting) -> Outcome:
        """From now on nothing of the dataset is erased but what was begun before.

        Raises:
            Conflict: the hold exists.
            Unacceptable: `reason-missing`: the signed reason is no code.
        """
        _require_reason(command)
        if tables.of(LegalHold).get(command.hold) is not None:
            raise Conflict("hold-exists", "this hold was placed before")
        row = LegalHold(command.hold, command.dataset, acting.index, acting.now, None)
        tables.of(LegalHold).insert(row)
        return Outcome(reply={"hold": command.hold})


class Lifting:
    """`hold.lift`."""

    def facts(self, tables: Tables, command: LiftHold, acting: Acting) -> Facts:
        """Where the dataset stands.

        Raises:
            NotFound: there is no such hold on the dataset, or it is not the actor's to know.
        """
        found = _dataset(tables, command, acting)
        if tables.of(LegalHold).require(command.hold).dataset != command.dataset:
            raise NotFound
        return found

    def act(self, tables: Tables, command: LiftHold, acting: Acting) -> Outcome:
        """End the hold; what was ordered meanwhile goes on.

        Raises:
            Conflict: it was lifted before.
            Unacceptable: `reason-missing`: the signed reason is no code.
        """
        _require_reason(command)
        hold = tables.of(LegalHold).require(command.hold)
        if hold.lifted_index is not None:
            raise Conflict("hold-lifted", "this hold was lifted before")
        tables.of(LegalHold).replace(replace(hold, lifted_index=acting.index))
        return Outcome(reply={"hold": command.hold})


def _dataset(tables: Tables, command: HoldCommand, acting: Acting) -> Facts:
    if not acting.memberships:
        raise NotFound
    return dataset_facts(tables.of(Dataset).require(command.dataset), acting.now)


def _check(command: OrderErasure) -> None:
    terms = order_terms(command.scope, command.subject, command.sealed, command.ground)
    if command.signed is None or dict(command.signed.terms) != terms:
        raise Unacceptable("terms-differ", "what was signed is not what is asked for")
    if not is_code(command.ground):
        raise Unacceptable("reason-missing", "give a short code", field="ground")
    if len(command.sealed) > MAX_SEALED:
        raise Unacceptable("subject-too-long", "a reference to a person is shorter", field="sealed")
    named = bool(command.subject) + bool(command.sealed)
    if command.scope not in {DATASET, SUBJECT} or named != (command.scope == SUBJECT):
        raise Unacceptable("scope-unclear", "a dataset, or one subject in one way", field="scope")


def _require_reason(command: Command) -> None:
    if command.signed is None or not is_code(command.signed.terms.get("reason", "")):
        raise Unacceptable("reason-missing", "give a short code", field="reason")
