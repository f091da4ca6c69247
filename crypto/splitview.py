"""Evidence that a log showed two histories: two of its own signed checkpoints that disagree.

One file, canonical JSON, which anyone who has the log's key checks alone:

- `smaller` and `larger` are the two notes as they came; `keys` are the verifier keys that the log
  names as its own;
- `root` and `proof` show which root the tree of `larger` had at the size of `smaller`. It is
  another than the one that `smaller` signs, and no log that only appends has both.

Source: docs/spec/provenance-log.md, clause 9.6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crypto import canonical, strict64
from crypto.checkpoint import Checkpoint, open_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE, verify_consistency
from crypto.note import VerifierKey

KIND: Final = "anbiao-split-view"
_MEMBERS: Final = frozenset({"keys", "kind", "larger", "proof", "root", "smaller", "v"})


@dataclass(frozen=True)
class SplitView:
    """Two notes of one log, and what the larger tree was at the size of the smaller."""

    smaller: str
    larger: str
    keys: str
    root: bytes
    proof: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """The evidence file."""
        return canonical.encode(
            {
                "v": 1,
                "kind": KIND,
                "smaller": self.smaller,
                "larger": self.larger,
                "keys": self.keys,
                "root": strict64.encode(self.root),
                "proof": [strict64.encode(node) for node in self.proof],
            }
        )

    def check(self, pinned: Sequence[VerifierKey]) -> tuple[Checkpoint, Checkpoint]:
        """The two heads, once they are shown to exclude one another.

        Raises:
            VerificationError: `split-view-unproved`, or what is wrong with a note.
        """
        smaller, larger = (open_checkpoint(note, pinned) for note in (self.smaller, self.larger))
        if smaller.origin != larger.origin or smaller.root == self.root or smaller.size == 0:
            raise VerificationError("split-view-unproved")
        sizes = smaller.size, larger.size
        try:
            verify_consistency(*sizes, self.root, larger.root, self.proof)
        except VerificationError as error:
            raise VerificationError("split-view-unproved") from error
        return smaller, larger


def decode(octets: bytes) -> SplitView:
    """Read an evidence file; nothing in it is believed before `SplitView.check`.

    Raises:
        VerificationError: `split-view-unproved`: it is none.
    """
    try:
        return _read(canonical.decode(octets))
    except (VerificationError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError("split-view-unproved") from error


def _read(value: object) -> SplitView:
    if not isinstance(value, Mapping) or value.keys() != _MEMBERS:
        raise VerificationError("split-view-unproved")
    texts = (value["smaller"], value["larger"], value["keys"], value["root"])
    if (value["v"], value["kind"]) != (1, KIND) or not all(isinstance(t, str) for t in texts):
        raise VerificationError("split-view-unproved")
    proof = tuple(strict64.decode(line, HASH_SIZE) for line in value["proof"])
    return SplitView(*texts[:3], strict64.decode(texts[3], HASH_SIZE), proof)
