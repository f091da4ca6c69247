"""Every code with which an item is held or quarantined, and a sentence for each.

The sentences are for people and never hold anything of the item. A code is never reused.
"""

from collections.abc import Mapping
from types import MappingProxyType

HELD: Mapping[str, str] = MappingProxyType(
    {
        "content-unchecked": "It holds a document, sound, or a kind of object that can't be "
        "checked yet.",
        "pixels-unchecked": "Its pixels may show the patient's data and can't be checked yet.",
        "residue-found": "After cleaning, something that looks like an identifier was left.",
    }
)
"""A person may look and decide; no cleaned bytes leave."""

QUARANTINED: Mapping[str, str] = MappingProxyType(
    {
        "bad-deflate": "Its compressed part can't be inflated.",
        "bad-element": "An element of it has no known form.",
        "bad-encoding": "Its text is in no encoding that is known here.",
        "bad-length": "A length inside it contradicts what surrounds it.",
        "deflate-bomb": "Its compressed part grows beyond the limit.",
        "empty-file": "It has no bytes.",
        "engine-crashed": "The engine died on it, twice; nothing of it was kept.",
        "engine-failed": "The engine failed on it, and nothing of it was kept.",
        "executable": "It is a program.",
        "kind-unsupported": "It is of a kind that this recipe doesn't clean.",
        "not-dicom": "It is named as DICOM and is none.",
        "preamble-archive": "Its preamble hides an archive or a document.",
        "preamble-executable": "Its preamble hides a program.",
        "source-changed": "It was written to while it was read.",
        "syntax-unsupported": "Its transfer syntax is not known here.",
        "too-deep": "Its sequences are nested deeper than the limit.",
        "too-large": "It is larger than the limit.",
        "too-many-elements": "It has more elements than the limit.",
        "truncated": "It ends before it is complete.",
        "unreadable": "It can't be read.",
        "unsafe-name": "Its name leads out of the folder, or is a link.",
    }
)
"""The item is set apart; the batch goes on."""

REASONS: Mapping[str, str] = MappingProxyType({**HELD, **QUARANTINED})
