"""What a log asks of a witness: the size it knows, a proof, and the checkpoint to cosign.

Source: C2SP tlog-witness v1.0.0, "add-checkpoint".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto import strict64
from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE
from crypto.note import MAX_NOTE_BYTES, VerifierKey, open_note, split_note
from crypto.treehead import parse_decimal

PATH: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
"""Content type of an answer that tells which size the witness cosigned last."""
MAX_HASHES: Final = 63
MAX_BYTES: Final = MAX_NOTE_BYTES + 64 * 64


@dataclass(frozen=True)
class AddCheckpoint:
    """A request, read and not believed: `checkpoint` is the note as it came."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str


def format_request(old: int, proof: Sequence[bytes], checkpoint: str) -> bytes:
    """The body of a request."""
    lines = [f"old {old}", *(strict64.encode(node) for node in proof)]
    return ("\n".join(lines) + f"\n\n{checkpoint}").encode()


def parse_request(octets: bytes) -> AddCheckpoint:
    """Read the body of a request, strictly.

    Raises:
        VerificationError: `request-malformed`.
    """
    head, separator, checkpoint = _text(octets).partition("\n\n")
    lines = head.split("\n")
    word, _, size = lines.pop(0).partition(" ")
    if not separator or word != "old" or len(lines) > MAX_HASHES:
        raise VerificationError("request-malformed")
    try:
        split_note(checkpoint)
        proof = tuple(strict64.decode(line, HASH_SIZE) for line in lines)
        return AddCheckpoint(parse_decimal(size), proof, checkpoint)
    except VerificationError as error:
        raise VerificationError("request-malformed") from error


def _text(octets: bytes) -> str:
    if len(octets) > MAX_BYTES:
        raise VerificationError("request-malformed", "it is too long")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise VerificationError("request-malformed") from error


def lines_of(answer: str, checkpoint: str, witnesses: Sequence[VerifierKey]) -> list[str]:
    """The signature lines of an answer that are by these witnesses, each verified.

    Lines by keys that nobody named are left out: they could be anything.

    Raises:
        VerificationError: `note-malformed`, `note-signature`, `note-unsigned` when none is left.
    """
    text = checkpoint.partition("\n\n")[0]
    note = f"{text}\n\n{answer}"
    open_note(note, witnesses)
    known = {(key.name, key.key_id) for key in witnesses}
    _, fields = split_note(note)
    kept = zip(answer.splitlines(keepends=True), fields, strict=True)
    return [line for line, (name, key_id, _) in kept if (name, key_id) in known]
