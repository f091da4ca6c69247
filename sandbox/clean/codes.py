"""Codes of a quarantine that come from opening a sealed item, with a sentence for each.

Those of the engines stand in `sandbox.deid.reasons`. A code is never reused.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SUBJECT_ERASED: Final = "subject-erased"

OPENING: Mapping[str, str] = MappingProxyType(
    {
        "blob-altered": "The sealed object was altered on disk.",
        "chunk-altered": "A chunk was altered, replayed or moved.",
        "context-mismatch": "It was sealed with another key or for another place.",
        "digest-mismatch": "The content is not the one that the inner manifest promises.",
        "engine-failed": "The engine that was to clean it ended before its time.",
        "header-altered": "The header is not the one that the outer manifest announces.",
        "header-missing": "The header is not there.",
        "key-destroyed": "A key that would open it was destroyed.",
        "length-invalid": "No sealed object has this length; it was cut or extended.",
        "manifest-malformed": "A part of the deposit's manifest is not in its form.",
        "manifest-mismatch": "The manifest does not list it, or names another deposit.",
        "manifest-not-signed": "The outer manifest is not the one that was signed.",
        "manifest-too-large": "A part of the deposit's manifest is over its limit.",
        "padding-invalid": "Length prefix and padding do not agree.",
        "seal-altered": "The header does not open under the dataset's intake key.",
        SUBJECT_ERASED: "It is about somebody who was erased; nothing of it was kept.",
        "source-missing": "The sealed object is not there.",
    }
)
