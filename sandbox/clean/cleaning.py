"""The worker cleans one sealed item.

Order, and what a crash leaves behind at each point:
1. open and check; nothing is kept yet;
2. clean; nothing is kept yet;
3. keep keys, record and master under names of this version; a restart makes the same names
   again, and blobs that no row names are swept;
4. the act `item.clean`; from here the item is done;
5. destroy the header: a restart finds headers of items that are done and destroys them.
"""

import logging
from dataclasses import dataclass

from policies.vocabulary import ItemState
from sandbox.clean.commands import CleanItem
from sandbox.clean.engine import Engine, Job
from sandbox.clean.masters import Kept, Master, Place, forget, keep, record
from sandbox.clean.opening import OpenedItem, Opener
from sandbox.clean.subjects import identity_of
from sandbox.deid.forms import FileKind, Result, Verdict
from sandbox.enclave import Enclave
from sandbox.errors import CustodyError, InputError, SandboxError
from sandbox.exchange import header_name
from sandbox.records.deposits import Dataset, Deposit, Item

_log = logging.getLogger("anbiao.worker")
_STATES = {
    Result.CLEANED: ItemState.CLEANED,
    Result.HELD: ItemState.HELD,
    Result.QUARANTINED: ItemState.QUARANTINED,
}


@dataclass(frozen=True)
class Cleaner:
    """Cleans sealed items, one at a time."""

    enclave: Enclave
    engine: Engine
    opener: Opener

    def clean(self, ledger: str, item: Item, dataset: Dataset, deposit: Deposit) -> None:
        """Open `item`, clean it, keep the result and say so at the gate.

        Raises:
            VerificationFailed: the ledger's past can't be believed.
            AccessError: policy refuses.
            StateError: the item moved on meanwhile.
            Unavailable: a store or the notary can't act now.
        """
        keys = self.enclave.vault.keys(ledger, dataset.id)
        subject: str | None = None
        self.enclave.history(ledger)  # a past that can't be believed is no fault of the item
        try:
            opened = self.opener.item(ledger, item, deposit)
        except (InputError, CustodyError) as error:
            verdict = Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason=error.code)
        else:
            identity = identity_of(opened.data, opened.subject, opened.register, item.object_id)
            subject = keys.subject(identity)
            keys.taken(f"source:{item.id}", opened.file_key, subject)
            verdict = self._judge(ledger, item, dataset, opened)
        self._say(ledger, item, dataset, subject, verdict)
        self._let_go(ledger, item, dataset, subject)

    def _judge(self, ledger: str, item: Item, dataset: Dataset, opened: OpenedItem) -> Verdict:
        if opened.unread:
            return Verdict(Result.QUARANTINED, FileKind.UNKNOWN, reason="too-large")
        job = Job(
            data=opened.data,
            name=opened.name,
            recipe=dataset.recipe,
            pseudonyms=self.enclave.vault.keys(ledger, dataset.id).pseudonyms(),
            register=opened.register,
            subject=opened.subject,
        )
        try:
            return self.engine.clean(job)
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
                master_blob=master.blob if master else None,
                master_commitment=master.commitment if master else None,
                record_blob=kept.blob,
                record_commitment=kept.commitment,
                recipe_digest=digest,
                actions=verdict.actions,
                removed=verdict.removed,
            ),
        )

    def _let_go(self, ledger: str, item: Item, dataset: Dataset, subject: str | None) -> None:
        if subject is not None:
            name = header_name(ledger, item.deposit, item.object_id)
            self.enclave.exchange.destroy(name)
        keys = self.enclave.vault.keys(ledger, dataset.id)
        for version in range(1, item.version + 1):
            forget(Place(dataset.id, item.id, version), keys)
