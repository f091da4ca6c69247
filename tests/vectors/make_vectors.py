"""Makes the vectors beside it: bytes and the verdict that every implementation must reach.

Run `python tests/vectors/make_vectors.py` from the top of the tree (a folder
to write to may follow). The result is the same each
time: keys come from labels, and the two kinds of bytes that can only be drawn at random (ML-DSA
signatures, HPKE seals) are kept in `drawn.json` and drawn once. Right answers of the chunked
format, of commitments and of acts are made here from their specification, not by our code.
`expect` is `ok` or the code of the refusal.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import log_vectors
import object_vectors
from vector_parts import DRAWN, HERE, Vector

FORMATS: dict[str, Callable[[], list[Vector]]] = {
    "acts": object_vectors.act_vectors,
    "canonical": object_vectors.canonical_vectors,
    "checkpoints": log_vectors.checkpoint_vectors,
    "chunked": object_vectors.chunked_vectors,
    "commitments": object_vectors.commitment_vectors,
    "merkle": log_vectors.merkle_vectors,
    "notes": log_vectors.note_vectors,
    "proofs": log_vectors.proof_vectors,
    "sealed": object_vectors.sealed_vectors,
    "tiles": log_vectors.tile_vectors,
}


def build() -> dict[str, str]:
    """The text of every file, by name."""
    made = {f"{name}.json": form(vectors()) for name, vectors in FORMATS.items()}
    return {**made, "drawn.json": form(dict(sorted(DRAWN.kept.items())))}


def form(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for file_name, content in build().items():
        (folder / file_name).write_text(content, encoding="utf-8")
