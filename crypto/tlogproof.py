"""One text that proves offline that an entry is in a log: place, path and signed checkpoint.

Source: C2SP tlog-proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto import merkle, strict64, treehead
from crypto.checkpoint import Checkpoint, open_checkpoint
from crypto.errors import VerificationError
from crypto.note import VerifierKey

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_WITH_EXTRA: Final = f"{_HEADER}\nextra "
MAX_HASHES: Final = 63


@dataclass(frozen=True)
class Proof:
    """What a proof says; nothing of it is believed before `check_proof`.

    `extra` is not covered by anything and must not be trusted.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def format_proof(
    index: int, hashes: Sequence[bytes], checkpoint_note: str, extra: bytes | None = None
) -> str:
    """The text of a proof; `hashes` begin with the leaf's sibling."""
    lines = [_HEADER]
    if extra is not None:
        lines.append(f"extra {strict64.encode(extra)}")
    lines.append(f"index {index}")
    lines += [strict64.encode(node) for node in hashes]
    return "\n".join(lines) + "\n\n" + checkpoint_note


def parse_proof(text: str) -> Proof:
    """Read a proof's text.

    Raises:
        VerificationError: `proof-malformed`.
    """
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != _HEADER:
        raise VerificationError("proof-malformed")
    try:
        extra = strict64.decode(lines.pop(0)[6:]) if head.startswith(_WITH_EXTRA) else None
        index, hashes = _parse_path(lines)
    except VerificationError as error:
        raise VerificationError("proof-malformed") from error
    return Proof(index, hashes, note, extra)


def _parse_path(lines: Sequence[str]) -> tuple[int, tuple[bytes, ...]]:
    if not lines or not lines[0].startswith("index ") or len(lines) > MAX_HASHES + 1:
        raise VerificationError("proof-malformed")
    index = treehead.parse_decimal(lines[0].removeprefix("index "))
    return index, tuple(strict64.decode(line, merkle.HASH_SIZE) for line in lines[1:])


def check_proof(proof: Proof, entry: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Check that the log with the pinned `keys` holds exactly `entry` at the proof's index.

    Raises:
        VerificationError: `inclusion-proof`, and what `open_checkpoint` raises.
    """
    head = open_checkpoint(proof.checkpoint, keys)
    leaf = merkle.leaf_hash(entry)
    merkle.verify_inclusion(proof.index, head.size, leaf, proof.hashes, head.root)
    return head
