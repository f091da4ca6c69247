"""What a login is checked by: delays, password, second factor; and what a failure leaves.

The same work is done for a name that nobody bears: one hash, one code, one delay.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from sandbox.acts import Actor
from sandbox.errors import Unauthenticated
from sandbox.people import totp
from sandbox.people.commands import RefuseLogin
from sandbox.people.desk import Desk, folded
from sandbox.people.refusals import Refusals
from sandbox.people.sessions import delay_id
from sandbox.people.tokens import recovery_digest
from sandbox.records.people import Account, LoginDelay

_DECOY_SEED = bytes(20)
_NOBODY = "0" * 32
"""An account that nobody has."""


@dataclass(frozen=True)
class Credentials:
    """What somebody typed, and from where; of `code` and `recovery` one is given."""

    name: str
    password: str
    address: str
    code: str | None = None
    recovery: str | None = None


@dataclass(frozen=True)
class Proof:
    """What proved the second factor: the step of a code, or the digest of a recovery code."""

    step: int | None = None
    recovery_hash: str | None = None


class Checks:
    """Checks credentials; whatever fails is delayed, counted and refused in the same words."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.refusals = Refusals(self._enter)

    def password(self, given: Credentials) -> Account:
        """The person whose name and password these are.

        Raises:
            TooManyRequests: the name or the address has to wait.
            Unauthenticated: `login-refused`.
        """
        now = self._desk.clock()
        self._desk.delays.admit(now, *_subjects(given))
        account = self._desk.named(given.name)
        kept = account.password if account else None
        self._admit_kept(account, now)
        if not self._desk.hasher.verify(given.password, kept) or account is None:
            self.refuse(given, account)
        return account

    def factor(self, given: Credentials, account: Account) -> Proof:
        """What proves the second factor.

        Raises:
            Unauthenticated: `login-refused`.
        """
        proof = self._step(given, account) if given.code else _recovery(given, account)
        if proof is None:
            self.refuse(given, account)
        return proof

    def refuse(self, given: Credentials, account: Account | None) -> NoReturn:
        """Count a failure and refuse.

        Raises:
            Unauthenticated: `login-refused`.
        """
        now = self._desk.clock()
        self._desk.delays.failed(now, *_subjects(given))
        if account is None:
            self.refusals.of_stranger()
        else:
            self.refusals.of_account(account.id)
        raise Unauthenticated("login-refused", "name, password or code is wrong")

    def passed(self, given: Credentials) -> None:
        """The login went through: the name's failures are forgotten."""
        self._desk.delays.succeeded(_subjects(given)[0])

    def _step(self, given: Credentials, account: Account) -> Proof | None:
        seed = _DECOY_SEED
        if account.totp_sealed is not None:
            seed = self._desk.seal.open_seed(account.id, account.totp_sealed)
        step = totp.matching_step(seed, given.code or "", self._desk.clock(), account.totp_step)
        return None if step is None or account.totp_sealed is None else Proof(step=step)

    def _admit_kept(self, account: Account | None, now: datetime) -> None:
        """A delay that was written down outlives a restart; an unknown name costs the same look."""
        with self._desk.platform() as tables:
            delay = tables.of(LoginDelay).get(delay_id(account.id if account else _NOBODY))
        if delay is not None:
            self._desk.delays.admit_from(now, delay.not_before)

    def _enter(self, account: str, failures: int) -> None:
        kept = self._desk.require(account)
        until = self._desk.delays.until(_name_subject(kept.name)) or self._desk.clock()
        self._desk.gate.perform(
            Actor(account), RefuseLogin(account=account, failures=failures, not_before=until)
        )


def _subjects(given: Credentials) -> tuple[str, str]:
    return _name_subject(given.name), f"address:{given.address}"


def _name_subject(name: str) -> str:
    return f"name:{folded(name)}"


def _recovery(given: Credentials, account: Account) -> Proof | None:
    digest = recovery_digest(given.recovery or "")
    return Proof(recovery_hash=digest) if digest in account.recovery_hashes else None
