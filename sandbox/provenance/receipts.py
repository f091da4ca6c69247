"""Receipts: the exact entry, its proof under a signed checkpoint, and a part's path in it.

One JSON file `{"entry": text, "proof": text, "part"?: {...}}`, the same in the API's answers.
The proof is a tlog-proof; whoever has the log's pinned key needs nothing else.

Source: docs/spec/provenance-log.md, clause 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crypto.merkle import Tree
from crypto.tlogproof import format_proof


@dataclass(frozen=True)
class Part:
    """Where one part stands in a bulk act: its index, its commitment, and the way up."""

    index: int
    commitment: bytes
    path: Sequence[bytes]


@dataclass(frozen=True)
class SignedHead:
    """A signed checkpoint, the number of entries it covers, and the text of the `keys` file."""

    note: str
    size: int
    keys: bytes


@dataclass(frozen=True)
class WitnessedHead:
    """A checkpoint that a quorum of witnesses cosigned, and the number of entries it covers."""

    note: str
    size: int


def proof_text(tree: Tree, index: int, head: SignedHead) -> str:
    """The tlog-proof of the entry at `index`; its extra line carries the log's keys.

    Raises:
        VerificationError: `tree-range` when the checkpoint does not cover the entry.
    """
    return format_proof(index, tree.inclusion(index, head.size), head.note, head.keys)


def receipt_document(entry: bytes, proof: str, part: Part | None = None) -> dict[str, object]:
    """A receipt as the value of its JSON file."""
    receipt: dict[str, object] = {"entry": entry.decode(), "proof": proof}
    if part is not None:
        receipt["part"] = {
            "index": part.index,
            "commitment": part.commitment.hex(),
            "path": [node.hex() for node in part.path],
        }
    return receipt
