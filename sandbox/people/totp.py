"""Time-based one-time codes: SHA-1, 30 seconds, six digits, one step either way.

A step is accepted once: whoever calls keeps the step of the last accepted code and passes it in.

Source: RFC 6238; RFC 4226 5.3.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
_DRIFT_STEPS = 1
_SECRET_BYTES = 20


def new_secret() -> bytes:
    """A fresh secret of 160 bits, the length RFC 4226 section 4 recommends."""
    return secrets.token_bytes(_SECRET_BYTES)


def step_at(moment: datetime) -> int:
    """The number of the 30-second step that `moment` lies in."""
    return int(moment.timestamp()) // STEP_S


def code_at(secret: bytes, step: int) -> str:
    """The six digits of one step."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, code: str, now: datetime, last_step: int) -> int | None:
    """The step whose code this is and that is younger than `last_step`, or None.

    All steps in reach are compared in constant time each; none is skipped on a match.
    """
    given = code.encode()
    found = None
    for step in range(step_at(now) - _DRIFT_STEPS, step_at(now) + _DRIFT_STEPS + 1):
        same = hmac.compare_digest(code_at(secret, step).encode(), given)
        if same and step > last_step:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """The secret as authenticator programs take it: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def otpauth(secret: bytes, name: str, issuer: str = "Anbiao") -> str:
    """The URI that an authenticator program scans."""
    label = quote(f"{issuer}:{name}", safe="")
    return (
        f"otpauth://totp/{label}?secret={secret_text(secret)}&issuer={quote(issuer, safe='')}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )
