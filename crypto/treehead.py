"""The body of a checkpoint: which log, how many entries, which root hash.

Three lines, nothing else: extension lines, which nobody would audit, are refused.

Source: C2SP tlog-checkpoint v1.0.0.
"""

import re
from dataclasses import dataclass
from typing import Final

from crypto import strict64
from crypto.errors import VerificationError
from crypto.merkle import EMPTY_ROOT, HASH_SIZE

MAX_SIZE: Final = 2**63 - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the log's origin, the number of entries and the 32-byte root hash."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        sound = (
            is_name(self.origin)
            and 0 <= self.size <= MAX_SIZE
            and len(self.root) == HASH_SIZE
            and (self.size > 0 or self.root == EMPTY_ROOT)
        )
        if not sound:
            raise VerificationError("checkpoint-malformed")

    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{strict64.encode(self.root)}\n"


def parse(text: str) -> Checkpoint:
    """Read a checkpoint's note text.

    Raises:
        VerificationError: `checkpoint-malformed`.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:  # noqa: PLR2004 - three lines and what follows the last newline
        raise VerificationError("checkpoint-malformed")
    try:
        return Checkpoint(lines[0], parse_decimal(lines[1]), strict64.decode(lines[2], HASH_SIZE))
    except VerificationError as error:
        raise VerificationError("checkpoint-malformed") from error


def parse_decimal(text: str) -> int:
    """A non-negative number below 2**63, without sign or leading zeroes.

    Raises:
        VerificationError: `checkpoint-malformed`.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise VerificationError("checkpoint-malformed", "not a plain decimal number")
    return int(text)


def is_name(name: str) -> bool:
    """Whether `name` can name a key or a log: not empty, no space, no plus, nothing unprintable."""
    return bool(name) and name.isprintable() and not any(c.isspace() or c == "+" for c in name)
