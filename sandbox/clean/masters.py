"""Masters and de-identification records: how they are sealed, named and committed to.

- A master is the cleaned file, with what it takes to give it a project's surrogates later: whose
  dates moved, and the exact day of each. It is one sealed content: what an officer approves by
  its digest and commitment is all that decides what is issued, but for the project's key.

- Each has a file key under its subject's key, and a context that binds dataset, item and version.
- The log holds a commitment to each; the salts lie in the vault beside the file keys, so that
  destroying the subject's key leaves the log provable and the content beyond any guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from crypto import chunked
from crypto.canonical import decode, encode
from crypto.commitments import check, commit
from sandbox.custody import translated
from sandbox.dataset_keys import DatasetKeys
from sandbox.deid.forms import Result, Verdict
from sandbox.deid.text_moving import Moved, is_form
from sandbox.errors import VerificationFailed
from sandbox.records.port import BlobStore

TOOL = "anbiao"
RECORD_VERSION = 1
MASTER_VERSION = 1
_HEAD_SIZE = 4


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
class Master:
    """A cleaned file; `subject` and `moves` as in `Verdict`."""

    data: bytes
    subject: str | None = None
    moves: tuple[Moved | None, ...] = ()

    def packed(self) -> bytes:
        """It as one content: length of the head (4 bytes), head, file."""
        head = encode(
            {
                "v": MASTER_VERSION,
                "subject": self.subject,
                "moves": [
                    None if one is None else {"day": one.day.isoformat(), "form": list(one.form)}
                    for one in self.moves
                ],
            }
        )
        return b"".join((len(head).to_bytes(_HEAD_SIZE, "big"), head, self.data))


def unpack_master(content: bytes) -> Master:
    """The master that was packed.

    Raises:
        VerificationFailed: `master-malformed`.
    """
    stop = _HEAD_SIZE + int.from_bytes(content[:_HEAD_SIZE], "big")
    with translated():
        head = decode(content[_HEAD_SIZE:stop])
    try:
        moves = tuple(None if one is None else _moved(one) for one in head["moves"])
        found = Master(content[stop:], head["subject"], moves)
        sound = head["v"] == MASTER_VERSION
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationFailed("master-malformed", "the master is not in its form") from error
    if not sound:
        raise VerificationFailed("master-malformed", "the master is of another version")
    return found


def _moved(said: Mapping[str, Any]) -> Moved:
    form = tuple(said["form"])
    if not is_form(form):
        raise ValueError
    return Moved(date.fromisoformat(said["day"]), form)


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
