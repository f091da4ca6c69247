"""Checkpoints: all pinned keys must have signed, and for this log."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from crypto import checkpoint, merkle, note, treehead
from crypto.errors import VerificationError

ORIGIN = "anbiao.localhost/platform"
HEAD = checkpoint.Checkpoint(ORIGIN, 5, merkle.leaf_hash(b"root"))
ED25519 = note.Ed25519Signer(ORIGIN, Ed25519PrivateKey.generate())
MLDSA = note.MldsaSigner(ORIGIN, MLDSA44PrivateKey.generate())
AT = datetime(2026, 9, 21, 12, 0, 0, 999999, tzinfo=UTC)


def test_checkpoint_opens_with_all_its_log_keys():
    signed = checkpoint.sign_checkpoint(HEAD, [ED25519, MLDSA], AT)

    assert checkpoint.open_checkpoint(signed, [ED25519.vkey, MLDSA.vkey]) == HEAD
    assert checkpoint.open_checkpoint(signed.encode(), [MLDSA.vkey]) == HEAD


def test_cosignature_claims_the_time_in_whole_seconds():
    signed = checkpoint.sign_checkpoint(HEAD, [MLDSA], AT)

    line = checkpoint.cosigners(signed, [MLDSA.vkey]).signatures[0]

    assert line.now == int(AT.timestamp())


def test_stripping_the_second_signature_does_not_help():
    signed = checkpoint.sign_checkpoint(HEAD, [ED25519], AT)

    with pytest.raises(VerificationError) as refused:
        checkpoint.open_checkpoint(signed, [ED25519.vkey, MLDSA.vkey])

    assert refused.value.code == "checkpoint-unsigned"


def test_whoever_knows_all_keys_of_a_log_takes_no_other_line_under_its_name():
    stranger = note.Ed25519Signer(ORIGIN, Ed25519PrivateKey.generate())
    signed = checkpoint.sign_checkpoint(HEAD, [ED25519, MLDSA, stranger], AT)
    keys = [ED25519.vkey, MLDSA.vkey]

    assert checkpoint.open_checkpoint(signed, keys) == HEAD
    assert checkpoint.open_checkpoint(signed, [*keys, stranger.vkey], complete=True) == HEAD
    with pytest.raises(VerificationError, match="checkpoint-origin"):
        checkpoint.open_checkpoint(signed, keys, complete=True)


def test_checkpoint_without_pinned_key_proves_nothing():
    signed = checkpoint.sign_checkpoint(HEAD, [ED25519], AT)

    with pytest.raises(VerificationError, match="checkpoint-unsigned"):
        checkpoint.open_checkpoint(signed, [])


def test_log_does_not_sign_for_another_log():
    other = note.Ed25519Signer("elsewhere.example", Ed25519PrivateKey.generate())

    with pytest.raises(VerificationError, match="checkpoint-origin"):
        checkpoint.sign_checkpoint(HEAD, [other], AT)


def test_witness_is_no_log():
    signed = checkpoint.sign_checkpoint(HEAD, [ED25519], AT)

    with pytest.raises(VerificationError, match="note-unsigned"):
        checkpoint.cosigners(signed, [MLDSA.vkey])


@pytest.mark.parametrize(
    "made",
    [
        lambda: checkpoint.Checkpoint("", 5, HEAD.root),
        lambda: checkpoint.Checkpoint("a b", 5, HEAD.root),
        lambda: checkpoint.Checkpoint(ORIGIN, -1, HEAD.root),
        lambda: checkpoint.Checkpoint(ORIGIN, 2**63, HEAD.root),
        lambda: checkpoint.Checkpoint(ORIGIN, 5, HEAD.root[:31]),
        lambda: checkpoint.Checkpoint(ORIGIN, 0, HEAD.root),
        lambda: checkpoint.parse(""),
        lambda: checkpoint.parse(HEAD.text() + "extension\n"),
        lambda: checkpoint.parse(HEAD.text()[:-1]),
        lambda: checkpoint.parse(HEAD.text().replace("\n5\n", "\n05\n")),
        lambda: treehead.parse_decimal("٣"),
    ],
)
def test_what_is_no_tree_head_is_refused(made):
    with pytest.raises(VerificationError) as refused:
        made()

    assert refused.value.code == "checkpoint-malformed"


def test_empty_log_has_a_checkpoint():
    empty = checkpoint.Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)

    assert checkpoint.parse(empty.text()) == empty
