"""Every refusal has a code that is known, used and described."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import errors, strict64

SOURCES = [p for p in (Path(errors.__file__).parent).glob("*.py") if p.name != "verifier.py"]


def raised_codes():
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", None)
            if isinstance(node, ast.Call) and name == "VerificationError":
                yield ast.literal_eval(node.args[0])


def test_codes_raised_are_exactly_those_that_are_listed():
    assert set(raised_codes()) == set(errors.CODES)


def test_codes_are_kebab_case_and_sorted():
    codes = list(errors.CODES)

    assert codes == sorted(codes)
    assert all(code.replace("-", "").isalnum() and code.islower() for code in codes)


def test_error_says_code_and_meaning():
    error = errors.VerificationError("chunk-altered")

    assert (error.code, str(error)) == (
        "chunk-altered",
        "chunk-altered: a chunk fails its authentication tag",
    )
    assert errors.VerificationError("chunk-altered", "more").message == "more"


@given(st.binary(max_size=60))
def test_base64_comes_back(octets):
    assert strict64.decode(strict64.encode(octets), len(octets)) == octets


@pytest.mark.parametrize(
    ("text", "size"),
    [("AAA", None), ("AA=", None), ("AB==", None), ("AAB=", None), ("AA==\n", None), (" AAAA", None),
     ("AA-_", None), ("AAAA=", None), ("====", None), ("ＡAAA", None), ("AAAA", 2), ("", 1)],
)  # fmt: skip
def test_second_form_of_base64_is_refused(text, size):
    with pytest.raises(errors.VerificationError) as refused:
        strict64.decode(text, size)

    assert refused.value.code == "base64-malformed"
