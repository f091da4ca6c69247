"""Handlers of acts on sessions: open, close, and logins that were refused.

A person has one session at a time: opening another ends the one before, so that a shared name
shows itself at once (R02). Services may hold several.
"""

from dataclasses import replace
from datetime import datetime

from sandbox.acts import Acting, Outcome
from sandbox.errors import NotFound, Unauthenticated
from sandbox.people.commands import CloseSession, OpenSession, RefuseLogin
from sandbox.people.self_fact import SelfFact
from sandbox.records.people import Account, LoginDelay, Session, UsedNonce
from sandbox.records.port import Tables


def public_session(session: str) -> str:
    """The name of a session in entries: half of its token's digest."""
    return session[:32]


def delay_id(account: str) -> str:
    """The key of an account's `LoginDelay`."""
    return f"account:{account}"


class Opening(SelfFact):
    """Handler of `OpenSession`."""

    def act(self, tables: Tables, command: OpenSession, acting: Acting) -> Outcome:
        """Use up what proved the second factor and open the session.

        The checks are repeated here, under the write lock: of two requests with one code, one
        opens a session.

        Raises:
            NotFound: there is no such account.
            Unauthenticated: the account is not active, or what proved it was used meanwhile.
        """
        account = tables.of(Account).require(command.account)
        if account.state != "active":
            raise Unauthenticated("login-refused", "the login is refused")
        self._use_up(tables, command, account, acting)
        if account.kind == "person":
            end_sessions(tables, account.id, acting.now)
        session = Session(
            command.session, account.id, command.purpose, acting.now, acting.now, ended_at=None
        )
        tables.of(Session).insert(session)
        delay = tables.of(LoginDelay).get(delay_id(account.id))
        if delay is not None and delay.failures:
            tables.of(LoginDelay).replace(replace(delay, failures=0, not_before=acting.now))
        return Outcome(
            objects={"session": public_session(session.id)}, reply={"account": account.id}
        )

    @staticmethod
    def _use_up(tables: Tables, command: OpenSession, account: Account, acting: Acting) -> None:
        if command.nonce is not None:
            _use_nonce(tables, account, command.nonce, acting)
            return
        if command.step is not None:
            if command.step <= account.totp_step:
                raise Unauthenticated("code-used", "this code was used already")
            tables.of(Account).replace(replace(account, totp_step=command.step))
            return
        left = tuple(h for h in account.recovery_hashes if h != command.recovery_hash)
        if len(left) == len(account.recovery_hashes):
            raise Unauthenticated("code-used", "this code was used already")
        tables.of(Account).replace(replace(account, recovery_hashes=left))


class Closing(SelfFact):
    """Handler of `CloseSession`."""

    def act(self, tables: Tables, command: CloseSession, acting: Acting) -> Outcome:
        """End the session; its token is dead from here on.

        Raises:
            NotFound: there is no such open session of this account.
        """
        session = tables.of(Session).get(command.session)
        if session is None or session.account != command.account or session.ended_at is not None:
            raise NotFound("session-unknown", "there is no such open session")
        tables.of(Session).replace(replace(session, ended_at=acting.now))
        return Outcome(
            objects={"session": public_session(session.id)}, reply={"account": session.account}
        )


class Refusal(SelfFact):
    """Handler of `RefuseLogin`."""

    def act(self, tables: Tables, command: RefuseLogin, acting: Acting) -> Outcome:
        """Add the failures to the account's row, so that a restart forgets no delay.

        Raises:
            NotFound: there is no such account.
        """
        tables.of(Account).require(command.account)
        rows = tables.of(LoginDelay)
        before = rows.get(delay_id(command.account))
        failures = command.failures + (before.failures if before else 0)
        row = LoginDelay(
            delay_id(command.account), failures, command.not_before, reported_at=acting.now
        )
        if before is None:
            rows.insert(row)
        else:
            rows.replace(row)
        return Outcome(counts={"failures": command.failures}, reply={"account": command.account})


def end_sessions(tables: Tables, account: str, now: datetime) -> None:
    """End every open session of an account."""
    for session in tables.of(Session).find(account=account):
        if session.ended_at is None:
            tables.of(Session).replace(replace(session, ended_at=now))


def _use_nonce(tables: Tables, account: Account, nonce: str, acting: Acting) -> None:
    key = f"login:{account.id}:{nonce}"
    if tables.of(UsedNonce).get(key) is not None:
        raise Unauthenticated("login-replayed", "this login was used already")
    tables.of(UsedNonce).insert(UsedNonce(key, acting.index))
