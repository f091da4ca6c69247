"""The worker hands approved items over to a project: new ids, new keys, sealed to `serve`.

Before a master is opened:
1. the approval's row names an entry; in the verified log it must be an officer's signed approval;
2. the batch is the one whose digest was signed, read by that digest;
3. the item must be in it, and master digest and commitment are taken from there, not from rows.

4. the log must not say that the item was sent back after that signature.

So a changed state column, a forged approval or a swapped master gets nothing out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crypto import chunked
from crypto.canonical import encode
from crypto.commitments import commit
from policies.vocabulary import Action, Role
from sandbox.clean.commands import IssueItem
from sandbox.clean.masters import Kept, Place, read_record, take
from sandbox.clean.sampling import read_batch
from sandbox.custody import translated
from sandbox.enclave import Enclave, History
from sandbox.errors import VerificationFailed
from sandbox.exchange import issued_context, item_name, record_name
from sandbox.records.deposits import Approval, Item
from sandbox.records.labels import Project

_OFFICERS = (Role.DEID_OFFICER,)


class _SentBack:
    """When each item was last sent back, by the verified log; each entry is looked at once."""

    def __init__(self) -> None:
        self._read: dict[str, int] = {}  # by ledger: how many entries
        self._last: dict[tuple[str, str], int] = {}  # by ledger and item: index

    def last(self, history: History, ledger: str, item: str) -> int:
        """Index of the entry that last sent the item back; -1 if none did."""
        for entry in history.since(self._read.get(ledger, 0)):
            if entry["action"] == Action.ITEM_REQUEUE and entry["refusal"] is None:
                self._last[ledger, entry["objects"]["item"]] = entry["index"]
            self._read[ledger] = entry["index"] + 1
        return self._last.get((ledger, item), -1)


@dataclass(frozen=True)
class Handover:
    """Issues approved items."""

    enclave: Enclave
    _sent_back: _SentBack = field(default_factory=_SentBack)

    def give_record_key(self, ledger: str, project: Project) -> None:
        """Have `serve` find the project's record key in the exchange."""
        name = record_name(project.id)
        keys = self.enclave.vault.keys(ledger, project.dataset)
        key = keys.made(f"record-key:{project.id}")
        self.enclave.exchange.put(name, self.enclave.vault.seal_for_serve(name, key))

    def issue(self, ledger: str, item: Item, approval: Approval, project: Project) -> None:
        """Re-encrypt one approved item for a project and say so at the gate.

        Raises:
            CustodyError: signature, batch, master or record fails its check.
            AccessError: policy refuses.
            StateError: the item moved on meanwhile, or was issued already.
            Unavailable: a store or the notary can't act now.
        """
        listed = self._listed(ledger, item, approval)
        place = Place(item.dataset, item.id, listed["version"])
        keys, blobs = self.enclave.vault.keys(ledger, item.dataset), self.enclave.blobs
        kept = Kept(listed["master"].removeprefix("sha256:"), bytes.fromhex(listed["commitment"]))
        content = take("master", place, kept, keys, blobs)
        said = self._record(place, item, listed, ledger)
        issued, task = self.enclave.new_id(), self.enclave.new_id()
        key = keys.made(f"issued:{issued}", item.subject)
        salt = keys.made(f"issued-salt:{issued}", item.subject)
        with translated():
            sealed = chunked.seal(key, issued_context(project.id, issued), content)
        blob = blobs.put(sealed)
        # Key before act: `serve` never sees a task whose item it can't open. After a crash here
        # the key opens a blob that no row names; the item is issued again under another id.
        name = item_name(issued)
        self.enclave.exchange.put(name, self.enclave.vault.seal_for_serve(name, key))
        self.enclave.gate.perform(
            self.enclave.actor,
            IssueItem(
                ledger=ledger,
                dataset=item.dataset,
                item=item.id,
                approval=approval.id,
                project=project.id,
                project_item=issued,
                task=task,
                kind=said["kind"],
                modality=said["modality"],
                frames=said["frames"],
                blob=blob,
                commitment=commit(salt, issued_payload(place, issued, kept)),
            ),
        )

    def _listed(self, ledger: str, item: Item, approval: Approval) -> Mapping[str, Any]:
        if approval.signed_index is None:
            raise VerificationFailed("approval-not-signed", "nobody signed the approval")
        entry = self.enclave.history(ledger).signed_act(
            approval.signed_index, Action.APPROVAL_SIGN, _OFFICERS
        )
        signed = entry["signed"]
        objects = {"dataset": item.dataset, "approval": approval.id}
        if signed["objects"] != objects or signed["terms"].get("verdict") != "approve":
            raise VerificationFailed("approval-not-signed", "another act was signed")
        if self._sent_back.last(self.enclave.history(ledger), ledger, item.id) > entry["index"]:
            raise VerificationFailed("item-sent-back", "the item was sent back since")
        batch = read_batch(self.enclave.blobs, signed["terms"].get("batch", ""))
        if (batch.get("approval"), batch.get("dataset")) != (approval.id, item.dataset):
            raise VerificationFailed("batch-misplaced", "the batch is another approval's")
        found = next((one for one in batch["items"] if one["item"] == item.id), None)
        if found is None:
            raise VerificationFailed("item-not-approved", "the item is not in the signed batch")
        return dict(found)

    def _record(
        self, place: Place, item: Item, listed: Mapping[str, Any], ledger: str
    ) -> Mapping[str, Any]:
        """The de-identification record, bound by the commitment that the officer signed (R24)."""
        kept = Kept(item.record_blob or "", bytes.fromhex(listed["record"]))
        keys = self.enclave.vault.keys(ledger, item.dataset)
        said = read_record(take("record", place, kept, keys, self.enclave.blobs))
        if said.get("result") != "cleaned" or said.get("residue") != "none":
            raise VerificationFailed("record-not-clean", "the record does not say it is clean")
        return said


def issued_payload(place: Place, issued: str, master: Kept) -> bytes:
    """What a project item's commitment binds: which master it was made from."""
    return encode(
        {
            "what": "issued",
            "item": place.item,
            "version": place.version,
            "master": master.commitment.hex(),
            "issued": issued,
        }
    )
