"""Records under a project's key: whole, in their place, or not at all."""

import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from crypto.canonical import encode
from sandbox.errors import VerificationFailed
from sandbox.records.sealed_labels import (
    LabelPayload,
    LabelSecret,
    open_label,
    open_record,
    salted,
    seal_label,
    seal_record,
)

KEY = bytes(range(32))
SECRET = LabelSecret(salted(b'{"a":1}'), salted("一".encode()), salted(b""))


def test_a_label_comes_back_as_it_was_sealed():
    assert open_label(KEY, "p", "l", seal_label(KEY, "p", "l", SECRET)) == SECRET


def test_each_commitment_has_a_salt_of_its_own():
    assert len({salted(b"same").commitment for _ in range(10)}) == 10


@pytest.mark.parametrize(
    ("key", "project", "label"), [(bytes(32), "p", "l"), (KEY, "q", "l"), (KEY, "p", "m")]
)
def test_a_label_opens_under_its_key_and_in_its_place_only(key, project, label):
    sealed = seal_label(KEY, "p", "l", SECRET)

    with pytest.raises(VerificationFailed, match="record-altered"):
        open_label(key, project, label, sealed)


@given(st.integers(0, 10**6), st.integers(0, 7))
def test_any_changed_bit_is_found(place, bit):
    sealed = bytearray(seal_label(KEY, "p", "l", SECRET))
    sealed[place % len(sealed)] ^= 1 << bit

    with pytest.raises(VerificationFailed, match="record-altered"):
        open_label(KEY, "p", "l", bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"x" * 12, b"x" * 27, b"x" * 28])
def test_what_is_too_short_is_refused(sealed):
    with pytest.raises(VerificationFailed, match="record-altered"):
        open_label(KEY, "p", "l", sealed)


@pytest.mark.parametrize(
    "plain",
    [b"", b"{ }", encode([]), encode({"label": "x"}), encode({"label": {"text": "x"}}),
     encode({"label": {"text": "x", "salt": "zz"}}), encode({"label": {"text": 1, "salt": ""}})],
)  # fmt: skip
def test_a_record_of_another_form_is_refused(plain):
    nonce = secrets.token_bytes(12)
    sealed = nonce + AESGCM(KEY).encrypt(nonce, plain, b"anbiao-record-v1\nplace")

    with pytest.raises(VerificationFailed, match="record-malformed"):
        open_record(KEY, "place", sealed)


def test_a_label_that_lacks_a_part_is_refused():
    sealed = seal_record(KEY, "label:p:l", {"label": salted(b"x")})

    with pytest.raises(VerificationFailed, match="record-malformed"):
        open_label(KEY, "p", "l", sealed)


@pytest.mark.parametrize(
    "text", [b"", b"[]", encode({}), encode({"project": "p", "item": "i", "version": "x"})]
)
def test_a_payload_of_another_form_is_refused(text):
    with pytest.raises(VerificationFailed, match="record-malformed"):
        LabelPayload.decoded(text)


def test_a_payload_comes_back():
    payload = LabelPayload("p", "i", 3, {"classes": ["a", "b"]})

    assert LabelPayload.decoded(payload.encoded()) == payload
