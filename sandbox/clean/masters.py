"""Masters and de-identification records: how they are sealed, named and committed to.

- Each has a file key under its subject's key, and a context that binds dataset, item and version.
- The log holds a commitment to each; the salts lie in the vault beside the file keys, so that
  destroying the subject's key leaves the log provable and the content beyond any guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from crypto import chunked
from crypto.canonical import decode, encode
from crypto.commitments import check, commit
from sandbox.custody import translated
from sandbox.deid.forms import Result, Verdict
from sandbox.records.port import BlobStore
from sandbox.vault import DatasetKeys

TOOL = "anbiao"
RECORD_VERSION = 1


@dataclass(frozen=True)
class Place:
    """Which version of which item something belongs to."""

    dataset: str
    item: str
    version: int

    def name(self, what: str) -> str:
        """The name of this version's key for `what`."""
        return f"{what}:{self.item}:{self.version}"

    def context(self, what: str) -> bytes:
        """What binds the ciphertext of `what` to this place."""
        return encode(
            {
                "what": f"anbiao-{what}-v1",
                "dataset": self.dataset,
                "item": self.item,
                "version": self.version,
            }
        )


@dataclass(frozen=True)
class Kept:
    """A sealed blob, and the commitment to what is in it."""

    blob: str
    commitment: bytes


def keep(
    what: str,
    place: Place,
    content: bytes,
    keys: DatasetKeys,
    subject: str | None,
    blobs: BlobStore,
) -> Kept:
    """Seal `content` as `what` (`master` or `record`) and keep it.

    Doing it again after a crash seals under the same key with a fresh salt; the blob that no row
    names is swept.
    """
    key = keys.made(place.name(what), subject)
    salt = keys.made(place.name(f"{what}-salt"), subject)
    with translated():
        sealed = chunked.seal(key, place.context(what), content)
    return Kept(blobs.put(sealed), commit(salt, payload(what, place, content)))


def take(what: str, place: Place, kept: Kept, keys: DatasetKeys, blobs: BlobStore) -> bytes:
    """The content that was kept, checked against its digest, its seal and its commitment.

    Raises:
        NotFound: the blob is not there.
        KeyDestroyed: its key was destroyed.
        VerificationFailed: digest, seal or commitment is wrong.
    """
    sealed = blobs.read(kept.blob)
    key = keys.key(place.name(what))
    salt = keys.key(place.name(f"{what}-salt"))
    with translated():
        content = chunked.open_all(key, place.context(what), sealed)
        check(kept.commitment, salt, payload(what, place, content))
    return content


def forget(place: Place, keys: DatasetKeys) -> None:
    """Destroy the keys of a version that another one has replaced."""
    for what in ("master", "record"):
        keys.destroy(place.name(what))
        keys.destroy(place.name(f"{what}-salt"))


def payload(what: str, place: Place, content: bytes) -> bytes:
    """What the commitment to `what` binds."""
    return encode(
        {
            "what": what,
            "dataset": place.dataset,
            "item": place.item,
            "version": place.version,
            "sha256": sha256(content).hexdigest(),
            "size": len(content),
        }
    )


def record(place: Place, recipe: str, recipe_digest: str, verdict: Verdict) -> bytes:
    """The de-identification record of one item: canonical JSON, counts and codes only (R31).

    `residue` is `none` only where the result was scanned and nothing was found.
    """
    cleaned = verdict.result is Result.CLEANED
    residue = "none" if cleaned else _RESIDUE.get(verdict.reason or "", "not-scanned")
    return encode(
        {
            "v": RECORD_VERSION,
            "tool": TOOL,
            "dataset": place.dataset,
            "item": place.item,
            "version": place.version,
            "recipe": recipe,
            "recipe_digest": recipe_digest,
            "result": str(verdict.result),
            "reason": verdict.reason,
            "kind": str(verdict.kind),
            "modality": verdict.modality,
            "frames": verdict.frames,
            "actions": dict(verdict.actions),
            "removed": dict(verdict.removed),
            "residue": residue,
        }
    )


def read_record(content: bytes) -> Mapping[str, Any]:
    """A record's members, from its sealed form's content.

    Raises:
        VerificationFailed: it is not canonical JSON.
    """
    with translated():
        return dict(decode(content))


_RESIDUE = {"residue-found": "found"}
