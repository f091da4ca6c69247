"""Approvals: an officer looks at sealed samples of a batch and signs for the whole of it.

- The batch is what stood CLEANED when the approval was opened. A later approval takes the items
  of one that was never signed, so a lost session key stops nobody.
- The worker writes the batch down as canonical bytes; their digest is what the officer signs.
- A rejection sends every item of the batch back: one miss reopens all (R33).
"""

from base64 import b64encode
from dataclasses import replace

from policies.ruling import Fact, Facts
from policies.states import DATASET, ITEM
from policies.vocabulary import DatasetState, ItemState
from sandbox.acts import Acting, Outcome
from sandbox.clean.commands import OpenApproval, SampleApproval, SignApproval, ViewSample
from sandbox.clean.items import reopen, resealed
from sandbox.errors import Conflict, NotFound, Unacceptable
from sandbox.records.deposits import Approval, Dataset, Item
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts
from sandbox.records.transitions import step

NONE = "NONE"
OPEN = "OPEN"
SAMPLED = "SAMPLED"
APPROVED = "APPROVED"
REJECTED = "REJECTED"
MAX_BATCH = 10_000


class OpeningApproval:
    """`approval.open`."""

    def facts(self, tables: Tables, command: OpenApproval, acting: Acting) -> Facts:
        """Where the dataset stands; there is no approval yet, or one is taken up again.

        Raises:
            NotFound: there is no such dataset.
        """
        whole = tables.of(Dataset).require(command.dataset)
        return {**dataset_facts(whole, acting.now), "stage": NONE, "own": True}

    def act(self, tables: Tables, command: OpenApproval, acting: Acting) -> Outcome:
        """Take up everything that is cleaned and not yet signed for.

        Raises:
            Conflict: nothing is cleaned (`batch-empty`), or there is such an approval already.
            Unacceptable: the session key is not the one signed.
        """
        _check_terms(command, "session_key", command.session_key)
        cleaned = tables.of(Item).find(dataset=command.dataset, state=ItemState.CLEANED)
        batch = tuple(item.id for item in cleaned)[:MAX_BATCH]
        if not batch:
            raise Conflict("batch-empty", "nothing in the dataset waits for approval")
        tables.of(Approval).insert(
            Approval(
                id=command.approval,
                dataset=command.dataset,
                officer=acting.account,
                session_key=command.session_key,
                state=OPEN,
                batch=batch,
                batch_digest=None,
                samples=(),
                opened_index=acting.index,
                signed_index=None,
            )
        )
        for item in batch:
            row = tables.of(Item).require(item)
            tables.of(Item).replace(replace(row, approval=command.approval))
        return Outcome(
            counts={"items": len(batch)},
            states={"approval": OPEN},
            reply={"approval": command.approval, "items": len(batch), "state": OPEN},
        )


class Sampling:
    """`approval.sample`."""

    def facts(self, tables: Tables, command: SampleApproval, acting: Acting) -> Facts:
        """Where approval and dataset stand.

        Raises:
            NotFound: there is no such approval in the dataset.
        """
        return _staged(tables, command.dataset, command.approval, acting)

    def act(self, tables: Tables, command: SampleApproval, acting: Acting) -> Outcome:  # noqa: ARG002
        """Keep the batch's digest and where its samples are.

        Raises:
            Conflict: the approval is not OPEN.
        """
        approval = tables.of(Approval).require(command.approval)
        _check_state(approval, OPEN)
        tables.of(Approval).replace(
            replace(
                approval,
                state=SAMPLED,
                batch_digest=f"sha256:{command.batch_digest}",
                samples=command.samples,
            )
        )
        return Outcome(
            counts={"items": len(approval.batch), "samples": len(command.samples)},
            digests={"batch": f"sha256:{command.batch_digest}"},
            states={"approval": SAMPLED},
            reply={"approval": approval.id, "state": SAMPLED},
        )


class Viewing:
    """`approval.view`."""

    def facts(self, tables: Tables, command: ViewSample, acting: Acting) -> Facts:
        """Where approval and dataset stand, and whether the approval is the actor's own.

        Raises:
            NotFound: there is no such sample.
        """
        facts = _staged(tables, command.dataset, command.approval, acting)
        sample_blob(tables.of(Approval).require(command.approval), command.item)
        return facts

    def act(self, tables: Tables, command: ViewSample, acting: Acting) -> Outcome:  # noqa: ARG002
        """Say which sealed blob may be taken away.

        Raises:
            NotFound: there is no such sample.
        """
        blob = sample_blob(tables.of(Approval).require(command.approval), command.item)
        return Outcome(digests={"sample": f"sha256:{blob}"}, reply={"blob": blob})


