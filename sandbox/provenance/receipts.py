"""Receipts: the exact entry, its proof under a signed checkpoint, and a part's path in it.

One JSON file `{"entry": text, "proof": text, "part"?: {...}}`, the same in the API's answers.
The proof is a tlog-proof; whoever has the log's pinned key needs nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crypto.merkle import Tree
from crypto.tlogproof import format_proof


@dataclass(frozen=True)
class Part:
    """Where one part stands in a bulk act: its place among `count` parts and the way up."""

    index: int
    count: int
    path: Sequence[bytes]


def proof_text(tree: Tree, index: int, size: int, note: str) -> str:
    """The tlog-proof of the entry at `index` under the checkpoint `note` of `size` entries.

    Raises:
        VerificationError: `tree-range` when the checkpoint does not cover the entry.
    """
    return format_proof(index, tree.inclusion(index, size), note)


def receipt_document(entry: bytes, proof: str, part: Part | None = None) -> dict[str, object]:
    """A receipt as the value of its JSON file."""
    receipt: dict[str, object] = {"entry": entry.decode(), "proof": proof}
    if part is not None:
        receipt["part"] = {
            "index": part.index,
            "count": part.count,
            "path": [node.hex() for node in part.path],
        }
    return receipt
