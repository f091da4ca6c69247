"""Keys and memberships from outside: a person registers keys, a steward signs who may what.

A steward compares the fingerprint that the person told out of band with what the server shows
before signing: the server relays keys and could show another.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from api.client.errors import ClientError
from api.client.http import Door, Json, new_id
from api.client.keys import PersonKeys
from crypto import canonical, signing

ENROL_LABEL: Final = b"anbiao-enrol-v1\n"
_EMPTY: Final = ""
_UNKNOWN: Final = 404


@dataclass(frozen=True)
class Grant:
    """What a steward gives: a role in a domain (`hospital` or `project:<id>`), to whom."""

    account: str
    role: str
    organisation: str
    fingerprint: str
    domain: str = "hospital"
    expires_at: datetime | None = None


def register_keys(door: Door, keys: PersonKeys) -> Json:
    """Register the public halves of one's own keys.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    named = {
        "signing_key": _text(keys.signing.public_bytes),
        "sealing_key": _text(keys.sealing.public_bytes),
    }
    account = str(door.get("/me")["account"])
    proof = keys.signing.sign(ENROL_LABEL + canonical.encode({"account": account, **named}))
    return door.create("/keys", {**named, "proof": _text(proof)})


def open_ledger(door: Door, keys: PersonKeys, ledger: str) -> Json:
    """Open a hospital's ledger as its steward: entry 0.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    member = new_id()
    terms = {
        "organisation": "hospital",
        "role": "steward",
        "signing_key": _text(keys.signing.public_bytes),
        "sealing_key": _text(keys.sealing.public_bytes),
    }
    signed = signed_body(keys, ledger, "ledger.open", {"member": member}, terms)
    return door.create(f"/hospitals/{ledger}/open", {"member": member, "terms": terms, **signed})


def grant(door: Door, keys: PersonKeys, ledger: str, given: Grant) -> Json:
    """Give an account a role, as the hospital's steward.

    Raises:
        ClientError: `fingerprint-differs`: the server shows another key than the person told;
            or the server refused, or can't be reached.
    """
    card = door.get(f"/accounts/{given.account}")
    terms = {
        "role": given.role,
        "domain": given.domain,
        "organisation": given.organisation,
        "signing_key": checked_key(card, given.fingerprint),
        "sealing_key": str(card["sealing_key"] or _EMPTY),
        "expires_at": _time(given.expires_at),
    }
    objects = {"member": member_of(door, ledger, given.account), "membership": new_id()}
    signed = signed_body(keys, ledger, "member.grant", objects, terms)
    body = {"account": given.account, **objects, "terms": terms, **signed}
    return door.create(f"/hospitals/{ledger}/members", body)


def revoke(door: Door, keys: PersonKeys, ledger: str, membership: str, reason: str) -> Json:
    """Take a role away, as the hospital's steward; `reason` is a code without blanks.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    terms = {"reason": reason}
    signed = signed_body(keys, ledger, "member.revoke", {"membership": membership}, terms)
    return door.delete(f"/hospitals/{ledger}/members/{membership}", {"terms": terms, **signed})


def signed_body(
    keys: PersonKeys,
    ledger: str,
    action: str,
    objects: Mapping[str, str],
    terms: Mapping[str, str],
) -> dict[str, object]:
    """Nonce and signature of an act, as every signed request brings them."""
    nonce = new_id()
    signature = signing.sign_act(keys.signing, ledger, action, objects, terms, nonce)
    return {"nonce": nonce, "signature": _text(signature)}


def checked_key(card: Json, fingerprint: str) -> str:
    """The key in the server's answer, once it is the one that the person told of."""
    text = str(card["signing_key"] or _EMPTY)
    try:
        public = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ClientError("answer-malformed", "the server's key is not base64") from error
    if not public or signing.fingerprint(public) != fingerprint:
        raise ClientError("fingerprint-differs", "this is not the key that the person told of")
    return text


def member_of(door: Door, ledger: str, account: str) -> str:
    """The pseudonym that the account bears in this ledger already, or a fresh one.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    try:
        return str(door.get(f"/hospitals/{ledger}/pseudonyms/{account}")["member"])
    except ClientError as error:
        if error.status != _UNKNOWN:
            raise
        return new_id()


def _time(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else _EMPTY


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
