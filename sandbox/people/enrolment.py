"""How a person comes in: setup of the first account, invitations, second factors."""

import hmac
from dataclasses import dataclass

from sandbox.acts import Actor
from sandbox.errors import Conflict, Unauthenticated
from sandbox.people import totp
from sandbox.people.accounts import ENROLLING, INVITED
from sandbox.people.checks import Checks, Credentials
from sandbox.people.commands import EnrolFactor, FoundPlatform, SecondFactor
from sandbox.people.desk import Desk, account_name
from sandbox.people.tokens import (
    invitation,
    invited_account,
    new_recovery_codes,
    recovery_digest,
)
from sandbox.records.people import Account


@dataclass(frozen=True)
class NewFactor:
    """What a person is shown once: the seed for an authenticator and ten recovery codes."""

    account: str
    name: str
    totp_secret: str
    otpauth: str
    recovery_codes: tuple[str, ...]


class Enrolments:
    """First accounts, invitations and unconfirmed second factors."""

    def __init__(self, desk: Desk, checks: Checks) -> None:
        self._desk = desk
        self._checks = checks

    def offer_setup(self) -> None:
        """Write the one-time setup code when there is no account at all."""
        with self._desk.platform() as tables:
            empty = tables.size() == 0 and tables.of(Account).count() == 0
        if empty:
            self._desk.setup_code.offer()

    def set_up(self, code: str, name: str, password: str, address: str) -> NewFactor:
        """Make the first account, by the code that `offer_setup` wrote.

        Raises:
            Unauthenticated: the code is wrong, or spent.
            TooManyRequests: too many tries.
            Unacceptable: name or password is no good.
            Conflict: there is an account already.
        """
        now = self._desk.clock()
        self._desk.delays.admit(now, "setup", f"address:{address}")
        if not self._desk.setup_code.matches(code):
            self._desk.delays.failed(now, "setup", f"address:{address}")
            raise Unauthenticated("setup-refused", "the setup code is wrong or spent")
        account, plain_name = self._desk.new_id(), account_name(name)
        kept = self._desk.hasher.hash(password)
        shown, factor = self._new_factor(account, plain_name)
        self._desk.gate.perform(
            Actor(account),
            FoundPlatform(
                account=account,
                name=plain_name,
                password=kept,
                factor=factor,
                memberships=(self._desk.new_id(), self._desk.new_id()),
            ),
        )
        self._desk.setup_code.spend()
        return shown

    def accept(self, text: str, password: str, address: str) -> NewFactor:
        """Take up an invitation: set a password and get a second factor to confirm.

        Raises:
            Unauthenticated: the invitation is wrong, used or too old.
            TooManyRequests: too many tries.
            Unacceptable: the password is no good.
        """
        now = self._desk.clock()
        self._desk.delays.admit(now, f"address:{address}")
        account = self._desk.account(invited_account(text))
        if account is None or not self._is_good(text, account):
            self._desk.delays.failed(now, f"address:{address}")
            raise Unauthenticated("invitation-refused", "the invitation is wrong, used or too old")
        return self._enrol(account, self._desk.hasher.hash(password))

    def renew_factor(self, given: Credentials) -> NewFactor:
        """Another second factor for an account that never confirmed its first.

        Raises:
            Unauthenticated: name or password is wrong.
            TooManyRequests: too many tries.
            Conflict: the account has a working second factor.
        """
        account = self._checks.password(given)
        if account.state != ENROLLING or account.password is None:
            raise Conflict("already-enrolled", "this account's second factor is set")
        return self._enrol(account, account.password)

    def name_of(self, account: str) -> str:
        """The name of an account; of an unknown one its id, which nobody bears as a name."""
        found = self._desk.account(account)
        return found.name if found else account

    def _is_good(self, text: str, account: Account) -> bool:
        expected = invitation(self._desk.invitation_key, account.id)
        right = hmac.compare_digest(expected.encode(), text.encode())
        young = self._desk.clock() - account.created_at < self._desk.limits.invitation
        return right and young and account.state == INVITED

    def _enrol(self, account: Account, password: str) -> NewFactor:
        shown, factor = self._new_factor(account.id, account.name)
        command = EnrolFactor(account=account.id, password=password, factor=factor)
        self._desk.gate.perform(Actor(account.id), command)
        return shown

    def _new_factor(self, account: str, name: str) -> tuple[NewFactor, SecondFactor]:
        seed, codes = totp.new_secret(), new_recovery_codes()
        shown = NewFactor(account, name, totp.secret_text(seed), totp.otpauth(seed, name), codes)
        kept = SecondFactor(
            self._desk.seal.seal_seed(account, seed), tuple(map(recovery_digest, codes))
        )
        return shown, kept
