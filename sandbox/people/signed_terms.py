"""Terms that a steward signs, as they must stand in the signature: strings to strings.

Keys are base64; what is missing is the empty string, never left out.
"""

import base64
from collections.abc import Mapping
from datetime import datetime

from policies.vocabulary import Role
from sandbox.people.commands import GrantMembership


def opening_terms(signing_key: bytes, sealing_key: bytes | None) -> Mapping[str, str]:
    """Terms of `ledger.open`."""
    return {
        "organisation": "hospital",
        "role": str(Role.STEWARD),
        "signing_key": key_text(signing_key),
        "sealing_key": key_text(sealing_key),
    }


def grant_terms(command: GrantMembership) -> Mapping[str, str]:
    """Terms of `member.grant`."""
    return {
        "role": str(command.role),
        "domain": command.granted_domain,
        "organisation": command.organisation,
        "signing_key": key_text(command.signing_key),
        "sealing_key": key_text(command.sealing_key),
        "expires_at": expiry_text(command.expires_at),
    }


def key_text(key: bytes | None) -> str:
    """A public key as terms hold it."""
    return base64.b64encode(key or b"").decode()


def expiry_text(at: datetime | None) -> str:
    """An expiry as terms hold it: microseconds and `Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else ""
