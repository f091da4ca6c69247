"""DSSE envelopes."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import dsse, signing, strict64
from crypto.errors import VerificationError

VOTER, PLATFORM = signing.PersonKey.generate(), signing.PersonKey.generate()
KEYS = [VOTER.public_bytes, PLATFORM.public_bytes]
BODY = b'{"_type":"https://in-toto.io/Statement/v1"}'
ENVELOPE = dsse.sign_envelope(dsse.IN_TOTO, BODY, [VOTER, PLATFORM])


def code_of(wrapped, keys=KEYS):
    with pytest.raises(VerificationError) as refused:
        dsse.verify(wrapped, keys)
    return refused.value.code


def changed(**members):
    return {**copy.deepcopy(ENVELOPE), **members}


def test_signed_bytes_are_those_of_the_specification():
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert dsse.pae("型", b"") == b"DSSEv1 3 \xe5\x9e\x8b 0 "


def test_envelope_verifies_and_names_its_signers():
    signed = dsse.verify(ENVELOPE, KEYS)

    assert signed == dsse.Signed(dsse.IN_TOTO, BODY, tuple(KEYS))
    assert dsse.verify(ENVELOPE, KEYS[1:]).signers == (KEYS[1],)


def test_envelope_takes_signatures_that_were_made_elsewhere():
    made = dsse.sign(dsse.IN_TOTO, BODY, VOTER)

    wrapped = dsse.envelope(dsse.IN_TOTO, BODY, [(VOTER.public_bytes, made)])

    assert dsse.verify(wrapped, KEYS).signers == (VOTER.public_bytes,)


def test_signing_twice_counts_once():
    wrapped = dsse.sign_envelope(dsse.IN_TOTO, BODY, [VOTER, VOTER])

    assert dsse.verify(wrapped, KEYS).signers == (VOTER.public_bytes,)


@given(st.integers(0, len(BODY) - 1), st.integers(0, 7))
def test_flipping_any_bit_of_the_payload_is_noticed(at, bit):
    body = bytearray(BODY)
    body[at] ^= 1 << bit

    assert code_of(changed(payload=strict64.encode(bytes(body)))) == "signature-invalid"


def test_payload_does_not_verify_under_another_type():
    assert code_of(changed(payloadType="text/plain")) == "signature-invalid"


def test_one_bad_signature_of_a_known_key_refuses_all():
    wrapped = copy.deepcopy(ENVELOPE)
    wrapped["signatures"][1]["sig"] = wrapped["signatures"][0]["sig"]

    assert code_of(wrapped) == "signature-invalid"


def test_envelope_that_no_known_key_signed_is_refused():
    stranger = signing.PersonKey.generate().public_bytes

    assert code_of(ENVELOPE, [stranger]) == "envelope-unsigned"
    assert code_of(ENVELOPE, []) == "envelope-unsigned"
    assert code_of(changed(signatures=[])) == "envelope-unsigned"


def test_key_of_small_order_signs_nothing():
    neutral = b"\x01" + bytes(31)
    wrapped = dsse.envelope(dsse.IN_TOTO, BODY, [(neutral, neutral + bytes(32))])

    assert code_of(wrapped, [neutral]) == "key-malformed"


@pytest.mark.parametrize(
    "members",
    [
        {"payload": "not base64"},
        {"payload": None},
        {"payload": strict64.encode(BODY).rstrip("=")},
        {"payloadType": 5},
        {"signatures": None},
        {"signatures": ["text"]},
        {"signatures": [{"keyid": "a"}]},
        {"signatures": [{"keyid": 5, "sig": ""}]},
        {"signatures": [{"keyid": "a", "sig": "!"}]},
        {"signatures": [{"keyid": "a", "sig": 5}]},
    ],
    ids=str,
)
def test_what_is_no_envelope_is_refused(members):
    assert code_of(changed(**members)) == "envelope-malformed"


def test_envelope_without_its_members_is_refused():
    assert code_of({}) == "envelope-malformed"
