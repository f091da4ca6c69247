"""How the fields of a row are written, the same for every adapter.

- A value is checked against its field's type before it is kept: a database that takes
  anything (SQLite) must not accept what another (PostgreSQL) will refuse.
- A value of a wrong Python type is a mistake in this house: `TypeError`. A value of the right
  type that no database can keep (a lone surrogate, a NUL, a number beyond 64 bits) may come
  from outside: `Unacceptable`.
- Times are text in UTC with microseconds: exact, readable, and in order as text.
- Tuples of strings are JSON arrays, written in one way only, so that equal tuples are equal text.
"""

import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any, Generic, TypeVar

from sandbox.errors import LedgerUnavailable, Unacceptable
from sandbox.records.imprint import shape_of
from sandbox.records.port import Row

R = TypeVar("R", bound=Row)

# What a column holds: a database sees nothing else.
Stored = str | int | bool | bytes | None

# `Any`: what stands in a field is checked here, at run time.
Encode = Callable[[Any], Stored]
Decode = Callable[[Any], object]

_INT_LIMIT = 1 << 63


class Kind(Enum):
    """What a column must be able to hold."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"
    OCTETS = "octets"


@dataclass(frozen=True)
class Field:
    """One field of a row type; `decode` is None where the stored form is the value."""

    name: str
    kind: Kind
    nullable: bool
    encode: Encode
    decode: Decode | None


def _wrong(value: object, wanted: str) -> TypeError:
    return TypeError(f"{wanted} wanted, {type(value).__name__} given")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "str")
    text = str(value)
    if "\0" in text or not (text.isascii() or _is_utf8(text)):
        raise Unacceptable("text-unstorable", "text holds NUL or half a character")
    return text


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(value, "int")
    if not -_INT_LIMIT <= value < _INT_LIMIT:
        raise Unacceptable("number-unstorable", "number needs more than 64 bits")
    return int(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, "bool")
    return value


def _octets(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise _wrong(value, "bytes")
    return value


def _time(value: Any) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _wrong(value, "aware datetime")
    try:
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError as error:
        raise Unacceptable("time-unstorable", "time lies outside the calendar") from error


def _texts(value: Any) -> str:
    if not isinstance(value, tuple):
        raise _wrong(value, "tuple of str")
    return json.dumps([_text(text) for text in value], ensure_ascii=False, separators=(",", ":"))


def _texts_back(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def _enum(enum: type[StrEnum]) -> tuple[Encode, Decode]:
    members = {member.value: member for member in enum}

    def encode(value: Any) -> str:
        # A plain string equal to a member counts as the member, as it does for `==`.
        if not isinstance(value, str) or value not in members:
            raise _wrong(value, enum.__name__)
        return str(value)

    return encode, members.__getitem__


_PLAIN: Mapping[object, tuple[Kind, Encode, Decode | None]] = types.MappingProxyType(
    {
        str: (Kind.TEXT, _text, None),
        int: (Kind.NUMBER, _number, None),
        bool: (Kind.TRUTH, _truth, bool),
        bytes: (Kind.OCTETS, _octets, None),
        datetime: (Kind.TEXT, _time, datetime.fromisoformat),
        tuple[str, ...]: (Kind.TEXT, _texts, _texts_back),
    }
)


def _field(name: str, hint: object) -> Field:
    nullable = False
    if isinstance(hint, types.UnionType):
        inner = [part for part in hint.__args__ if part is not types.NoneType]
        nullable = len(inner) < len(hint.__args__)
        hint = inner[0] if len(inner) == 1 else hint
    if hint in _PLAIN:
        return Field(name, _PLAIN[hint][0], nullable, *_PLAIN[hint][1:])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Field(name, Kind.TEXT, nullable, *_enum(hint))
    raise TypeError(f"field {name}: no way to keep {hint}")


class Form(Generic[R]):
    """The written form of one row type: a tuple of stored values in the order of its fields."""

    def __init__(self, row_type: type[R]) -> None:
        hints = typing.get_type_hints(row_type)
        self.row_type = row_type
        self.fields = tuple(_field(each.name, hints[each.name]) for each in fields(row_type))
        self.names = tuple(each.name for each in self.fields)
        self.shape = shape_of(row_type.__name__, self.names)
        self.positions = types.MappingProxyType({n: i for i, n in enumerate(self.names)})
        if self.fields[0].kind is not Kind.TEXT or self.names[0] != "id":
            raise TypeError(f"{row_type.__name__}: the first field is not the key `id`")
        self._decoders = [(i, f.decode) for i, f in enumerate(self.fields) if f.decode is not None]
        self.unique: tuple[tuple[str, ...], ...] = getattr(row_type, "UNIQUE", ())
        self.indexed: tuple[str, ...] = getattr(row_type, "INDEXED", ())
        self._check_names({name for group in (*self.unique, self.indexed) for name in group})

    def encode(self, row: R) -> tuple[Stored, ...]:
        """The row as it is kept.

        Raises:
            Unacceptable: a value is of the right type and can't be kept.
        """
        if type(row) is not self.row_type:
            raise _wrong(row, self.row_type.__name__)
        return tuple([_encoded(field, getattr(row, field.name)) for field in self.fields])

    def encode_equal(self, equal: Mapping[str, object]) -> dict[str, Stored]:
        """Values to compare with, as they are kept.

        Raises:
            Unacceptable: a value is of the right type and can't be kept.
        """
        self._check_names(equal.keys())
        return {
            name: None if value is None else self.fields[self.positions[name]].encode(value)
            for name, value in equal.items()
        }

    def decode(self, stored: Sequence[Any]) -> R:
        """The row that was kept.

        Raises:
            LedgerUnavailable: what is kept is no such row (`row-unreadable`).
        """
        values = list(stored)
        try:
            for position, decode in self._decoders:
                if values[position] is not None:
                    values[position] = decode(values[position])
        except (KeyError, TypeError, ValueError) as error:
            code = "row-unreadable"
            raise LedgerUnavailable(code, f"a {self.row_type.__name__} can't be read") from error
        return self.row_type(*values)

    def _check_names(self, names: typing.AbstractSet[str]) -> None:
        unknown = names - self.positions.keys()
        if unknown:
            raise TypeError(f"{self.row_type.__name__} has no field {', '.join(sorted(unknown))}")


def _encoded(field: Field, value: object) -> Stored:
    if value is not None:
        return field.encode(value)
    if field.nullable:
        return None
    raise TypeError(f"field {field.name} is never None")
