"""Salted commitments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import commitments
from crypto.errors import VerificationError


@given(st.binary(max_size=100))
def test_commitment_opens_with_its_salt_and_payload(payload):
    salt = commitments.new_salt()

    commitments.check(commitments.commit(salt, payload), salt, payload)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_flipping_a_bit_of_payload_salt_or_commitment_is_noticed(payload, data):
    salt = commitments.new_salt()
    parts = [bytearray(commitments.commit(salt, payload)), bytearray(salt), bytearray(payload)]
    part = data.draw(st.sampled_from(parts))
    part[data.draw(st.integers(0, len(part) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(VerificationError) as refused:
        commitments.check(*(bytes(part) for part in parts))

    assert refused.value.code == "commitment-mismatch"


def test_salts_are_fresh_and_of_full_length():
    assert len({commitments.new_salt() for _ in range(100)}) == 100
    assert len(commitments.new_salt()) == 32


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_salt_of_another_length_commits_to_nothing(size):
    with pytest.raises(VerificationError, match="commitment-mismatch"):
        commitments.commit(bytes(size), b"payload")
