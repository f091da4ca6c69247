"""Proofs of inclusion as one text."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crypto import checkpoint, merkle, note, tlogproof
from crypto.errors import VerificationError

ORIGIN = "anbiao.localhost/platform"
SIGNER = note.Ed25519Signer(ORIGIN, Ed25519PrivateKey.generate())
ENTRIES = [b"entry %d" % index for index in range(20)]
TREE = merkle.Tree()
TREE.extend(merkle.leaf_hash(entry) for entry in ENTRIES)
NOTE = checkpoint.sign_checkpoint(
    checkpoint.Checkpoint(ORIGIN, 20, TREE.root()), [SIGNER], datetime.now(UTC)
)


@given(st.integers(0, 19), st.none() | st.binary(max_size=20))
def test_every_entry_is_proved_by_its_own_text(index, extra):
    text = tlogproof.format_proof(index, TREE.inclusion(index), NOTE, extra)

    proof = tlogproof.parse_proof(text)

    assert tlogproof.check_proof(proof, ENTRIES[index], [SIGNER.vkey]).size == 20
    assert proof.extra == extra


@given(st.data())
def test_flipping_a_bit_of_the_text_is_noticed(data):
    octets = bytearray(tlogproof.format_proof(7, TREE.inclusion(7), NOTE).encode())
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(VerificationError):
        check_text(octets.decode("utf-8", "surrogateescape"))


def check_text(text):
    tlogproof.check_proof(tlogproof.parse_proof(text), ENTRIES[7], [SIGNER.vkey])


def test_proof_of_one_entry_is_none_of_another():
    proof = tlogproof.parse_proof(tlogproof.format_proof(7, TREE.inclusion(7), NOTE))

    with pytest.raises(VerificationError, match="inclusion-proof"):
        tlogproof.check_proof(proof, ENTRIES[8], [SIGNER.vkey])


def test_log_that_brings_its_own_key_proves_nothing():
    proof = tlogproof.parse_proof(tlogproof.format_proof(7, TREE.inclusion(7), NOTE))

    with pytest.raises(VerificationError, match="checkpoint-unsigned"):
        tlogproof.check_proof(proof, ENTRIES[7], [])
