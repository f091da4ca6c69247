"""Digests of the public things that a label is bound to: guideline, schema, rendering."""

import hashlib

from crypto.canonical import encode
from sandbox.label.render import RENDERING
from sandbox.records.labels import ProjectItem


def digest_of(data: bytes) -> str:
    """`sha256:<hex>` of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def rendering_digest() -> str:
    """`sha256:<hex>` of how frames are rendered."""
    return digest_of(encode(RENDERING))


def shown_payload(item: ProjectItem, shown: tuple[str, ...]) -> bytes:
    """What a label's `shown` commitment binds: item version, rendering, and frames looked at."""
    return encode(
        {
            "v": 1,
            "item": item.id,
            "commitment": item.commitment,
            "rendering": rendering_digest(),
            "shown": list(shown),
        }
    )
