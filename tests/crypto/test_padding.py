"""Padding: hides the length, has one form, gives the content back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import padding
from crypto.errors import VerificationError


@given(st.binary(max_size=5_000))
def test_padded_content_comes_back(content):
    padded = padding.pad(content)

    assert padding.unpad(padded) == content
    assert len(padded) == padding.padded_size(len(content))


@given(st.binary(max_size=300))
def test_streamed_pieces_make_the_same_form(content):
    size = len(content)

    assert padding.prefix(size) + content + padding.zeroes(size) == padding.pad(content)
    assert padding.content_size(padding.prefix(size), len(padding.pad(content))) == size


@given(st.integers(0, 2**40))
def test_padding_adds_at_most_an_eighth(content):
    total = content + padding.PREFIX_SIZE

    assert total <= padding.padded_size(content) <= total * 1.125


@pytest.mark.parametrize(
    ("total", "padded"),
    [(8, 8), (9, 10), (17, 18), (1_000, 1_024), (1_025, 1_088), (65_537, 67_584)],
)
def test_padded_sizes_are_those_of_padme(total, padded):
    assert padding.padded_size(total - 8) == padded


def test_few_lengths_stay_visible():
    assert len({padding.padded_size(size) for size in range(100_000)}) < 250


@given(st.binary(max_size=200), st.data())
def test_flipping_a_bit_outside_of_the_content_is_refused(content, data):
    padded = bytearray(padding.pad(content))
    outside = [*range(8), *range(8 + len(content), len(padded))]
    at = data.draw(st.sampled_from(outside))
    padded[at] ^= 1 << data.draw(st.integers(0, 7))

    assert reading(bytes(padded)) in {"padding-invalid", "shorter or longer content"}


def reading(padded):
    try:
        content = padding.unpad(padded)
    except VerificationError as error:
        return error.code
    return "shorter or longer content" if padding.pad(content) == padded else "a second form"


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(7),
        bytes(9),
        bytes(16),
        b"\xff" * 8,
        padding.pad(b"content")[:-1],
        padding.pad(b"c") + b"\0",
    ],
)
def test_what_is_not_padded_is_refused(padded):
    with pytest.raises(VerificationError) as refused:
        padding.unpad(padded)

    assert refused.value.code == "padding-invalid"


@pytest.mark.parametrize("content", [-1, padding.MAX_CONTENT + 1])
def test_size_that_cannot_be_padded_is_refused(content):
    with pytest.raises(VerificationError, match="padding-invalid"):
        padding.padded_size(content)
