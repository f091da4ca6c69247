"""Random secrets that are shown once and kept only as digests: tokens, codes, invitations.

All of them carry at least 80 random bits, so a plain SHA-256 keeps them; a slow hash would only
slow us down.
"""

import base64
import hashlib
import hmac
import secrets

RECOVERY_CODES = 10
_TOKEN_BYTES = 32
_RECOVERY_BYTES = 10


def new_token() -> str:
    """A bearer token of 256 random bits, base64url."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_digest(token: str) -> str:
    """What is kept of a token, recovery code or setup code: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes of 80 random bits, as `xxxx-xxxx-xxxx-xxxx` in base32."""
    return tuple(_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code; case, spaces and dashes do not matter."""
    return token_digest("".join(c for c in code.lower() if c.isalnum()))


def invitation(key: bytes, account: str) -> str:
    """The invitation of an account: its id and a MAC under the door's own key.

    Derived and not drawn, so that a repeated request (same idempotency key) gives the same one
    although only its digest is kept.
    """
    mac = hmac.digest(key, b"anbiao-invitation-v1\n" + account.encode(), hashlib.sha256)
    return f"{account}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def invited_account(text: str) -> str:
    """The id of the account that an invitation claims to be for; proves nothing."""
    return text.partition(".")[0]


def _grouped(raw: bytes) -> str:
    text = base64.b32encode(raw).decode().lower()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))
