"""Signed checkpoints: a log's word on its size and root, checked with pinned keys.

The log's key name equals its origin. A checkpoint counts only when every pinned key of the log
has a valid line under it: with Ed25519 and ML-DSA-44 pinned, breaking one of them forges nothing.

Source: C2SP tlog-checkpoint v1.0.0.
"""

from collections.abc import Sequence
from datetime import datetime

from crypto.errors import VerificationError
from crypto.note import Note, NoteSigner, VerifierKey, open_note, sign_note, split_note
from crypto.treehead import Checkpoint, parse

__all__ = ["Checkpoint", "cosigners", "open_checkpoint", "parse", "sign_checkpoint"]


def sign_checkpoint(head: Checkpoint, signers: Sequence[NoteSigner], now: datetime) -> str:
    """The checkpoint as a signed note.

    Args:
        head: What is signed.
        signers: The log's own signers, whose name is the origin.
        now: UTC-aware time that cosignature lines claim, cut to seconds.

    Raises:
        VerificationError: `checkpoint-origin` when a signer is another log's.
    """
    if any(signer.vkey.name != head.origin for signer in signers):
        raise VerificationError("checkpoint-origin")
    return sign_note(head.text(), signers, int(now.timestamp()))


def open_checkpoint(
    note: str | bytes, keys: Sequence[VerifierKey], *, complete: bool = False
) -> Checkpoint:
    """Verify a signed checkpoint with all pinned keys of one log.

    Args:
        note: The checkpoint with its signature lines.
        keys: The log's own keys, as far as they are pinned.
        complete: Whether these are all keys that the log has: no other line may then stand under
            its name.

    Raises:
        VerificationError: `checkpoint-unsigned` when one of `keys` has no line or `keys` is
            empty, `checkpoint-origin` also for a line of a key that the log has not,
            `checkpoint-malformed`, and what `open_note` raises.
    """
    if not keys:
        raise VerificationError("checkpoint-unsigned", "no key is pinned")
    note_read = open_note(note, keys)
    head = parse(note_read.text)
    if any(key.name != head.origin for key in keys):
        raise VerificationError("checkpoint-origin")
    if set(keys) != {line.key for line in note_read.signatures}:
        raise VerificationError("checkpoint-unsigned")
    if complete and len(keys) < sum(name == head.origin for name, *_ in split_note(note)[1]):
        raise VerificationError("checkpoint-origin", "a line under its name is by another key")
    return head


def cosigners(note: str | bytes, witnesses: Sequence[VerifierKey]) -> Note:
    """The lines of known witnesses under a checkpoint.

    Raises:
        VerificationError: `note-unsigned` when there is none, and what `open_note` raises.
    """
    return open_note(note, witnesses)
