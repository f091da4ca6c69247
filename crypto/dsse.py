"""DSSE envelopes: a payload with its type and any number of signatures over both.

Key ids are fingerprints of the public keys; they only say which key to try.

Source: DSSE v1.0.2 (secure-systems-lab), protocol.md and envelope.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crypto import signing, strict64
from crypto.errors import VerificationError

IN_TOTO: str = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class Signed:
    """An envelope that was verified: what was signed and by which of the known keys."""

    payload_type: str
    payload: bytes
    signers: tuple[bytes, ...]


def pae(payload_type: str, body: bytes) -> bytes:
    """The bytes that are signed: type and body, each with its length."""
    named = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(named), named, len(body), body)


def sign(payload_type: str, body: bytes, key: signing.PersonKey) -> bytes:
    """One signature for an envelope."""
    return key.sign(pae(payload_type, body))


def envelope(
    payload_type: str, body: bytes, signatures: Iterable[tuple[bytes, bytes]]
) -> dict[str, object]:
    """An envelope with signatures given as (public key, signature), in this order."""
    return {
        "payload": strict64.encode(body),
        "payloadType": payload_type,
        "signatures": [
            {"keyid": signing.fingerprint(public), "sig": strict64.encode(signature)}
            for public, signature in signatures
        ],
    }


def sign_envelope(
    payload_type: str, body: bytes, keys: Sequence[signing.PersonKey]
) -> dict[str, object]:
    """An envelope signed by each of `keys`."""
    made = [(key.public_bytes, sign(payload_type, body, key)) for key in keys]
    return envelope(payload_type, body, made)


def verify(wrapped: Mapping[str, Any], keys: Iterable[bytes]) -> Signed:
    """Check an envelope with the public keys that are known.

    Signatures by unknown keys are passed over; one bad signature under a known key's id refuses
    the whole envelope. The caller decides whether `signers` are enough.

    Raises:
        VerificationError: `envelope-malformed`, `signature-invalid`, `envelope-unsigned` when no
            known key signed, `key-malformed` when one of `keys` is none.
    """
    payload_type, body, signatures = _parts(wrapped)
    known = {signing.fingerprint(public): public for public in keys}
    message = pae(payload_type, body)
    signers: list[bytes] = []
    for key_id, signature in signatures:
        public = known.get(key_id)
        if public is not None:
            signing.verify(public, message, signature)
            signers.append(public)
    if not signers:
        raise VerificationError("envelope-unsigned")
    return Signed(payload_type, body, tuple(dict.fromkeys(signers)))


def _parts(wrapped: Mapping[str, Any]) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    try:
        payload_type = wrapped["payloadType"]
        signatures = [
            (line["keyid"], strict64.decode(line["sig"])) for line in wrapped["signatures"]
        ]
        body = strict64.decode(wrapped["payload"])
    except (KeyError, TypeError, AttributeError, VerificationError) as error:
        raise VerificationError("envelope-malformed") from error
    if not isinstance(payload_type, str) or not all(isinstance(k, str) for k, _ in signatures):
        raise VerificationError("envelope-malformed")
    return payload_type, body, signatures
