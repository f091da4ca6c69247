"""What the doors of this room share: their ports, and looking accounts up."""

import re
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sandbox.acts import PLATFORM, Actor, Command, Receipt
from sandbox.errors import NotFound, Unacceptable
from sandbox.people.delays import Delays
from sandbox.people.passwords import Hasher
from sandbox.people.setup_code import SetupCode
from sandbox.provenance.entry import is_word
from sandbox.records.people import Account
from sandbox.records.port import Tables

_NAME = re.compile(r"[^\W_](?:[\w.@ -]{0,62}[^\W_])?")


class Gate(Protocol):
    """What this room needs of the gate."""

    def perform(self, actor: Actor, command: Command) -> Receipt:
        """Carry out a command or refuse it, with one entry either way."""
        ...

    def snapshot(self, ledger: str) -> AbstractContextManager[Tables]:
        """A ledger's rows as they are now, read only."""
        ...


class SeedSeal(Protocol):
    """Seals the seeds of second factors under the serving root."""

    def seal_seed(self, account: str, seed: bytes) -> bytes:
        """The seed, sealed for this account alone."""
        ...

    def open_seed(self, account: str, sealed: bytes) -> bytes:
        """The seed.

        Raises:
            VerificationFailed: it was sealed for another account, or altered.
        """
        ...


class LastSeen(Protocol):
    """When each session was last seen."""

    def seen(self, session: str) -> datetime | None:
        """When the session was last seen, as far as is known here."""
        ...

    def touch(self, session: str, now: datetime) -> None:
        """The session was seen just now."""
        ...

    def save(self, now: datetime) -> None:
        """Write everything down, at the end of the process."""
        ...


@dataclass(frozen=True)
class Limits:
    """How long sessions and invitations last."""

    idle: timedelta
    longest: timedelta
    invitation: timedelta


@dataclass(frozen=True)
class Desk:
    """The ports of this room."""

    gate: Gate
    hasher: Hasher
    delays: Delays
    presence: LastSeen
    setup_code: SetupCode
    seal: SeedSeal
    invitation_key: bytes
    limits: Limits
    clock: Callable[[], datetime]
    new_id: Callable[[], str]

    def platform(self) -> AbstractContextManager[Tables]:
        """The platform's rows as they are now."""
        return self.gate.snapshot(PLATFORM)

    def account(self, key: str) -> Account | None:
        """The account with this id."""
        with self.platform() as tables:
            return tables.of(Account).get(key)

    def named(self, name: str) -> Account | None:
        """The account that bears this name."""
        with self.platform() as tables:
            found = tables.of(Account).find(name=folded(name), limit=1)
        return found[0] if found else None

    def require(self, key: str) -> Account:
        """The account with this id.

        Raises:
            NotFound: there is none.
        """
        account = self.account(key)
        if account is None:
            raise NotFound("account-unknown", "there is no such account")
        return account


def folded(name: str) -> str:
    """A name as it is compared: two that look alike are one."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def account_name(name: str) -> str:
    """A name that an account may bear, folded.

    Raises:
        Unacceptable: empty, longer than 64 characters, or with signs that can't be told apart.
    """
    text = folded(name)
    if _NAME.fullmatch(text) is None:
        raise Unacceptable(
            "name-refused", "1 to 64 letters, digits, dots, dashes, blanks or @", field="name"
        )
    return text


def organisation_code(text: str) -> str:
    """The code of an organisation, as entries may hold it.

    Raises:
        Unacceptable: it has blanks, signs outside ASCII, or more than 128 of them.
    """
    if not is_word(text):
        raise Unacceptable("organisation-refused", "use a short code", field="organisation")
    return text
