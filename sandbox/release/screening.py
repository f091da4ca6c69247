"""What is looked for in a package before people look: form, allow-list, identifiers.

Everything is read back from the bytes that would leave, as a stranger would read them; what the
builder meant does not count. Findings are codes with the file's name, `identifier-found/FILE`;
they never repeat what was found. Any finding blocks (R53, R56).

Item ids, salts and digests are random hex of a fixed length and are checked for exactly that
form; every other string goes through the identifier scan.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from crypto.canonical import decode, encode
from crypto.errors import VerificationError
from sandbox.errors import InputError, Malformed
from sandbox.formats.guideline import parse_guideline
from sandbox.formats.label_schema import Schema, parse_schema
from sandbox.formats.label_value import check_value
from sandbox.release.package import APPLIED, CONTROLS, FILES, GUIDELINE, LABELS, SCHEMA

Scan = Callable[[str], Sequence[str]]
"""Kinds of identifiers found in a text."""

MAX_PACKAGE = 64 * 2**20
MAX_VERSION = 10_000

_ID = re.compile(r"[0-9a-f]{32}")
_SALT = re.compile(r"[0-9a-f]{64}")
_LINE = {"item", "version", "salt", "entry"}
_CONTROLS = {
    "v": int,
    "release": str,
    "request": int,
    "project": str,
    "dataset": str,
    "context": str,
    "control_statement": str,
    "grade": int,
    "category": str,
    "labels": int,
    "controls": list,
}
_GRADES = range(1, 5)


def screen(files: Mapping[str, bytes], scan: Scan) -> tuple[str, ...]:
    """Codes of everything that keeps this package inside; empty when nothing does."""
    findings = [
        f"file-unknown/{place}" for place, name in enumerate(sorted(files)) if name not in FILES
    ]
    findings += [f"file-missing/{name}" for name in FILES if name not in files]
    if findings:
        return tuple(findings)
    if sum(map(len, files.values())) > MAX_PACKAGE:
        return ("package-too-large",)
    schema, classes = _schema(files[SCHEMA], scan)
    found = [
        *classes,
        *_guideline(files[GUIDELINE], scan),
        *_controls(files, scan),
        *(_labels(files[LABELS], schema) if schema else ()),
    ]
    return tuple(dict.fromkeys(found))


def _schema(data: bytes, scan: Scan) -> tuple[Schema | None, list[str]]:
    try:
        value = _object(data)
        schema = parse_schema(value)
    except (InputError, VerificationError):
        return None, [f"form-wrong/{SCHEMA}"]
    if schema.document() != value:  # whole, nothing left to a default
        return None, [f"form-wrong/{SCHEMA}"]
    return schema, _scanned(schema.texts(), scan, SCHEMA)


def _guideline(data: bytes, scan: Scan) -> list[str]:
    try:
        guideline = parse_guideline(_object(data))
    except (InputError, VerificationError):
        return [f"form-wrong/{GUIDELINE}"]
    return _scanned(guideline.texts(), scan, GUIDELINE)


def _controls(files: Mapping[str, bytes], scan: Scan) -> list[str]:
    try:
        value = _object(files[CONTROLS])
    except (InputError, VerificationError):
        return [f"form-wrong/{CONTROLS}"]
    if not _controls_hold(value, files[LABELS].count(b"\n")):
        return [f"form-wrong/{CONTROLS}"]
    texts = (str(value["context"]), str(value["control_statement"]))
    if not all(text.strip() for text in texts):
        return ["control-statement-missing"]
    return _scanned((*texts, str(value["category"])), scan, CONTROLS)


def _controls_hold(value: Mapping[str, object], lines: int) -> bool:
    return (
        value.keys() == _CONTROLS.keys()
        and all(type(value[name]) is kind for name, kind in _CONTROLS.items())
        and all(_ID.fullmatch(str(value[name])) for name in ("release", "project", "dataset"))
        and value["grade"] in _GRADES
        and value["labels"] == lines
        and value["controls"] == list(APPLIED)
    )


def _labels(data: bytes, schema: Schema) -> list[str]:
    if not data:
        return ["no-labels"]
    if not data.endswith(b"\n"):
        return [f"form-wrong/{LABELS}"]
    items: list[str] = []
    for line in data[:-1].split(b"\n"):
        try:
            items.append(_line(line, schema))
        except (InputError, VerificationError, TypeError):
            # One code for the file: the line's number could itself carry a message out.
            return [f"form-wrong/{LABELS}"]
    return [] if items == sorted(set(items)) else [f"form-wrong/{LABELS}"]


def _line(line: bytes, schema: Schema) -> str:
    """The item of a line that says what the schema lets it say, and nothing more."""
    value = _object(line)
    said = {name: each for name, each in value.items() if name not in _LINE}
    # In canonical form: neither the order of marks nor of corners may say anything of its own.
    holds = (
        encode(check_value(schema, said, None)) == encode(said)
        and _ID.fullmatch(str(value.get("item")))
        and _SALT.fullmatch(str(value.get("salt")))
        and _number(value.get("version"), 1, MAX_VERSION)
        and _number(value.get("entry"), 0, 2**53)
    )
    if not holds:
        raise Malformed
    return str(value["item"])


def _number(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _object(data: bytes) -> Mapping[str, object]:
    value = decode(data)
    if not isinstance(value, dict):
        raise Malformed
    return value


def _scanned(texts: Iterable[str], scan: Scan, name: str) -> list[str]:
    return [f"identifier-found/{name}"] if any(scan(text) for text in texts) else []
