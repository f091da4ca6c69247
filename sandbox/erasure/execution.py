"""Acts of the worker on an erasure: begun, complete, and the rotation that makes it final."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from policies.ruling import Facts
from policies.states import DATASET as DATASET_STATES
from policies.states import ERASURE, ITEM, PROJECT_ITEM
from policies.vocabulary import DatasetState, ErasureState, ItemState
from sandbox.acts import Acting, Command, Outcome
from sandbox.dataset_keys import FIRST_EPOCH
from sandbox.erasure.commands import BeginErasure, CompleteErasure, RotateKeys
from sandbox.erasure.concerned import Concerned, concerned
from sandbox.erasure.orders import is_held
from sandbox.erasure.restriction import out, restrict
from sandbox.errors import Conflict, NotFound, Unacceptable
from sandbox.records.deposits import Dataset, Deposit, Item
from sandbox.records.erasures import COUNTING, DATASET, Erasure, KeyEpoch
from sandbox.records.labels import Label, ProjectItem, Review
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts
from sandbox.records.transitions import step

MOST_NAMED = 200
"""So many releases that have left are named in an entry; the count is always there."""


class Beginning:
    """`erasure.begin`."""

    def facts(self, tables: Tables, command: BeginErasure, acting: Acting) -> Facts:
        """Where erasure and dataset stand.

        Raises:
            NotFound: there is no such erasure in the dataset.
        """
        return _staged(tables, command.dataset, command.erasure, acting)

    def act(self, tables: Tables, command: BeginErasure, acting: Acting) -> Outcome:
        """Keep whom it is about, and take all of it out of work.

        Raises:
            Unacceptable: `terms-differ`: what was signed is something else.
        """
        require_terms(command, beginning_terms(command.subjects))
        erasure = tables.of(Erasure).require(command.erasure)
        begun = replace(
            erasure,
            state=step(ERASURE, erasure.state, ErasureState.BEGUN),
            subjects=command.subjects,
            kept=command.kept,
            begun_index=acting.index,
        )
        tables.of(Erasure).replace(begun)
        counts = restrict(tables, concerned(tables, begun))
        return Outcome(
            objects=_named("subject", command.subjects),
            counts={**counts, "subjects": len(command.subjects)},
            states={"erasure": str(begun.state)},
            codes={"scope": erasure.scope},
            reply={"erasure": erasure.id, "state": str(begun.state)},
        )


class Completing:
    """`erasure.complete`."""

    def facts(self, tables: Tables, command: CompleteErasure, acting: Acting) -> Facts:
        """Where erasure and dataset stand.

        Raises:
            NotFound: there is no such erasure in the dataset.
        """
        return _staged(tables, command.dataset, command.erasure, acting)

    def act(self, tables: Tables, command: CompleteErasure, acting: Acting) -> Outcome:
        """Everything of it is ERASED; labels keep their commitments and nothing else.

        Raises:
            Unacceptable: `terms-differ`: what was signed is not what the rows say.
        """
        erasure = tables.of(Erasure).require(command.erasure)
        found, epoch = concerned(tables, erasure), counting_epoch(tables)
        require_terms(command, completion_terms(erasure, found, epoch))
        states = {"erasure": str(ErasureState.ERASED)}
        _erase(tables, found)
        for line in erasure.kept:
            deposit, _, blob = line.partition(":")
            row = tables.of(Deposit).require(deposit)
            tables.of(Deposit).replace(replace(row, inner_blob=blob))
        if erasure.scope == DATASET:
            dataset = tables.of(Dataset).require(erasure.dataset)
            state = step(DATASET_STATES, dataset.state, DatasetState.ERASED)
            tables.of(Dataset).replace(replace(dataset, state=state))
            states["dataset"] = str(state)
        tables.of(Erasure).replace(
            replace(
                erasure,
                state=step(ERASURE, erasure.state, ErasureState.ERASED),
                completed_index=acting.index,
                epoch=epoch,
            )
        )
        return _completed(command, erasure, found, states, epoch)


def _completed(
    command: CompleteErasure,
    erasure: Erasure,
    found: Concerned,
    states: Mapping[str, str],
    epoch: int,
) -> Outcome:
    left = out(found)
    return Outcome(
        objects={
            **_named("subject", erasure.subjects),
            **_named("release", tuple(left[:MOST_NAMED])),
        },
        counts={
            "blobs": command.blobs,
            "epoch": epoch,
            "items": len(found.items),
            "keys": command.keys,
            "labels": len(found.labels),
            "project_items": len(found.project_items),
            "releases_out": len(left),
            "subjects": len(erasure.subjects),
        },
        states=states,
        codes={"scope": erasure.scope, "ground": erasure.ground},
        reply={"erasure": erasure.id, "state": str(ErasureState.ERASED)},
    )


class Rotating:
    """`key.rotate`."""

    def facts(self, tables: Tables, command: RotateKeys, acting: Acting) -> Facts:
        """Whether anything was erased since the last rotation."""
        del command, acting
        return {"erased_since": bool(tables.of(Erasure).count(state=ErasureState.ERASED))}

    def act(self, tables: Tables, command: RotateKeys, acting: Acting) -> Outcome:
        """The former epoch is destroyed: what was erased in it is final.

        Raises:
            Conflict: `epoch-differs`: it is not the next epoch.
            Unacceptable: `terms-differ`: what was signed is something else.
        """
        require_terms(
            command, rotation_terms(command.from_epoch, command.to_epoch, command.through)
        )
        epoch = counting_epoch(tables)
        if (command.from_epoch, command.to_epoch) != (epoch, epoch + 1):
            raise Conflict("epoch-differs", "another epoch counts now")
        row = KeyEpoch(COUNTING, command.to_epoch, acting.now, acting.index)
        epochs = tables.of(KeyEpoch)
        (epochs.insert if epochs.get(COUNTING) is None else epochs.replace)(row)
        covered = [
            erasure
            for erasure in tables.of(Erasure).find(state=ErasureState.ERASED)
            if (erasure.completed_index or 0) <= command.through
        ]
        for erasure in covered:
            state = step(ERASURE, erasure.state, ErasureState.FINAL)
            final = replace(erasure, state=state, rotated_index=acting.index)
            tables.of(Erasure).replace(final)
        return Outcome(
            objects=_named("erasure", tuple(sorted(e.id for e in covered))[:MOST_NAMED]),
            counts={
                "erasures": len(covered),
                "from_epoch": command.from_epoch,
                "keys": command.keys,
                "to_epoch": command.to_epoch,
            },
            reply={"epoch": command.to_epoch},
        )


def counting_epoch(tables: Tables) -> int:
    """The key epoch of the hospital that counts, by its row."""
    row = tables.of(KeyEpoch).get(COUNTING)
    return FIRST_EPOCH if row is None else row.epoch


def beginning_terms(subjects: Sequence[str]) -> Mapping[str, str]:
    """Terms of `erasure.begin`: the subjects' ids, parted by commas; none for a dataset."""
    return {"subjects": ",".join(subjects)}


