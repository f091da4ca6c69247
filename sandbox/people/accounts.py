"""Handlers of acts on accounts: found, create, activate, remove, enrol keys."""

from dataclasses import replace
from hashlib import sha256

from policies.ruling import Facts
from policies.vocabulary import Role
from sandbox.acts import PLATFORM_DOMAIN, Acting, Effects, Outcome
from sandbox.errors import Conflict, Unacceptable
from sandbox.people.commands import (
    ConfirmFactor,
    CreateAccount,
    EnrolFactor,
    EnrolKey,
    FoundPlatform,
    RemoveAccount,
)
from sandbox.people.self_fact import SelfFact
from sandbox.people.sessions import public_session
from sandbox.records.people import Account, Membership, Session
from sandbox.records.port import Tables

PERSON = "person"
SERVICE = "service"
INVITED = "invited"
ENROLLING = "enrolling"
ACTIVE = "active"
REMOVED = "removed"
PLATFORM_ORGANISATION = "platform"


class Founding:
    """Handler of `FoundPlatform`."""

    def facts(self, tables: Tables, command: FoundPlatform, acting: Acting) -> Facts:
        """Whether the ledger is still empty."""
        return {"founding": tables.size() == 0, "self": command.account == acting.account}

    def act(self, tables: Tables, command: FoundPlatform, acting: Acting) -> Outcome:
        """Make the first account and its two memberships.

        Raises:
            Conflict: there is an account already.
        """
        if tables.size() or tables.of(Account).count():
            raise Conflict("already-founded", "the first account exists already")
        tables.of(Account).insert(
            replace(
                blank_account(command.account, command.name, PERSON, PLATFORM_ORGANISATION, acting),
                state=ENROLLING,
                password=command.password,
                totp_sealed=command.factor.totp_sealed,
                recovery_hashes=command.factor.recovery_hashes,
            )
        )
        roles = (Role.OPERATOR, Role.POLICY_ADMIN)
        given = dict(zip(map(str, roles), command.memberships, strict=True))
        for role in roles:
            tables.of(Membership).insert(_platform_membership(given[role], role, acting))
        return Outcome(
            objects=given,
            states={"account": ENROLLING},
            reply={"account": command.account},
            effects=Effects(membership_changed=True),
        )


class Creation(SelfFact):
    """Handler of `CreateAccount`."""

    def act(self, tables: Tables, command: CreateAccount, acting: Acting) -> Outcome:
        """Keep the new account; a service with a key is active at once.

        Raises:
            Conflict: the name or the service's key is taken.
        """
        accounts = tables.of(Account)
        if accounts.count(name=command.name):
            raise Conflict("name-taken", "an account bears this name already", field="name")
        if command.signing_key is not None:
            _refuse_known_key(tables, command.signing_key)
        state = ACTIVE if command.kind == SERVICE else INVITED
        account = blank_account(
            command.account, command.name, command.kind, command.organisation, acting
        )
        accounts.insert(
            replace(
                account,
                state=state,
                invitation_hash=command.invitation_hash,
                signing_key=command.signing_key,
                purposes=command.purposes,
            )
        )
        return Outcome(
            digests=key_digests(command.signing_key, None),
            states={"account": state},
            reply={"account": command.account},
        )


class Enrolment(SelfFact):
    """Handler of `EnrolFactor`."""

    def act(self, tables: Tables, command: EnrolFactor, acting: Acting) -> Outcome:  # noqa: ARG002 - the protocol's form
        """Set password and factor of an account whose factor was never confirmed.

        Raises:
            NotFound: there is no such account.
            Conflict: it has a working second factor, or is removed.
        """
        account = tables.of(Account).require(command.account)
        if account.kind != PERSON or account.state not in (INVITED, ENROLLING):
            raise Conflict("already-enrolled", "this account's second factor is set")
        tables.of(Account).replace(
            replace(
                account,
                state=ENROLLING,
                password=command.password,
                totp_sealed=command.factor.totp_sealed,
                recovery_hashes=command.factor.recovery_hashes,
                invitation_hash=None,
                epoch=account.epoch + 1,
            )
        )
        return Outcome(states={"account": ENROLLING}, reply={"account": account.id})


