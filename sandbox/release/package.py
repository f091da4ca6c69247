"""The package of a label set: four files, built the same way every time from the same labels.

- `labels.jsonl`: one canonical line per accepted label, sorted by item: what it says (`classes`
  or `labels`, as the schema has it), its version, the index of its entry, and the salt that
  opens its commitment there.
- `guideline.json`, `schema.json`: the project's own, byte for byte.
- `controls.json`: every control that was applied (R58), context and control statement (R51).
- `digest` binds names, sizes and contents; votes, statement and passport name it.
- `pack` is the one form in which the files travel: canonical JSON of names and texts. All four
  are text, so there is no place for pixels or archives (R53).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crypto.canonical import decode, encode
from crypto.errors import VerificationError
from sandbox.errors import VerificationFailed

LABELS = "labels.jsonl"
GUIDELINE = "guideline.json"
SCHEMA = "schema.json"
CONTROLS = "controls.json"
FILES = (CONTROLS, GUIDELINE, LABELS, SCHEMA)

APPLIED = (
    "accepted-by-second-person",
    "commitments-opened",
    "file-allow-list",
    "identifier-scan",
    "schema-allow-list",
    "signed-votes",
    "sealed-to-recipient",
)
"""Codes of the controls that every package passes through."""


@dataclass(frozen=True)
class LabelLine:
    """One accepted label as it leaves."""

    item: str
    version: int
    value: Mapping[str, object]
    salt: bytes
    entry: int

    def encoded(self) -> bytes:
        """Its line, without the line feed."""
        return encode(
            {
                "item": self.item,
                "version": self.version,
                **self.value,
                "salt": self.salt.hex(),
                "entry": self.entry,
            }
        )


@dataclass(frozen=True)
class Controls:
    """What is said of the package as a whole.

    `request` is the index of the request's entry: a package that is asked for again is another
    package, and votes on the former one don't fit it.
    """

    release: str
    request: int
    project: str
    dataset: str
    context: str
    control_statement: str
    grade: int
    category: str

    def encoded(self, labels: int) -> bytes:
        """The bytes of `controls.json`."""
        return encode(
            {
                "v": 1,
                "release": self.release,
                "request": self.request,
                "project": self.project,
                "dataset": self.dataset,
                "context": self.context,
                "control_statement": self.control_statement,
                "grade": self.grade,
                "category": self.category,
                "labels": labels,
                "controls": list(APPLIED),
            }
        )


def build(
    lines: Sequence[LabelLine], guideline: bytes, schema: bytes, controls: Controls
) -> dict[str, bytes]:
    """The files of a package by name."""
    ordered = sorted(lines, key=lambda line: line.item)
    return {
        CONTROLS: controls.encoded(len(ordered)),
        GUIDELINE: guideline,
        LABELS: b"".join(line.encoded() + b"\n" for line in ordered),
        SCHEMA: schema,
    }


def digest(files: Mapping[str, bytes]) -> str:
    """`sha256:<hex>` over names, sizes and SHA-256 of the files."""
    rows = [
        {"name": name, "sha256": hashlib.sha256(files[name]).hexdigest(), "size": len(files[name])}
        for name in sorted(files)
    ]
    return "sha256:" + hashlib.sha256(encode({"files": rows})).hexdigest()


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files as one byte string."""
    return encode({"v": 1, "files": {name: data.decode("utf-8") for name, data in files.items()}})


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of `pack`.

    Raises:
        VerificationFailed: `package-malformed`.
    """
    try:
        value = decode(data)
        if value.keys() != {"v", "files"} or value["v"] != 1:
            raise VerificationFailed("package-malformed", "the package has another form")
        return {str(name): text.encode("utf-8") for name, text in value["files"].items()}
    except (VerificationError, AttributeError, TypeError, UnicodeEncodeError) as error:
        raise VerificationFailed("package-malformed", "the package has another form") from error
