"""Logins of services: no password, an Ed25519 signature over who, when and a nonce."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crypto import canonical, signing
from crypto.errors import VerificationError
from sandbox.acts import Actor
from sandbox.errors import Unauthenticated
from sandbox.people.accounts import ACTIVE, SERVICE
from sandbox.people.commands import OpenSession
from sandbox.people.desk import Desk
from sandbox.people.entrance import Opened
from sandbox.people.tokens import new_token, token_digest

LABEL: Final = b"anbiao-service-login-v1\n"
WINDOW: Final = timedelta(seconds=90)


@dataclass(frozen=True)
class ServiceLogin:
    """What a service sends; `at` is the exact text that was signed."""

    account: str
    at: str
    nonce: str
    signature: bytes
    address: str


def login_bytes(account: str, at: str, nonce: str) -> bytes:
    """The bytes that a service signs to log in."""
    return LABEL + canonical.encode({"account": account, "at": at, "nonce": nonce})


class ServiceEntrance:
    """Opens sessions for services."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def log_in(self, given: ServiceLogin) -> Opened:
        """Open a session by a signature.

        Raises:
            Unauthenticated: unknown account, wrong key, out of the window, or a nonce used before.
            TooManyRequests: too many tries from this address or for this account.
        """
        now, limits = self._desk.clock(), self._desk.limits
        subjects = f"service:{given.account}", f"address:{given.address}"
        self._desk.delays.admit(now, *subjects)
        if not self._is_good(given, now):
            self._desk.delays.failed(now, *subjects)
            raise Unauthenticated("login-refused", "account, time or signature is wrong")
        token = new_token()
        self._desk.gate.perform(
            Actor(given.account),
            OpenSession(
                account=given.account, session=token_digest(token), purpose="", nonce=given.nonce
            ),
        )
        self._desk.delays.succeeded(subjects[0])
        return Opened(token, given.account, now + limits.idle, now + limits.longest)

    def _is_good(self, given: ServiceLogin, now: datetime) -> bool:
        account = self._desk.account(given.account)
        key = account.signing_key if account else None
        try:
            near = abs(datetime.fromisoformat(given.at) - now) <= WINDOW
            message = login_bytes(given.account, given.at, given.nonce)
            signing.verify(key or b"", message, given.signature)
        except (ValueError, TypeError, VerificationError):
            return False
        return near and account is not None and account.kind == SERVICE and account.state == ACTIVE