def completion_terms(erasure: Erasure, found: Concerned, epoch: int) -> Mapping[str, str]:
    """Terms of `erasure.complete`."""
    return {
        "epoch": str(epoch),
        "items": str(len(found.items)),
        "project_items": str(len(found.project_items)),
        "subjects": str(len(erasure.subjects)),
    }


def rotation_terms(from_epoch: int, to_epoch: int, through: int) -> Mapping[str, str]:
    """Terms of `key.rotate`."""
    return {"from_epoch": str(from_epoch), "to_epoch": str(to_epoch), "through": str(through)}


def require_terms(command: Command, expected: Mapping[str, str]) -> None:
    """What was signed is what is done, word by word.

    Raises:
        Unacceptable: `terms-differ`.
    """
    if command.signed is None or dict(command.signed.terms) != dict(expected):
        raise Unacceptable("terms-differ", "what was signed is not what is done")


def _erase(tables: Tables, found: Concerned) -> None:
    for item in found.items:
        if item.state is not ItemState.ERASED:
            erased = step(ITEM, item.state, ItemState.ERASED)
            tables.of(Item).replace(replace(item, state=erased, version=item.version + 1))
    for issued in found.project_items:
        if issued.state is not ItemState.ERASED:
            erased = step(PROJECT_ITEM, issued.state, ItemState.ERASED)
            tables.of(ProjectItem).replace(replace(issued, state=erased))
    for label in found.labels:
        tables.of(Label).replace(replace(label, sealed=b""))
    for review in found.reviews:
        tables.of(Review).replace(replace(review, sealed=b""))


def _named(what: str, names: tuple[str, ...]) -> dict[str, str]:
    """Names under `what`, `what-2`, `what-3`, ..., as an entry holds several of a kind."""
    return {what if not n else f"{what}-{n + 1}": name for n, name in enumerate(names)}


def _staged(tables: Tables, dataset: str, erasure: str, acting: Acting) -> Facts:
    found = tables.of(Erasure).require(erasure)
    if found.dataset != dataset:
        raise NotFound
    return {
        **dataset_facts(tables.of(Dataset).require(dataset), acting.now),
        "held": is_held(tables, dataset),
        "stage": str(found.state),
    }
