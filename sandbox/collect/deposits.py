"""Deposits: opened by a signed outer manifest, complete when all its objects have arrived.

- An object's id names its file (the depositors' clients derive it from content and name under a
  key that this door does not have): a file that is an item of the dataset already, or announced
  by another open deposit, is not announced again. So two clients with one batch make one deposit.
- Whoever died in the midst of a deposit must not keep its files out for ever: when nothing was
  heard of it for a while, any depositor of the hospital may abandon it. Nothing of it was
  acknowledged. While its client lives, only its own depositor may.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from policies.ruling import Fact, Facts
from policies.vocabulary import ItemState
from sandbox.acts import Acting, Outcome
from sandbox.collect.commands import AbandonDeposit, CompleteDeposit, OpenDeposit
from sandbox.collect.pulse import idle_since
from sandbox.errors import Conflict, NotFound, Unacceptable
from sandbox.manifests import ObjectRow, OuterManifest, parse_outer
from sandbox.records.deposits import Dataset, Deposit, IntakeKey, Item
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts

OPEN = "OPEN"
COMPLETE = "COMPLETE"
ABANDONED = "ABANDONED"


class OpeningDeposit:
    """`deposit.open`."""

    def facts(self, tables: Tables, command: OpenDeposit, acting: Acting) -> Facts:
        """Where the dataset stands; whoever opens a deposit owns it.

        Raises:
            NotFound: there is no such dataset.
        """
        return {**_staged(tables, command.dataset, acting.now), "own": True}

    def act(self, tables: Tables, command: OpenDeposit, acting: Acting) -> Outcome:
        """Keep the manifest, which is the one that was signed.

        Raises:
            Malformed: the manifest is not in its form.
            Unacceptable: it speaks of another deposit or key, or is not what was signed.
            Conflict: there is such a deposit already, or files of it are in the dataset
                (`objects-deposited`) or in another open deposit (`objects-announced`).
        """
        manifest = parse_outer(command.manifest)
        digest = f"sha256:{sha256(command.manifest).hexdigest()}"
        _check_place(tables, command, manifest, digest)
        _check_new(tables, command.dataset, manifest)
        tables.of(Deposit).insert(
            Deposit(
                id=command.deposit,
                dataset=command.dataset,
                intake_key=manifest.intake_key,
                manifest=command.manifest,
                manifest_digest=digest,
                inner_blob=manifest.inner.body_sha256.removeprefix("sha256:"),
                depositor=acting.account,
                state=OPEN,
                objects=len(manifest.objects),
                opened_at=acting.now,
                opened_index=acting.index,
            )
        )
        return Outcome(
            objects={"intake_key": manifest.intake_key},
            counts={"objects": len(manifest.objects)},
            digests={"manifest": digest},
            states={"deposit": OPEN},
            reply={"deposit": command.deposit, "objects": len(manifest.objects), "state": OPEN},
        )


@dataclass(frozen=True)
class CompletingDeposit:
    """`deposit.complete`."""

    new_id: Callable[[], str]

    def facts(self, tables: Tables, command: CompleteDeposit, acting: Acting) -> Facts:
        """Where the dataset stands, and whether the deposit is the actor's own.

        Raises:
            NotFound: there is no such deposit in the dataset.
        """
        own = _require(tables, command).depositor == acting.account
        return {**_staged(tables, command.dataset, acting.now), "own": own}

    def act(self, tables: Tables, command: CompleteDeposit, acting: Acting) -> Outcome:  # noqa: ARG002
        """Make an item, SEALED, of each object.

        Raises:
            Conflict: it is complete or abandoned already, or objects are missing.
        """
        deposit = _require(tables, command)
        require_open(deposit)
        manifest = parse_outer(deposit.manifest)
        arrived = frozenset(command.arrived)
        missing = sum(row.object_id not in arrived for row in manifest.announced)
        if missing:
            raise Conflict("objects-missing", f"{missing} objects have not arrived")
        for row in manifest.objects:
            tables.of(Item).insert(_sealed(self.new_id(), deposit, row))
        tables.of(Deposit).replace(replace(deposit, state=COMPLETE))
        return Outcome(
            counts={"items": len(manifest.objects)},
            digests={"manifest": deposit.manifest_digest},
            states={"deposit": COMPLETE},
            reply={"deposit": deposit.id, "items": len(manifest.objects), "state": COMPLETE},
        )


@dataclass(frozen=True)
class AbandoningDeposit:
    """`deposit.abandon`; a deposit is idle once nothing was heard of it for so long."""

    idle: timedelta

    def facts(self, tables: Tables, command: AbandonDeposit, acting: Acting) -> Facts:
        """Where the dataset stands, and whether the deposit is the actor's own, or idle.

        Raises:
            NotFound: there is no such deposit in the dataset.
        """
        deposit = _require(tables, command)
        since = idle_since(deposit.opened_at, command.heard_at)
        return {
            **_staged(tables, command.dataset, acting.now),
            "own": deposit.depositor == acting.account,
            "idle": acting.now - since >= self.idle,
        }

    def act(self, tables: Tables, command: AbandonDeposit, acting: Acting) -> Outcome:  # noqa: ARG002
        """Let its files be announced by another deposit; what arrived of it is swept.

        Raises:
            Conflict: it is complete or abandoned already.
        """
        deposit = _require(tables, command)
        require_open(deposit)
        tables.of(Deposit).replace(replace(deposit, state=ABANDONED))
        return Outcome(
            digests={"manifest": deposit.manifest_digest},
            states={"deposit": ABANDONED},
            reply={"deposit": deposit.id, "state": ABANDONED},
        )


def require_open(deposit: Deposit) -> None:
    """Nothing, for a deposit that still receives.

    Raises:
        Conflict: `deposit-complete`, `deposit-abandoned`.
    """
    if deposit.state == COMPLETE:
        raise Conflict("deposit-complete", "the deposit is complete already")
    if deposit.state != OPEN:
        raise Conflict("deposit-abandoned", "the deposit was abandoned")


def _check_new(tables: Tables, dataset: str, manifest: OuterManifest) -> None:
    items = tables.of(Item)
    if any(items.count(dataset=dataset, object_id=row.object_id) for row in manifest.objects):
        raise Conflict("objects-deposited", "the dataset has some of these files already")
    announced = manifest.ids
    for other in tables.of(Deposit).find(dataset=dataset, state=OPEN):
        if announced & parse_outer(other.manifest).ids:
            raise Conflict("objects-announced", "another deposit is bringing some of these files")


def _check_place(
    tables: Tables, command: OpenDeposit, manifest: OuterManifest, digest: str
) -> None:
    place = (command.ledger, command.dataset, command.deposit)
    if (manifest.ledger, manifest.dataset, manifest.deposit) != place:
        raise Unacceptable("manifest-misplaced", "the manifest names another deposit")
    key = tables.of(IntakeKey).get(manifest.intake_key)
    if key is None or key.dataset != command.dataset:
        raise Unacceptable("intake-key-unknown", "the manifest names no intake key of the dataset")
    if command.signed is None or command.signed.terms.get("manifest") != digest:
        raise Unacceptable("manifest-not-signed", "the signature is over another manifest")


def _sealed(item: str, deposit: Deposit, row: ObjectRow) -> Item:
    blob = row.body_sha256.removeprefix("sha256:")
    return Item(
        id=item,
        dataset=deposit.dataset,
        deposit=deposit.id,
        object_id=row.object_id,
        source_blob=blob,
        size_bytes=row.padded_size,
        state=ItemState.SEALED,
        kind="unknown",
        reason=None,
        subject=None,
        blob=blob,
        record_blob=None,
        master_commitment=None,
        record_commitment=None,
        recipe_digest=None,
        cleaned_index=None,
        approval=None,
        version=0,
    )


def _require(tables: Tables, command: CompleteDeposit | AbandonDeposit) -> Deposit:
    deposit = tables.of(Deposit).require(command.deposit)
    if deposit.dataset != command.dataset:
        raise NotFound
    return deposit


def _staged(tables: Tables, dataset: str, now: datetime) -> dict[str, Fact]:
    found = tables.of(Dataset).require(dataset)
    return {**dataset_facts(found, now), "stage": str(found.state)}
