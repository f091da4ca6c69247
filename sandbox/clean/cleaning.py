"""The worker cleans one sealed item, and has the next ones begun meanwhile.

Order, and what a crash leaves behind at each point:
1. open and check; nothing is kept yet;
2. clean; nothing is kept yet;
3. keep keys, record and master under names of this version; a restart makes the same names
   again, and blobs that no row names are swept;
4. the act `item.clean`; from here the item is done;
5. destroy the header: a restart finds headers of items that are done and destroys them.

Items that are begun ahead are at 2: nothing of them is kept, and whatever is wrong with one is
found again, and said, in its own turn.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from policies.vocabulary import ItemState
from sandbox.clean.codes import SUBJECT_ERASED
from sandbox.clean.commands import CleanItem
from sandbox.clean.engine import Engine, Job
from sandbox.clean.masters import Kept, Master, Place, forget, keep, record
from sandbox.clean.opening import OpenedItem, Opener
from sandbox.clean.subjects import bound_to, identity_of, salt_of
from sandbox.dataset_keys import DatasetKeys
from sandbox.deid.forms import FileKind, Result, Verdict
from sandbox.enclave import Enclave
from sandbox.errors import CustodyError, InputError, KeyDestroyed, SandboxError
from sandbox.exchange import header_name, subject_name
from sandbox.records.deposits import Dataset, Deposit, Item

_log = logging.getLogger("anbiao.worker")
_MOST_AHEAD_BYTES = 1 << 26
_ERASED = Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason=SUBJECT_ERASED)
_TOO_LARGE = Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason="too-large")
_STATES = {
    Result.CLEANED: ItemState.CLEANED,
    Result.HELD: ItemState.HELD,
    Result.QUARANTINED: ItemState.QUARANTINED,
}


@dataclass(frozen=True)
class Task:
    """One item to be cleaned, and the rows that it hangs on."""

    ledger: str
    item: Item
    dataset: Dataset
    deposit: Deposit

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from every other, and from itself after a change."""
        return self.ledger, self.item.id, self.item.version


@dataclass(frozen=True)
class _Begun:
    """An item that was opened, and the verdict that is being made."""

    opened: OpenedItem
    verdict: Callable[[], Verdict]


