"""Sealing to a key: opens with its private half, in its place, unaltered; else not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import sealing
from crypto.errors import VerificationError

PRIVATE = sealing.generate()
FILE_KEY = bytes(range(32))
INFO = sealing.object_info("d", "p", "k")
HEADER = sealing.seal_header(PRIVATE.public_bytes, INFO, FILE_KEY)


def code_of(act, *arguments):
    with pytest.raises(VerificationError) as refused:
        act(*arguments)
    return refused.value.code


@given(st.binary(max_size=2_000), st.binary(max_size=50))
def test_seal_opens_with_the_private_half(plaintext, info):
    sealed = sealing.seal(PRIVATE.public_bytes, info, plaintext)

    assert sealing.open(PRIVATE, info, sealed) == plaintext
    assert len(sealed) == len(plaintext) + sealing.OVERHEAD


def test_seed_is_the_whole_private_key():
    again = sealing.SealingPrivateKey(PRIVATE.private_bytes)

    assert again.public_bytes == PRIVATE.public_bytes
    assert sealing.open_header(again, INFO, HEADER) == FILE_KEY


def test_pair_grows_from_its_seed_as_the_draft_says():
    seed = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")

    public = sealing.SealingPrivateKey(seed).public_bytes.hex()

    assert public.startswith(
        "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3d"
    )
    assert len(public) == 2 * sealing.PUBLIC_SIZE


def test_two_seals_of_one_plaintext_differ():
    assert sealing.seal(PRIVATE.public_bytes, b"", b"x") != sealing.seal(
        PRIVATE.public_bytes, b"", b"x"
    )


@given(st.integers(0, sealing.HEADER_SIZE - 1), st.integers(0, 7))
def test_flipping_any_bit_of_a_header_is_noticed(at, bit):
    header = bytearray(HEADER)
    header[at] ^= 1 << bit

    assert code_of(sealing.open_header, PRIVATE, INFO, bytes(header)) == "seal-altered"


def test_header_opens_in_its_place_only():
    for info in (b"", sealing.object_info("d", "pk", ""), sealing.object_info("d", "p", "l")):
        assert code_of(sealing.open_header, PRIVATE, info, HEADER) == "seal-altered"
    assert code_of(sealing.open_header, sealing.generate(), INFO, HEADER) == "seal-altered"


@pytest.mark.parametrize("size", [0, 1, 1_120, sealing.HEADER_SIZE - 1])
def test_cut_seal_is_refused(size):
    assert code_of(sealing.open_header, PRIVATE, INFO, HEADER[:size]) == "seal-altered"
    assert code_of(sealing.open, PRIVATE, INFO, HEADER[6:][:size][:-1]) == "seal-altered"


@pytest.mark.parametrize(
    "public",
    [b"", bytes(1_215), bytes(1_217), b"\xff" * 1_216, PRIVATE.public_bytes[:1_184] + bytes(32)],
    ids=["empty", "short", "long", "coefficients out of range", "small order"],
)
def test_what_is_no_public_key_seals_nothing(public):
    assert code_of(sealing.seal, public, b"", b"x") == "key-malformed"


def test_keys_of_another_length_are_refused():
    assert code_of(sealing.SealingPrivateKey, bytes(31)) == "key-malformed"
    assert code_of(sealing.seal_header, PRIVATE.public_bytes, INFO, bytes(31)) == "key-malformed"


def test_places_never_read_alike():
    words = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c")]

    made = {sealing.object_info(*w) for w in words} | {sealing.object_context(*w) for w in words}

    assert len(made) == 8