class Confirmation(SelfFact):
    """Handler of `ConfirmFactor`."""

    def act(self, tables: Tables, command: ConfirmFactor, acting: Acting) -> Outcome:
        """Make the account active and open its first session.

        Raises:
            NotFound: there is no such account.
            Conflict: its factor is confirmed already, or was never set.
        """
        account = tables.of(Account).require(command.account)
        if account.state != ENROLLING:
            raise Conflict("already-enrolled", "this account's second factor is set")
        tables.of(Account).replace(
            replace(account, state=ACTIVE, totp_step=command.step, epoch=account.epoch + 1)
        )
        session = Session(
            command.session, account.id, command.purpose, acting.now, acting.now, ended_at=None
        )
        tables.of(Session).insert(session)
        return Outcome(
            objects={"session": public_session(session.id)},
            states={"account": ACTIVE},
            reply={"account": account.id},
        )


class Removal(SelfFact):
    """Handler of `RemoveAccount`."""

    def act(self, tables: Tables, command: RemoveAccount, acting: Acting) -> Outcome:
        """Remove the account: its sessions, platform roles, factor and password are void at once.

        Raises:
            NotFound: there is no such account.
            Conflict: it is removed already.
        """
        account = tables.of(Account).require(command.account)
        if account.state == REMOVED:
            raise Conflict("account-removed", "this account is removed already")
        tables.of(Account).replace(
            replace(
                account,
                state=REMOVED,
                password=None,
                totp_sealed=None,
                recovery_hashes=(),
                invitation_hash=None,
                epoch=account.epoch + 1,
            )
        )
        for session in tables.of(Session).find(account=account.id):
            if session.ended_at is None:
                tables.of(Session).replace(replace(session, ended_at=acting.now))
        for row in tables.of(Membership).find(account=account.id):
            if row.revoked_at is None:
                tables.of(Membership).replace(replace(row, revoked_at=acting.now))
        return Outcome(
            states={"account": REMOVED},
            reply={"account": account.id},
            effects=Effects(membership_changed=True),
        )


class KeyEnrolment(SelfFact):
    """Handler of `EnrolKey`."""

    def act(self, tables: Tables, command: EnrolKey, acting: Acting) -> Outcome:  # noqa: ARG002 - the protocol's form
        """Keep the public keys; an account has one pair for its life.

        The same pair once more is entered again: entries of older programs did not name it.

        Raises:
            NotFound: there is no such account.
            Conflict: it has keys already, or the key belongs to another account.
            Unacceptable: the account is not an active person's.
        """
        account = tables.of(Account).require(command.account)
        if account.kind != PERSON or account.state != ACTIVE:
            raise Unacceptable("account-not-active", "only an active person enrols keys")
        held = account.signing_key, account.sealing_key
        if held == (command.signing_key, command.sealing_key):
            return _enrolled(command)
        if account.signing_key is not None:
            raise Conflict("key-enrolled", "this account has its keys already")
        _refuse_known_key(tables, command.signing_key)
        tables.of(Account).replace(
            replace(account, signing_key=command.signing_key, sealing_key=command.sealing_key)
        )
        return _enrolled(command)


def _enrolled(command: EnrolKey) -> Outcome:
    return Outcome(
        digests=key_digests(command.signing_key, command.sealing_key),
        reply={"account": command.account},
    )


def key_digests(signing_key: bytes | None, sealing_key: bytes | None) -> dict[str, str]:
    """Public keys as the entry of their enrolment names them: `sha256:<hex>` of each."""
    keys = {"signing_key": signing_key, "sealing_key": sealing_key}
    return {name: f"sha256:{sha256(key).hexdigest()}" for name, key in keys.items() if key}


def blank_account(account: str, name: str, kind: str, organisation: str, acting: Acting) -> Account:
    """An account without any secret yet."""
    return Account(
        id=account,
        name=name,
        kind=kind,
        organisation=organisation,
        state=INVITED,
        password=None,
        totp_sealed=None,
        totp_step=0,
        recovery_hashes=(),
        invitation_hash=None,
        signing_key=None,
        sealing_key=None,
        created_at=acting.now,
        epoch=0,
        purposes=(),
    )


def _platform_membership(membership: str, role: Role, acting: Acting) -> Membership:
    return Membership(
        id=membership,
        account=acting.account,
        pseudonym=acting.pseudonym,
        organisation=PLATFORM_ORGANISATION,
        role=role,
        domain=PLATFORM_DOMAIN,
        signing_key=None,
        sealing_key=None,
        granted_index=acting.index,
        granted_at=acting.now,
        expires_at=None,
        revoked_at=None,
    )


def _refuse_known_key(tables: Tables, signing_key: bytes) -> None:
    """One key, one person: two accounts with one key could vote twice."""
    if tables.of(Account).count(signing_key=signing_key):
        raise Conflict("key-taken", "this key belongs to another account")