@dataclass(frozen=True)
class Cleaner:
    """Cleans sealed items; used by one thread."""

    enclave: Enclave
    engine: Engine
    opener: Opener
    _begun: dict[tuple[str, str, int], _Begun] = field(default_factory=dict)

    def clean(self, task: Task, following: Sequence[Task] = ()) -> None:
        """Open an item, clean it, keep the result and say so at the gate.

        Args:
            task: the item.
            following: items that are likely to come next; as many as the engine does at once
                are begun now.

        Raises:
            VerificationFailed: the ledger's past can't be believed.
            AccessError: policy refuses.
            StateError: the item moved on meanwhile.
            Unavailable: a store or the notary can't act now.
        """
        ledger, item, dataset = task.ledger, task.item, task.dataset
        keys = self.enclave.vault.keys(ledger, dataset.id)
        subject: str | None = None
        self.enclave.history(ledger)  # a past that can't be believed is no fault of the item
        try:
            begun = self._begun.pop(task.key, None) or self._begin(task)
        except (InputError, CustodyError) as error:
            verdict = Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason=error.code)
        else:
            self._begin_ahead(following)
            opened = begun.opened
            identity = identity_of(opened.data, opened.subject, opened.register, item.object_id)
            try:
                subject = keys.subject(identity)
            except KeyDestroyed:
                # Whoever was erased does not come in again by another file.
                self._judged(item, begun)
                verdict = _ERASED
            else:
                keys.taken(f"source:{item.id}", opened.file_key, subject)
                verdict = self._judged(item, begun)
        self._say(ledger, item, dataset, subject, verdict)
        self._let_go(task, subject, verdict)

    def _begin(self, task: Task) -> _Begun:
        opened = self.opener.item(task.ledger, task.item, task.deposit)
        if opened.unread:
            return _Begun(opened, lambda: _TOO_LARGE)
        job = Job(
            data=opened.data,
            name=opened.name,
            recipe=task.dataset.recipe,
            pseudonyms=self.enclave.vault.keys(task.ledger, task.dataset.id).pseudonyms(),
            register=opened.register,
            subject=opened.subject,
        )
        return _Begun(opened, self.engine.begin(job))

    def _begin_ahead(self, following: Sequence[Task]) -> None:
        """Begin the next items, so that the engine's processes have something to do."""
        wanted = following[: self.engine.at_once - 1]
        for key in self._begun.keys() - {task.key for task in wanted}:
            self._drop(key)  # it didn't come after all
        for task in wanted:
            if task.key not in self._begun and task.item.size_bytes <= _MOST_AHEAD_BYTES:
                with suppress(SandboxError):
                    self._begun[task.key] = self._begin(task)

    def _drop(self, key: tuple[str, str, int]) -> None:
        """Let go of an item that was begun; its process is free again."""
        with suppress(SandboxError):
            self._begun.pop(key).verdict()

    def _judged(self, item: Item, begun: _Begun) -> Verdict:
        try:
            return begun.verdict()
        except SandboxError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a file does to the engine, the batch goes on
            # Its text may hold content: only its kind is logged.
            _log.error("engine-failed: %s on %s", type(error).__qualname__, item.id)
            return Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason="engine-failed")

    def _say(
        self, ledger: str, item: Item, dataset: Dataset, subject: str | None, verdict: Verdict
    ) -> None:
        keys, blobs = self.enclave.vault.keys(ledger, dataset.id), self.enclave.blobs
        place = Place(dataset.id, item.id, item.version + 1)
        digest = self.engine.digest(dataset.recipe)
        written = record(place, dataset.recipe, digest, verdict)
        kept = keep("record", place, written, keys, subject, blobs)
        master: Kept | None = None
        if verdict.result is Result.CLEANED and verdict.data is not None:
            packed = Master(verdict.data, verdict.subject, verdict.moves).packed()
            master = keep("master", place, packed, keys, subject, blobs)
        bound = None if subject is None else self._bound(keys, subject)
        self.enclave.gate.perform(
            self.enclave.actor,
            CleanItem(
                ledger=ledger,
                dataset=dataset.id,
                deposit=item.deposit,
                item=item.id,
                version=item.version,
                result=_STATES[verdict.result],
                kind=str(verdict.kind),
                reason=verdict.reason,
                subject=subject,
                subject_commitment=bound,
                master_blob=master.blob if master else None,
                master_commitment=master.commitment if master else None,
                record_blob=kept.blob,
                record_commitment=kept.commitment,
                recipe_digest=digest,
                actions=verdict.actions,
                removed=verdict.removed,
            ),
        )

    def _bound(self, keys: DatasetKeys, subject: str) -> bytes:
        """What the log holds of a subject's id; `serve` gets the salt for those who may ask."""
        salt, name = salt_of(keys, subject), subject_name(subject)
        if self.enclave.exchange.get(name) is None:
            self.enclave.exchange.put(name, self.enclave.vault.seal_for_serve(name, salt))
        return bound_to(salt, "subject", subject)

    def _let_go(self, task: Task, subject: str | None, verdict: Verdict) -> None:
        ledger, item, dataset = task.ledger, task.item, task.dataset
        if subject is not None or verdict is _ERASED:
            name = header_name(ledger, item.deposit, item.object_id)
            self.enclave.exchange.destroy(name)
        if verdict is _ERASED:
            self.enclave.blobs.delete(item.source_blob)
        keys = self.enclave.vault.keys(ledger, dataset.id)
        for version in range(1, item.version + 1):
            forget(Place(dataset.id, item.id, version), keys)
