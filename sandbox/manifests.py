"""The two parts of a deposit's manifest, read strictly.

- The outer part is signed by the depositor and seen by the API: random object ids, padded sizes,
  digests of ciphertext and of headers. Nothing in it comes from plaintext.
- The inner part is sealed to the worker: names, subjects, plaintext digests, the register.
- Both are canonical JSON with exactly the members that `docs/spec/sealed-object.md` lists;
  anything else is refused.
- This module opens no seal and checks no signature.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from crypto.canonical import decode, encode
from crypto.chunked import ciphertext_size
from crypto.errors import VerificationError
from crypto.sealing import HEADER_SIZE
from sandbox.deid.forms import MAX_REGISTER_CHARS, MAX_REGISTER_ROWS, Register, RegisterRow
from sandbox.errors import Malformed, TooLarge

MAX_OBJECTS = 100_000
MAX_OUTER_BYTES = 32 * 2**20
MAX_INNER_BYTES = 64 * 2**20
MAX_OBJECT_BYTES = 2**33
MAX_NAME_CHARS = MAX_REGISTER_CHARS
_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REGISTER_FIELDS = ("id", "name", "id_number", "mrn", "phone")


@dataclass(frozen=True)
class ObjectRow:
    """One sealed object as the outer manifest announces it."""

    object_id: str
    padded_size: int
    body_sha256: str
    header_sha256: str

    @property
    def body_size(self) -> int:
        """Octets of the body."""
        return ciphertext_size(self.padded_size)

    @property
    def sealed_size(self) -> int:
        """Octets of header and body."""
        return HEADER_SIZE + self.body_size

    @property
    def head(self) -> bytes:
        """What the body's context binds: the part of the row known before sealing."""
        return encode({"object_id": self.object_id, "padded_size": self.padded_size})


@dataclass(frozen=True)
class OuterManifest:
    """What the API sees of a deposit; `inner` is the sealed inner part, under the deposit's id."""

    ledger: str
    dataset: str
    deposit: str
    intake_key: str
    inner: ObjectRow
    objects: tuple[ObjectRow, ...]

    @property
    def announced(self) -> tuple[ObjectRow, ...]:
        """Everything that must arrive: the inner part, then the objects."""
        return (self.inner, *self.objects)

    def row(self, object_id: str) -> ObjectRow | None:
        """The row of an announced object, or None."""
        return self._rows.get(object_id)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids of the objects, the inner part not among them."""
        return frozenset(row.object_id for row in self.objects)

    @cached_property
    def _rows(self) -> Mapping[str, ObjectRow]:
        return {row.object_id: row for row in self.announced}


@dataclass(frozen=True)
class InnerFile:
    """What only the worker learns of one object."""

    object_id: str
    name: str
    subject: str | None
    sha256: str
    size: int


@dataclass(frozen=True)
class InnerManifest:
    """The sealed part of a deposit's manifest."""

    dataset: str
    deposit: str
    files: Mapping[str, InnerFile]
    register: Register


def parse_outer(data: bytes) -> OuterManifest:
    """Read the outer part.

    Raises:
        Malformed: it is not exactly the documented form.
        TooLarge: it is over a limit.
    """
    if len(data) > MAX_OUTER_BYTES:
        raise TooLarge("manifest-too-large", "the outer manifest is over its limit")
    value = _members(
        _decode(data), "v", "ledger", "dataset", "deposit", "intake_key", "inner", "objects"
    )
    _require(value["v"] == 1)
    rows = tuple(_row(row) for row in _list(value["objects"]))
    if len(rows) > MAX_OBJECTS:
        raise TooLarge("manifest-too-large", "more objects than one deposit may hold")
    ids = [row.object_id for row in rows]
    _require(bool(ids) and ids == sorted(set(ids)))
    inner = _row(value["inner"])
    deposit = _text(value["deposit"], _ID)
    _require(inner.object_id == deposit and deposit not in ids)
    if inner.padded_size > MAX_INNER_BYTES:
        raise TooLarge("manifest-too-large", "the inner manifest is over its limit")
    ledger, dataset, key = (_text(value[k], _ID) for k in ("ledger", "dataset", "intake_key"))
    return OuterManifest(ledger, dataset, deposit, key, inner, rows)


def inner_bytes(inner: InnerManifest) -> bytes:
    """The inner part in the form that `parse_inner` reads."""
    return encode(
        {
            "v": 1,
            "dataset": inner.dataset,
            "deposit": inner.deposit,
            "files": [asdict(inner.files[name]) for name in sorted(inner.files)],
            "register": [asdict(row) for row in inner.register.rows],
        }
    )


def parse_inner(data: bytes) -> InnerManifest:
    """Read the inner part, already opened.

    Raises:
        Malformed: it is not exactly the documented form.
        TooLarge: `register-too-large`.
    """
    value = _members(_decode(data), "v", "dataset", "deposit", "files", "register")
    _require(value["v"] == 1)
    files = [_file(item) for item in _list(value["files"])]
    ids = [file.object_id for file in files]
    _require(ids == sorted(set(ids)))
    rows = _list(value["register"])
    if len(rows) > MAX_REGISTER_ROWS:
        raise TooLarge("register-too-large", "the register has more rows than its limit")
    register = Register(tuple(map(_register_row, rows)))
    return InnerManifest(
        dataset=_text(value["dataset"], _ID),
        deposit=_text(value["deposit"], _ID),
        files={file.object_id: file for file in files},
        register=register,
    )


def _row(value: object) -> ObjectRow:
    row = _members(value, "object_id", "padded_size", "body_sha256", "header_sha256")
    padded_size = _number(row["padded_size"])
    if padded_size > MAX_OBJECT_BYTES:
        raise TooLarge("object-too-large", "an object is over the size limit")
    return ObjectRow(
        object_id=_text(row["object_id"], _ID),
        padded_size=padded_size,
        body_sha256=_text(row["body_sha256"], _DIGEST),
        header_sha256=_text(row["header_sha256"], _DIGEST),
    )


def _file(value: object) -> InnerFile:
    file = _members(value, "object_id", "name", "subject", "sha256", "size")
    subject = file["subject"]
    return InnerFile(
        object_id=_text(file["object_id"], _ID),
        name=_short(file["name"]),
        subject=None if subject is None else _short(subject),
        sha256=_text(file["sha256"], _DIGEST),
        size=_number(file["size"]),
    )


def _register_row(value: object) -> RegisterRow:
    row = _members(value, *_REGISTER_FIELDS)
    texts = {key: None if row[key] is None else _short(row[key]) for key in _REGISTER_FIELDS[1:]}
    return RegisterRow(id=_short(row["id"]), **texts)


def _decode(data: bytes) -> object:
    try:
        return decode(data)
    except VerificationError as error:
        raise Malformed("manifest-malformed", "the manifest is not canonical JSON") from error


def _members(value: object, *names: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise _malformed()
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _malformed()
    return value


def _text(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _malformed()
    return value


def _short(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARS:
        raise _malformed()
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _malformed()
    return value


def _require(holds: bool) -> None:
    if not holds:
        raise _malformed()


def _malformed() -> Malformed:
    # Which member is wrong is not said: the inner part's members are patients' words.
    return Malformed("manifest-malformed", "the manifest is not in its documented form")