class Signing:
    """`approval.sign`."""

    def facts(self, tables: Tables, command: SignApproval, acting: Acting) -> Facts:
        """Where approval and dataset stand, and whether the approval is the actor's own.

        Raises:
            NotFound: there is no such approval in the dataset.
        """
        return _staged(tables, command.dataset, command.approval, acting)

    def act(self, tables: Tables, command: SignApproval, acting: Acting) -> Outcome:
        """Approve the batch, or send all of it back.

        Raises:
            Conflict: the approval is not SAMPLED, or its batch has changed since.
            Unacceptable: batch or verdict are not what was signed, or no such verdict.
        """
        approval = tables.of(Approval).require(command.approval)
        _check_state(approval, SAMPLED)
        _check_terms(command, "batch", command.batch)
        _check_terms(command, "verdict", command.verdict)
        if command.batch != approval.batch_digest:
            raise Conflict("batch-changed", "the signature is over another batch")
        if command.verdict not in {"approve", "reject"}:
            raise Unacceptable("verdict-unknown", "a verdict is approve or reject", field="verdict")
        approve = command.verdict == "approve"
        state = (_approve if approve else _reject)(tables, approval)
        outcome = APPROVED if approve else REJECTED
        tables.of(Approval).replace(replace(approval, state=outcome, signed_index=acting.index))
        return Outcome(
            counts={"items": len(approval.batch)},
            digests={"batch": command.batch},
            states={"approval": outcome, "dataset": str(state)},
            codes={"verdict": command.verdict},
            reply={"approval": approval.id, "state": outcome, "dataset_state": str(state)},
        )


def sample_blob(approval: Approval, item: str) -> str:
    """Digest of the sealed sample of `item`.

    Raises:
        NotFound: the item is not in the sample.
    """
    for sample in approval.samples:
        name, _, blob = sample.partition(":")
        if name == item:
            return blob
    raise NotFound


def sampled_items(approval: Approval) -> list[str]:
    """Ids of the items in the sample, sorted."""
    return sorted(sample.partition(":")[0] for sample in approval.samples)


def _approve(tables: Tables, approval: Approval) -> DatasetState:
    for item in _batch(tables, approval):
        approved = step(ITEM, item.state, ItemState.APPROVED)
        tables.of(Item).replace(replace(item, state=approved))
    dataset = tables.of(Dataset).require(approval.dataset)
    rest = tables.of(Item).find(dataset=dataset.id, state=ItemState.CLEANED, limit=1)
    if rest or dataset.state is not DatasetState.AWAITING_APPROVAL:
        return dataset.state
    state = step(DATASET, dataset.state, DatasetState.READY)
    tables.of(Dataset).replace(replace(dataset, state=state))
    return state


def _reject(tables: Tables, approval: Approval) -> DatasetState:
    for item in _batch(tables, approval):
        tables.of(Item).replace(resealed(item))
    return reopen(tables, approval.dataset)


def _batch(tables: Tables, approval: Approval) -> list[Item]:
    items = [tables.of(Item).require(item) for item in approval.batch]
    # An item sent back or taken up again carries another approval: the batch is no more.
    if any(i.approval != approval.id or i.state is not ItemState.CLEANED for i in items):
        raise Conflict("batch-changed", "items of the batch were sent back meanwhile")
    return items


def _check_state(approval: Approval, state: str) -> None:
    if approval.state != state:
        raise Conflict("approval-state", f"the approval is {approval.state}, not {state}")


def _check_terms(command: OpenApproval | SignApproval, name: str, value: bytes | str) -> None:
    expected = b64encode(value).decode() if isinstance(value, bytes) else value
    if command.signed is None or command.signed.terms.get(name) != expected:
        raise Unacceptable("terms-not-signed", f"the signature is over another {name}", field=name)


def _staged(tables: Tables, dataset: str, approval: str, acting: Acting) -> dict[str, Fact]:
    found = tables.of(Approval).require(approval)
    if found.dataset != dataset:
        raise NotFound
    whole = tables.of(Dataset).require(dataset)
    own = found.officer == acting.account
    return {**dataset_facts(whole, acting.now), "stage": found.state, "own": own}
