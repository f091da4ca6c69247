"""The worker answers an officer who opened an approval: the batch in writing, and samples.

1. The log must hold the officer's signed act over the session key; the row is not believed.
2. The batch is written down as canonical bytes and kept as a blob: its digest is what the
   officer will sign, and what `item.issue` later reads the masters' digests from.
3. A sample is taken, up to five all, else five and a tenth of the rest, at random: nobody who
   prepares a deposit can tell which items will be looked at.
4. Before and after of each are sealed to the session key and signed by the worker, since a seal
   to a public key says nothing about who made it.
"""

import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any

from crypto import chunked, sealing
from crypto.canonical import decode, encode
from policies.vocabulary import Action, ItemState, Role
from sandbox.clean.commands import SampleApproval
from sandbox.clean.masters import Kept, Place, take, unpack_master
from sandbox.clean.opening import Opener
from sandbox.custody import translated
from sandbox.enclave import Enclave
from sandbox.errors import NotFound, TooLarge, VerificationFailed
from sandbox.records.deposits import Approval, Deposit, Item
from sandbox.records.port import BlobStore, Tables

ALL_UP_TO = 5
ONE_IN = 10
_OFFICERS = (Role.DEID_OFFICER,)


@dataclass(frozen=True)
class Sampled:
    """An item of a sample and the deposit it came in."""

    item: Item
    deposit: Deposit


def sample_size(batch: int) -> int:
    """How many items of a batch an officer is shown."""
    return min(batch, ALL_UP_TO + ceil(max(0, batch - ALL_UP_TO) / ONE_IN))


def kept_master(item: Item) -> tuple[Place, Kept]:
    """Where the master of a cleaned item is, by its row.

    Raises:
        VerificationFailed: the row names none.
    """
    if item.blob is None or item.master_commitment is None:
        raise VerificationFailed("master-missing", "the item has no master")
    place = Place(item.dataset, item.id, item.version)
    return place, Kept(item.blob, bytes.fromhex(item.master_commitment))


def batch_bytes(approval: Approval, items: Sequence[Item]) -> bytes:
    """The batch in writing: each item with its master's digest and both commitments."""
    return encode(
        {
            "approval": approval.id,
            "dataset": approval.dataset,
            "items": [
                {
                    "item": item.id,
                    "version": item.version,
                    "master": f"sha256:{item.blob}",
                    "commitment": item.master_commitment,
                    "record": item.record_commitment,
                }
                for item in sorted(items, key=lambda item: item.id)
            ],
        }
    )


def read_batch(blobs: BlobStore, digest: str) -> dict[str, Any]:
    """The batch whose digest (`sha256:<hex>`) an officer signed.

    Raises:
        VerificationFailed: it is not there, or was altered.
    """
    try:
        content = blobs.read(digest.removeprefix("sha256:"))
    except NotFound as error:
        raise VerificationFailed("batch-missing", "the signed batch is not there") from error
    with translated():
        return dict(decode(content))


@dataclass(frozen=True)
class Sampler:
    """Answers opened approvals."""

    enclave: Enclave
    opener: Opener

    def sample(self, ledger: str, approval: Approval) -> None:
        """Write the batch down, seal the samples, and say so at the gate.

        Raises:
            CustodyError: the officer's signature, or anything of the batch, fails its check.
            AccessError: policy refuses.
            Conflict: items of the batch were sent back meanwhile.
            Unavailable: a store or the notary can't act now.
        """
        session_key = self._session_key(ledger, approval)
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            items = _batch(tables, approval)
            chosen = secrets.SystemRandom().sample(items, sample_size(len(items)))
            picked = [Sampled(i, tables.of(Deposit).require(i.deposit)) for i in chosen]
        batch = self.enclave.blobs.put(batch_bytes(approval, items))
        samples = tuple(
            sorted(
                f"{one.item.id}:{self._seal(ledger, approval, one, batch, session_key)}"
                for one in picked
            )
        )
        self.enclave.gate.perform(
            self.enclave.actor,
            SampleApproval(
                ledger=ledger,
                dataset=approval.dataset,
                approval=approval.id,
                batch_digest=batch,
                samples=samples,
            ),
        )

    def _session_key(self, ledger: str, approval: Approval) -> bytes:
        entry = self.enclave.history(ledger).signed_act(
            approval.opened_index, Action.APPROVAL_OPEN, _OFFICERS
        )
        signed = entry["signed"]
        if signed["objects"] != {"dataset": approval.dataset, "approval": approval.id}:
            raise VerificationFailed("approval-not-signed", "another approval was signed")
        try:
            return b64decode(signed["terms"]["session_key"], validate=True)
        except (KeyError, Base64Error) as error:
            raise VerificationFailed("approval-not-signed", "no session key was signed") from error

    def _seal(
        self, ledger: str, approval: Approval, one: Sampled, batch: str, session_key: bytes
    ) -> str:
        """Digest of the sealed bundle: header || body, as a deposited object is."""
        keys = self.enclave.vault.keys(ledger, approval.dataset)
        before = self.opener.item(ledger, one.item, one.deposit)
        if before.unread:
            raise TooLarge("too-large", "the limit was lowered after the item was cleaned")
        place, kept = kept_master(one.item)
        master = take("master", place, kept, keys, self.enclave.blobs)
        after = unpack_master(master).data
        objects = {"dataset": approval.dataset, "approval": approval.id, "item": one.item.id}
        terms = {
            "batch": f"sha256:{batch}",
            "before": f"sha256:{sha256(before.data).hexdigest()}",
            "after": f"sha256:{sha256(after).hexdigest()}",
            "master": f"sha256:{kept.blob}",
        }
        nonce, signature = self.enclave.vault.sign(ledger, Action.APPROVAL_SAMPLE, objects, terms)
        head = encode(
            {
                "v": 1,
                "ledger": ledger,
                "objects": objects,
                "terms": terms,
                "nonce": nonce,
                "signature": b64encode(signature).decode(),
                "identity": b64encode(self.enclave.vault.identity_public).decode(),
                "name": before.name,
                "kind": one.item.kind,
                "before": len(before.data),
                "after": len(after),
            }
        )
        content = b"".join((len(head).to_bytes(4, "big"), head, before.data, after))
        return self.enclave.blobs.put(sealed_sample(session_key, objects, content))


def sealed_sample(session_key: bytes, objects: dict[str, str], content: bytes) -> bytes:
    """A bundle sealed to an officer's session key, for one place: header || body.

    Raises:
        VerificationFailed: the session key is none.
    """
    place = sealing.object_info(objects["dataset"], objects["approval"], objects["item"])
    file_key = secrets.token_bytes(sealing.FILE_KEY_SIZE)
    with translated():
        header = sealing.seal_header(session_key, place, file_key)
        return header + chunked.seal(file_key, place, content)


def _batch(tables: Tables, approval: Approval) -> list[Item]:
    items = [tables.of(Item).require(item) for item in approval.batch]
    kept = [i for i in items if i.state is ItemState.CLEANED and i.approval == approval.id]
    if len(kept) != len(items):
        raise VerificationFailed("batch-changed", "items of the batch were sent back meanwhile")
    return kept
