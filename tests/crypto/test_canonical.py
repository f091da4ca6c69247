"""Canonical JSON: one byte string per value."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import canonical
from crypto.errors import VerificationError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_encoded_decodes_to_an_equal_value(value):
    assert canonical.decode(canonical.encode(value)) == value


@given(VALUES)
def test_compiled_encoder_and_our_own_write_the_same(value):
    assert canonical.encode(value) == canonical._canonical_text(value).encode()


@given(VALUES)
def test_encoding_is_json_that_any_parser_reads(value):
    assert json.loads(canonical.encode(value)) == value


@given(VALUES, st.data())
def test_flipping_a_bit_never_yields_another_form_of_the_same_value(value, data):
    octets = bytearray(canonical.encode(value))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))

    assert decoding(bytes(octets)) in {"refused", "same bytes again"}


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_by_code_or_are_canonical(octets):
    assert decoding(octets) in {"refused", "same bytes again"}


def decoding(octets):
    try:
        value = canonical.decode(octets)
    except VerificationError as error:
        return "refused" if error.code == "not-canonical" else error.code
    return "same bytes again" if canonical.encode(value) == octets else "another form"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_form_reads_back_as_the_same_float(value):
    assert float(canonical.number_form(value)) == value


@pytest.mark.parametrize(
    ("bits", "form"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_number_form_of_the_samples_in_the_rfc(bits, form):
    value = float.fromhex(_hex_float(bits))

    assert canonical.number_form(value) == form


def _hex_float(bits):
    number = int(bits, 16)
    sign, exponent, fraction = number >> 63, number >> 52 & 0x7FF, number & (1 << 52) - 1
    lead, power = (1, exponent - 1023) if exponent else (0, -1022)
    return f"{'-' if sign else ''}0x{lead}.{fraction:013x}p{power}"


def test_keys_are_in_utf16_order_not_in_code_point_order():
    encoded = canonical.encode({"\ufb33": 1, "\U0001f600": 2, "a": 3})

    assert encoded == '{"a":3,"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        float(2**53),
        1e20,
        b"bytes",
        {1: "a"},
        {"a": {2, 3}},
        object(),
        "\ud800",
        {"\udc00": 1},
    ],
    ids=lambda value: "object" if type(value) is object else repr(value),
)
def test_value_without_canonical_form_is_refused(value):
    with pytest.raises(VerificationError) as refused:
        canonical.encode(value)

    assert refused.value.code == "value-unsupported"


def test_nesting_ends_at_the_limit():
    value = []
    for _ in range(canonical.MAX_DEPTH - 1):
        value = [value]
    assert canonical.encode(value)

    with pytest.raises(VerificationError) as refused:
        canonical.encode([value])

    assert refused.value.code == "value-unsupported"


def test_tuples_and_mappings_encode_like_lists_and_dicts():
    assert canonical.encode({"a": (1, True)}) == canonical.encode({"a": [1, True]})
