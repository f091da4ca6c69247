r"""Canonical JSON: one byte string per value, and back again without a second reading.

- `encode` writes the form of RFC 8785: keys in UTF-16 order, ECMAScript numbers, no blanks.
- `decode` accepts exactly the bytes that `encode` writes. Two parsers can then not read two
  different values out of one signed byte string (double keys, `1.0` for `1`, `\u0041` for `A`).
- Integers stay within 2**53 - 1 either way, where every JSON reader agrees; a float whose
  shortest form would be a larger integer literal is refused too.
- Nesting ends at 64 levels, so that a hostile document meets this limit and not the stack's.

Source: RFC 8785; RFC 7493 section 2.2.
"""

import json
import math
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any, Final, NoReturn

from crypto.errors import VerificationError

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 64
_PLAIN: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
)


def encode(value: object) -> bytes:
    """The canonical bytes of a value made of mappings, lists, strings, numbers, booleans, None.

    Raises:
        VerificationError: `value-unsupported` for anything that has no such form.

    Source: RFC 8785 section 3.2.
    """
    text = _PLAIN.encode(value) if _is_plain(value, 0) else _canonical_text(value)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise VerificationError("value-unsupported", "a string holds half a character") from error


def decode(octets: bytes) -> Any:
    """The value whose canonical form `octets` is.

    Raises:
        VerificationError: `not-canonical` for any other bytes.
    """
    try:
        value = json.loads(
            octets.decode("utf-8"),
            object_pairs_hook=_unique_members,
            parse_constant=_refuse_constant,
        )
        again = encode(value)
    except (ValueError, RecursionError, VerificationError) as error:
        raise VerificationError("not-canonical") from error
    if again != octets:
        raise VerificationError("not-canonical")
    return value


def _is_plain(value: object, depth: int) -> bool:
    """Whether the compiled encoder writes exactly the canonical form of this value.

    So it is without floats, and where keys are ASCII, whose order is the same in every encoding.
    """
    if isinstance(value, str) or value is None:
        return True
    if isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    if depth >= MAX_DEPTH:
        return False
    if isinstance(value, dict):
        return all(
            type(key) is str and key.isascii() and _is_plain(item, depth + 1)
            for key, item in value.items()
        )
    return isinstance(value, list | tuple) and all(_is_plain(item, depth + 1) for item in value)


def _canonical_text(value: object) -> str:
    out: list[str] = []
    _write(value, out.append, 0)
    return "".join(out)


def _write(value: object, put: Callable[[str], None], depth: int) -> None:
    if isinstance(value, str):
        put(encode_basestring(value))
    elif value is None or isinstance(value, bool | int | float):
        put(_scalar(value))
    elif depth >= MAX_DEPTH:
        raise VerificationError("value-unsupported", "nested too deep")
    elif isinstance(value, Mapping):
        _write_object(value, put, depth + 1)
    elif isinstance(value, list | tuple):
        _write_array(value, put, depth + 1)
    else:
        raise VerificationError("value-unsupported", f"no form for a {type(value).__name__}")


def _write_object(members: Mapping[Any, object], put: Callable[[str], None], depth: int) -> None:
    if not all(isinstance(key, str) for key in members):
        raise VerificationError("value-unsupported", "a key is not a string")
    lead = "{"
    for key in sorted(members, key=_utf16_order):
        put(f"{lead}{encode_basestring(key)}:")
        _write(members[key], put, depth)
        lead = ","
    put("}" if members else "{}")


def _write_array(
    items: list[object] | tuple[object, ...], put: Callable[[str], None], depth: int
) -> None:
    lead = "["
    for item in items:
        put(lead)
        _write(item, put, depth)
        lead = ","
    put("]" if items else "[]")


def _utf16_order(key: str) -> bytes:
    # Not the order of code points: U+1F600 (D83D DE00) comes before U+FB33.
    # Lone surrogates sort somewhere here and are refused when the text becomes UTF-8.
    return key.encode("utf-16-be", "surrogatepass")


def _scalar(value: float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise VerificationError("value-unsupported", "an integer beyond 2**53 - 1")
        return int.__repr__(value)
    text = number_form(value)
    if abs(value) > MAX_INTEGER and "e" not in text:
        raise VerificationError("value-unsupported", "a float that reads as a large integer")
    return text


def number_form(value: float) -> str:
    """The shortest decimal that reads back as `value`, laid out as ECMAScript does.

    Raises:
        VerificationError: `value-unsupported` for infinities and NaN.

    Source: RFC 8785 section 3.2.2.3; ECMA-262 Number::toString.
    """
    if not math.isfinite(value):
        raise VerificationError("value-unsupported", "not a finite number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, power = f"{abs(value)!r}e0".partition("e")
    exponent = int(power.removesuffix("e0") or "0")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # `point` counts digits before the decimal point when written plainly.
    point = len(whole) + exponent - (len(whole + fraction) - len(digits))
    return sign + _lay_out(digits.rstrip("0"), point)


def _lay_out(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004 - ECMA-262 switches to exponents above 21 digits
        return digits + "0" * (point - count)
    if 0 < point <= 21:  # noqa: PLR2004 - same
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004 - and below 1e-6
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise VerificationError("not-canonical", "a key stands twice")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise VerificationError("not-canonical", "not a finite number")
