"""Signed notes and the three kinds of signature lines."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from hypothesis import given
from hypothesis import strategies as st

from crypto import merkle, note, strict64, treehead
from crypto.errors import VerificationError

ORIGIN = "anbiao.localhost/platform"
HEAD = treehead.Checkpoint(ORIGIN, 5, merkle.leaf_hash(b"root"))
ED25519 = note.Ed25519Signer(ORIGIN, Ed25519PrivateKey.generate())
MLDSA = note.MldsaSigner(ORIGIN, MLDSA44PrivateKey.generate())
NOW = 1_790_000_000
SIGNED = note.sign_note(HEAD.text(), [ED25519, MLDSA], NOW)
KEYS = [ED25519.vkey, MLDSA.vkey]


def test_note_opens_with_the_keys_that_signed_it():
    opened = note.open_note(SIGNED, KEYS)

    assert opened.text == HEAD.text()
    assert [(line.key, line.now) for line in opened.signatures] == [(KEYS[0], None), (KEYS[1], NOW)]


def test_published_signer_gives_the_published_line():
    key = strict64.decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    signer = note.Ed25519Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(key[1:]))
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )

    signed = note.sign_note(text, [signer])

    assert str(signer.vkey) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert signed.endswith(
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
        "Zb6KE6RyyBwJnAM=\n"
    )


@given(st.data())
def test_flipping_any_bit_of_the_text_is_noticed(data):
    octets = bytearray(SIGNED.encode())
    at = data.draw(st.integers(0, len(HEAD.text()) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(VerificationError):
        note.open_note(bytes(octets), KEYS)


@given(st.integers(0, 2427), st.integers(0, 7))
def test_flipping_any_bit_of_a_cosignature_is_noticed(at, bit):
    field = bytearray(MLDSA.sign(HEAD.text(), NOW))
    field[at] ^= 1 << bit

    with pytest.raises(VerificationError) as refused:
        MLDSA.vkey.verify(HEAD.text(), bytes(field))

    assert refused.value.code == "note-signature"


def test_cosignature_is_over_the_bytes_of_the_specification():
    field = MLDSA.sign(HEAD.text(), NOW)

    spelled = (
        b"subtree/v1\n\x00"
        b"\x19anbiao.localhost/platform"
        + (1_790_000_000).to_bytes(8, "big")
        + b"\x19anbiao.localhost/platform"
        + b"\x00\x00\x00\x00\x00\x00\x00\x00"
        + b"\x00\x00\x00\x00\x00\x00\x00\x05"
        + HEAD.root
    )
    assert field[:8] == NOW.to_bytes(8, "big")
    MLDSA44PublicKey.from_public_bytes(MLDSA.vkey.public).verify(field[8:], spelled)


def test_witness_line_counts_under_its_own_type_only():
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    witness = note.VerifierKey("witness.example/w1", note.ED25519_COSIGNATURE, public)
    plain = note.VerifierKey("witness.example/w1", note.ED25519, public)
    signed = private.sign(f"cosignature/v1\ntime {NOW}\n{HEAD.text()}".encode())
    field = NOW.to_bytes(8, "big") + signed

    assert witness.verify(HEAD.text(), field) == NOW
    assert witness.key_id != plain.key_id
    for key, line in ((plain, field), (plain, signed), (witness, signed), (witness, b"")):
        with pytest.raises(VerificationError, match="note-signature"):
            key.verify(HEAD.text(), line)


def test_witness_signer_makes_what_its_key_verifies():
    witness = note.Ed25519Cosigner("witness.example/w1", Ed25519PrivateKey.generate())

    signed = note.sign_note(HEAD.text(), [ED25519, witness], NOW)

    assert note.open_note(signed, [witness.vkey]).signatures == (note.Signature(witness.vkey, NOW),)
    with pytest.raises(VerificationError, match="checkpoint-malformed"):
        witness.sign("some text\n", NOW)


def test_a_log_and_a_witness_sign_different_bytes_under_one_ml_dsa_key():
    """The name is signed: a log's own line never passes for its witness's, nor the other way."""
    private = MLDSA44PrivateKey.generate()
    log, witness = note.MldsaSigner(ORIGIN, private), note.MldsaSigner("witness.example", private)

    line = log.sign(HEAD.text(), NOW)

    assert log.vkey.key_id != witness.vkey.key_id
    with pytest.raises(VerificationError, match="note-signature"):
        witness.vkey.verify(HEAD.text(), line)


def test_cosigner_speaks_about_checkpoints_only():
    with pytest.raises(VerificationError, match="checkpoint-malformed"):
        MLDSA.sign("some text\n", NOW)
    with pytest.raises(VerificationError, match="note-signature"):
        MLDSA.vkey.verify("some text\n", MLDSA.sign(HEAD.text(), NOW))


def test_time_beyond_the_range_of_times_is_refused():
    field = b"\xff" * 8 + MLDSA.sign(HEAD.text(), NOW)[8:]

    with pytest.raises(VerificationError, match="note-signature"):
        MLDSA.vkey.verify(HEAD.text(), field)


def test_time_zero_claims_no_time():
    assert MLDSA.vkey.verify(HEAD.text(), MLDSA.sign(HEAD.text(), 0)) is None


def test_vkey_prints_as_it_was_read():
    for key in KEYS:
        assert note.VerifierKey.parse(str(key)) == key


@given(st.integers(0, 100), st.integers(0, 7))
def test_altered_vkey_is_refused(at, bit):
    line = bytearray(str(ED25519.vkey).encode())
    line[at % len(line)] ^= 1 << bit

    with pytest.raises(VerificationError) as refused:
        note.VerifierKey.parse(line.decode("latin-1"))

    assert refused.value.code == "vkey-malformed"


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x00b", "\ud800", "n" * 256]
)
def test_name_that_no_line_can_carry_is_refused(name):
    with pytest.raises(VerificationError) as refused:
        note.VerifierKey(name, note.ED25519, bytes(32))

    assert refused.value.code == "vkey-malformed"


@pytest.mark.parametrize("text", ["", "no newline", "tab\tinside\n", "a\r\n", "half \ud800\n"])
def test_text_that_no_note_can_carry_is_not_signed(text):
    signer = note.Ed25519Signer("a.example", Ed25519PrivateKey.generate())

    with pytest.raises(VerificationError) as refused:
        note.sign_note(text, [signer])

    assert refused.value.code == "note-malformed"


def test_note_without_signers_is_not_made():
    with pytest.raises(VerificationError, match="note-malformed"):
        note.sign_note("text\n", [])


def test_note_over_the_size_limit_is_refused():
    signer = note.Ed25519Signer("a.example", Ed25519PrivateKey.generate())

    with pytest.raises(VerificationError, match="note-malformed"):
        note.sign_note("x" * note.MAX_NOTE_BYTES + "\n", [signer])


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(VerificationError, match="note-malformed"):
        note.open_note(SIGNED.encode() + b"\xff", KEYS)


def test_sixty_four_lines_are_read():
    text, _, tail = SIGNED.rpartition("\n\n")
    line = tail.split("\n")[0] + "\n"
    others = "".join(f"— other{number} {line.split(' ')[2]}" for number in range(63))

    assert len(note.open_note(f"{text}\n\n{line}{others}", KEYS).signatures) == 1


def test_no_key_has_two_lines():
    text, _, tail = SIGNED.rpartition("\n\n")
    line = tail.split("\n")[0] + "\n"

    with pytest.raises(VerificationError, match="note-malformed"):
        note.open_note(f"{text}\n\n{line}{line}", KEYS)


def test_origin_too_long_to_be_cosigned_is_refused():
    head = treehead.Checkpoint("o" * 256, 5, HEAD.root)

    with pytest.raises(VerificationError, match="checkpoint-malformed"):
        note.subtree_message("a", NOW, head)
