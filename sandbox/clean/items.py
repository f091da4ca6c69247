"""Items: cleaned, held or quarantined by the worker; sent back to be cleaned again."""

from dataclasses import replace

from policies.ruling import Fact, Facts
from policies.states import DATASET, ITEM
from policies.vocabulary import DatasetState, ItemState
from sandbox.acts import Acting, Commitment, Outcome
from sandbox.clean.commands import CleanItem, RequeueItem
from sandbox.errors import NotFound, StaleVersion
from sandbox.records.deposits import Dataset, Item
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts
from sandbox.records.transitions import step

_BEFORE_CLEANING = frozenset(
    {DatasetState.RECEIVING, DatasetState.AWAITING_APPROVAL, DatasetState.READY}
)


class Cleaning:
    """`item.clean`."""

    def facts(self, tables: Tables, command: CleanItem, acting: Acting) -> Facts:
        """Where item and dataset stand.

        Raises:
            NotFound: there is no such item in the dataset.
        """
        return _staged(tables, command.dataset, command.item, acting)

    def act(self, tables: Tables, command: CleanItem, acting: Acting) -> Outcome:
        """Keep the verdict; after the last sealed item the dataset awaits approval.

        Raises:
            StaleVersion: the item was cleaned or sent back meanwhile.
            IllegalTransition: the item is not SEALED.
        """
        item = tables.of(Item).require(command.item)
        if item.version != command.version:
            raise StaleVersion
        tables.of(Item).replace(_judged(item, command, acting.index))
        state = _after_cleaning(tables, command.dataset)
        return _said(command, state)


class Requeueing:
    """`item.requeue`."""

    def facts(self, tables: Tables, command: RequeueItem, acting: Acting) -> Facts:
        """Where item and dataset stand.

        Raises:
            NotFound: there is no such item in the dataset.
        """
        return _staged(tables, command.dataset, command.item, acting)

    def act(self, tables: Tables, command: RequeueItem, acting: Acting) -> Outcome:  # noqa: ARG002
        """Make the item SEALED again.

        Raises:
            IllegalTransition: the item can't be cleaned again from its state.
        """
        item = tables.of(Item).require(command.item)
        tables.of(Item).replace(resealed(item))
        state = reopen(tables, command.dataset)
        return Outcome(
            states={"item": str(ItemState.SEALED), "dataset": str(state)},
            reply={"item": item.id, "state": str(ItemState.SEALED)},
        )


def resealed(item: Item) -> Item:
    """`item` as it stood before it was cleaned, one version on.

    Raises:
        IllegalTransition: there is no way back from its state.
    """
    return replace(
        item,
        state=step(ITEM, item.state, ItemState.SEALED),
        reason=None,
        blob=item.source_blob,
        record_blob=None,
        master_commitment=None,
        record_commitment=None,
        recipe_digest=None,
        cleaned_index=None,
        approval=None,
        version=item.version + 1,
    )


def reopen(tables: Tables, dataset: str) -> DatasetState:
    """Have a dataset in which something is sealed again be cleaned again; its state then."""
    found = tables.of(Dataset).require(dataset)
    if found.state not in _BEFORE_CLEANING:
        return found.state
    state = step(DATASET, found.state, DatasetState.CLEANING)
    tables.of(Dataset).replace(replace(found, state=state))
    return state


def _after_cleaning(tables: Tables, dataset: str) -> DatasetState:
    state = reopen(tables, dataset)
    waiting = tables.of(Item).find(dataset=dataset, state=ItemState.SEALED, limit=1)
    if waiting or state is not DatasetState.CLEANING:
        return state
    found = tables.of(Dataset).require(dataset)
    state = step(DATASET, state, DatasetState.AWAITING_APPROVAL)
    tables.of(Dataset).replace(replace(found, state=state))
    return state


def _judged(item: Item, command: CleanItem, index: int) -> Item:
    master = command.master_commitment
    return replace(
        item,
        state=step(ITEM, item.state, command.result),
        kind=command.kind,
        reason=command.reason,
        subject=command.subject,
        blob=command.master_blob or item.source_blob,
        record_blob=command.record_blob,
        master_commitment=None if master is None else master.hex(),
        record_commitment=command.record_commitment.hex(),
        recipe_digest=command.recipe_digest,
        cleaned_index=index,
        version=item.version + 1,
    )


def _said(command: CleanItem, dataset: DatasetState) -> Outcome:
    digests = {"record": f"sha256:{command.record_blob}", "recipe": command.recipe_digest}
    commitments = [Commitment("record", command.record_commitment)]
    if command.master_blob is not None and command.master_commitment is not None:
        digests["master"] = f"sha256:{command.master_blob}"
        commitments.append(Commitment("master", command.master_commitment))
    if command.subject_commitment is not None:
        commitments.append(Commitment("subject", command.subject_commitment))
    counts = {f"action:{name}": n for name, n in command.actions.items()}
    counts |= {f"removed:{name}": n for name, n in command.removed.items()}
    codes = {"kind": command.kind}
    if command.reason is not None:
        codes["reason"] = command.reason
    return Outcome(
        objects={} if command.subject is None else {"subject": command.subject},
        counts=counts,
        digests=digests,
        commitments=tuple(commitments),
        states={"item": str(command.result), "dataset": str(dataset)},
        codes=codes,
        reply={"item": command.item, "state": str(command.result)},
    )


def _staged(tables: Tables, dataset: str, item: str, acting: Acting) -> dict[str, Fact]:
    found = tables.of(Item).require(item)
    if found.dataset != dataset:
        raise NotFound
    whole = tables.of(Dataset).require(dataset)
    return {**dataset_facts(whole, acting.now), "stage": str(found.state)}
