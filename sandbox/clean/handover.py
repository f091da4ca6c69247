"""The worker hands approved items over to a project: new surrogates, ids and keys.

Before a master is opened:
1. the verified log must hold a permit for the project on the dataset, signed by a steward, that is
   in force (`sandbox.permits`);
2. the approval's row names an entry; in the verified log it must be an officer's signed approval;
3. the batch is the one whose digest was signed, read by that digest;
4. the item must be in it, and master digest and commitment are taken from there, not from rows;
5. the log must not say that the item was sent back after that signature.

So a changed state column, a planted permit, a forged approval or a swapped master gets nothing
out. Then:
6. the master gets the project's surrogates (`rekeying`), under a key that only the vault holds;
7. ids of project item and task, too, are derived under that key: a worker that was killed makes
   the same ones again, and nobody without the key sees what two projects have in common;
8. the result is padded, sealed, and its key sealed to `serve`; then the act.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crypto import chunked, padding
from crypto.canonical import encode
from crypto.commitments import commit
from policies.vocabulary import Action, Role
from sandbox.clean.commands import IssueItem
from sandbox.clean.masters import Kept, Place, read_record, take, unpack_master
from sandbox.clean.opening import Opener
from sandbox.clean.rekeying import rekeyed
from sandbox.clean.sampling import read_batch
from sandbox.clean.subjects import bound_to, salt_of
from sandbox.custody import translated
from sandbox.dataset_keys import DatasetKeys, issued_key_name, record_key_name
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.enclave import Enclave, History
from sandbox.errors import VerificationFailed
from sandbox.exchange import issued_context, item_name, record_name
from sandbox.permits import SignedPermits
from sandbox.records.deposits import Approval, Deposit, Item
from sandbox.records.labels import Project
from sandbox.records.port import BlobStore

_OFFICERS = (Role.DEID_OFFICER,)
_ID_BYTES = 16
_KEPT_BATCHES = 4


@dataclass(frozen=True)
class Papers:
    """The rows of an item that say where to look for what is issued."""

    item: Item
    deposit: Deposit
    approval: Approval


def project_item_id(key: Pseudonyms, item: Item) -> str:
    """The id of an item's version in the project whose key it is."""
    return _named(key, "project-item", item)


def _named(key: Pseudonyms, what: str, item: Item) -> str:
    return key.digest(what, f"{item.id}:{item.version}")[:_ID_BYTES].hex()


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


class _Batches:
    """Signed batches by digest, each item's line at hand; the last few are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[dict[str, Any], dict[str, Mapping[str, Any]]]]
        self._kept = OrderedDict()

    def read(
        self, blobs: BlobStore, digest: str
    ) -> tuple[dict[str, Any], dict[str, Mapping[str, Any]]]:
        """The batch and its lines by item.

        Raises:
            VerificationFailed: it is not there, or was altered.
        """
        found = self._kept.get(digest)
        if found is None:
            batch = read_batch(blobs, digest)
            found = batch, {line["item"]: line for line in batch["items"]}
            self._kept[digest] = found
            if len(self._kept) > _KEPT_BATCHES:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True)
class Handover:
    """Issues approved items."""

    enclave: Enclave
    opener: Opener
    _sent_back: _SentBack = field(default_factory=_SentBack)
    _batches: _Batches = field(default_factory=_Batches)
    _permits: SignedPermits = field(default_factory=SignedPermits)

    def issue(self, ledger: str, papers: Papers, project: Project) -> None:
        """Make one approved item a project's own and say so at the gate.

        Raises:
            CustodyError: signature, batch, master, record or result fails its check.
            AccessError: policy refuses.
            StateError: the item moved on meanwhile, or was issued already.
            Unavailable: a store or the notary can't act now.
        """
        item = papers.item
        self._require_permit(ledger, project, item.dataset)
        listed = self._listed(ledger, item, papers.approval)
        place = Place(item.dataset, item.id, listed["version"])
        said = self._record(place, item, listed, ledger)
        keys = self.enclave.vault.keys(ledger, item.dataset)
        kept = Kept(listed["master"].removeprefix("sha256:"), bytes.fromhex(listed["commitment"]))
        master = unpack_master(take("master", place, kept, keys, self.enclave.blobs))
        register = self.opener.deposit(ledger, papers.deposit).inner.register
        own = keys.project(project.id)
        content = rekeyed(master, said["kind"], (keys.pseudonyms(), own), register)
        issued = project_item_id(own, item)
        blob = self._seal(ledger, papers, project, issued, content)
        salt = keys.made(f"issued-salt:{issued}", item.subject)
        approval = papers.approval.id
        self.enclave.gate.perform(
            self.enclave.actor,
            IssueItem(
                ledger=ledger,
                dataset=item.dataset,
                item=item.id,
                approval=approval,
                project=project.id,
                project_item=issued,
                task=_named(own, "task", item),
                # One task per labeller of the item; under the project's key no id tells
                # another (R41).
                further_tasks=tuple(
                    _named(own, f"task-{slot}", item) for slot in range(2, project.overlap + 1)
                ),
                kind=said["kind"],
                modality=said["modality"],
                frames=said["frames"],
                blob=blob,
                commitment=commit(salt, issued_payload(place, issued, kept, approval)),
                subject_commitment=_about(keys, item, issued),
            ),
        )

    def _require_permit(self, ledger: str, project: Project, dataset: str) -> None:
        history = self.enclave.history(ledger)
        self._permits.require(history, ledger, (project.id, dataset), self.enclave.clock())

    def _seal(
        self, ledger: str, papers: Papers, project: Project, issued: str, content: bytes
    ) -> str:
        """Seal and keep what is issued, and have `serve` find its keys; the blob's digest.

        Key before act: `serve` never sees a task whose item it can't open. After a crash here the
        same id is made again, with a blob of its own; the one that no row names is swept.
        """
        keys = self.enclave.vault.keys(ledger, project.dataset)
        key = keys.made(issued_key_name(issued), papers.item.subject)
        with translated():
            # Padded: two projects' issues of one item differ in size by chance, others by more.
            padded = padding.pad(content)
            sealed = chunked.seal(key, issued_context(project.id, issued), padded)
        blob = self.enclave.blobs.put(sealed)
        record = keys.made(record_key_name(issued), papers.item.subject)
        seal = self.enclave.vault.seal_for_serve
        given = {item_name(issued): key, record_name(issued): record}
        self.enclave.exchange.put_all({name: seal(name, own) for name, own in given.items()})
        return blob

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
        batch, lines = self._batches.read(self.enclave.blobs, signed["terms"].get("batch", ""))
        if (batch.get("approval"), batch.get("dataset")) != (approval.id, item.dataset):
            raise VerificationFailed("batch-misplaced", "the batch is another approval's")
        found = lines.get(item.id)
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


def _about(keys: DatasetKeys, item: Item, issued: str) -> bytes:
    """What the log holds of whom a project item is about.

    Raises:
        VerificationFailed: nobody knows.
    """
    if item.subject is None:
        raise VerificationFailed("item-not-approved", "nobody knows whom the item is about")
    return bound_to(salt_of(keys, item.subject), "project_item", issued)


def issued_payload(place: Place, issued: str, master: Kept, approval: str) -> bytes:
    """What a project item's commitment binds: which master it was made from, approved where.

    Its salt is the project item's own: whoever has no salt can't compare two projects' entries.
    """
    return encode(
        {
            "what": "issued",
            "item": place.item,
            "version": place.version,
            "master": master.commitment.hex(),
            "approval": approval,
            "issued": issued,
        }
    )
