"""The door before the gate: who is it, and is it really them?

Everything slow or secret happens here, outside any unit of work; the gate then records what was
found. Order of a login:
 1. delays of name and address;
 2. the password, against a decoy where the name is unknown or has none;
 3. the second factor;
 4. one entry, which uses up the code and opens the session.
A wrong name, a wrong password and a wrong code get one and the same answer.
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.acts import Actor
from sandbox.errors import Conflict, Forbidden, Unauthenticated
from sandbox.people.accounts import ACTIVE, ENROLLING
from sandbox.people.checks import Checks, Credentials
from sandbox.people.commands import CloseSession, ConfirmFactor, OpenSession
from sandbox.people.desk import Desk
from sandbox.people.tokens import new_token, token_digest
from sandbox.records.people import Account, Session


@dataclass(frozen=True)
class Opened:
    """A session just opened; its token is kept nowhere on this side."""

    token: str
    account: str
    idle_until: datetime
    ends_at: datetime


class Entrance:
    """Logins, logouts, and who is behind a token."""

    def __init__(self, desk: Desk, checks: Checks) -> None:
        self._desk = desk
        self._checks = checks

    def confirm(self, given: Credentials, purpose: str) -> Opened:
        """Show that the second factor works: activates the account, opens its first session.

        Raises:
            Unauthenticated: name, password or code is wrong.
            TooManyRequests: too many tries.
            Conflict: the account has a working second factor.
        """
        account = self._checks.password(given)
        if account.state != ENROLLING:
            raise Conflict("already-enrolled", "this account's second factor is set")
        proof = self._checks.factor(given, account)
        if proof.step is None:  # a recovery code says nothing about the authenticator
            self._checks.refuse(given, account)
        opened = self._fresh(account)
        self._desk.gate.perform(
            Actor(account.id),
            ConfirmFactor(
                account=account.id,
                step=proof.step,
                session=token_digest(opened.token),
                purpose=purpose,
            ),
        )
        self._checks.passed(given)
        return opened

    def log_in(self, given: Credentials, purpose: str) -> Opened:
        """Open a session by password and second factor.

        Raises:
            Unauthenticated: name, password or code is wrong, or the code was used before.
            Forbidden: `second-factor-missing`: this account can only enrol one.
            TooManyRequests: too many tries.
        """
        account = self._checks.password(given)
        if account.state != ACTIVE:
            raise Forbidden("second-factor-missing", "enrol a second factor first")
        proof = self._checks.factor(given, account)
        opened = self._fresh(account)
        self._desk.gate.perform(
            Actor(account.id),
            OpenSession(
                account=account.id,
                session=token_digest(opened.token),
                purpose=purpose,
                step=proof.step,
                recovery_hash=proof.recovery_hash,
            ),
        )
        self._checks.passed(given)
        return opened

    def log_out(self, actor: Actor) -> None:
        """End the actor's session.

        Raises:
            NotFound: it is over already.
        """
        command = CloseSession(account=actor.account, session=actor.session or "")
        self._desk.gate.perform(actor, command)

    def authenticate(self, token: str) -> Actor:
        """Who is behind a bearer token, as of this very moment.

        Raises:
            Unauthenticated: the token opens no live session of an active account.
        """
        key = token_digest(token)
        with self._desk.platform() as tables:
            session = tables.of(Session).get(key)
            account = tables.of(Account).get(session.account) if session else None
        if session is None or account is None or session.ended_at or account.state != ACTIVE:
            raise Unauthenticated
        now, limits = self._desk.clock(), self._desk.limits
        seen_at = max(session.seen_at, self._desk.presence.seen(key) or session.seen_at)
        if now - seen_at >= limits.idle or now - session.opened_at >= limits.longest:
            raise Unauthenticated("session-expired", "the session is over; log in again")
        self._desk.presence.touch(key, now)
        return Actor(account.id, key, session.purpose or None, account.purposes)

    def tick(self) -> None:
        """Enter failed logins whose minute is over; called now and then.

        Raises:
            Unavailable: the log can't take them now; they are kept.
        """
        self._checks.refusals.report(self._desk.clock())

    def close(self) -> None:
        """Enter and write down what is pending, at the clean end of the process.

        Raises:
            Unavailable: the log can't take the failed logins.
        """
        now = self._desk.clock()
        self._desk.presence.save(now)
        self._checks.refusals.report(now, all_of_them=True)

    def _fresh(self, account: Account) -> Opened:
        now, limits = self._desk.clock(), self._desk.limits
        return Opened(new_token(), account.id, now + limits.idle, now + limits.longest)
