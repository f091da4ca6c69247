"""Handlers of acts on hospitals and their members, and of reading a log.

Membership terms are what the steward signed: they are checked against the command word by word,
so that the row says what the entry proves.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from policies.ruling import Facts
from policies.vocabulary import Role
from sandbox.acts import HOSPITAL_DOMAIN, PLATFORM, Acting, Effects, Outcome
from sandbox.errors import Conflict, Unacceptable
from sandbox.people.commands import (
    GrantMembership,
    OpenHospital,
    OpenLedger,
    ReadLog,
    RevokeMembership,
)
from sandbox.people.pseudonyms import bear
from sandbox.people.signed_terms import grant_terms, opening_terms, require_code, require_terms
from sandbox.records.people import Account, Hospital, Membership
from sandbox.records.permits import Training
from sandbox.records.port import Tables
from sandbox.records.standing import counting_memberships, runs, trained_for

HOSPITAL_ORGANISATION = "hospital"

Conflicting = Callable[[Collection[Role], Role], bool]
"""Whether duties keep a new role apart from those already held."""


class HospitalOpening:
    """Handler of `OpenHospital`."""

    def facts(self, tables: Tables, command: OpenHospital, acting: Acting) -> Facts:  # noqa: ARG002 - the protocol's form
        """Whether the operator names themselves steward."""
        return {"self": command.steward == acting.account}

    def act(self, tables: Tables, command: OpenHospital, acting: Acting) -> Outcome:
        """Keep the hospital; its ledger comes to be once this is durable.

        Raises:
            Conflict: the hospital exists.
            Unacceptable: the steward is not an active person with keys, or is the operator.
        """
        steward = tables.of(Account).get(command.steward)
        if steward is None or steward.state != "active" or steward.signing_key is None:
            raise Unacceptable("steward-not-ready", "the steward enrols keys first")
        if steward.id == acting.account or roles_held(tables, steward.id, acting.now):
            raise Unacceptable("duties-conflict", "an operator holds no data role")
        tables.of(Hospital).insert(
            Hospital(command.hospital, command.name, command.steward, acting.now)
        )
        return Outcome(
            reply={"ledger": command.hospital}, effects=Effects(open_ledger=command.hospital)
        )


class LedgerOpening:
    """Handler of `OpenLedger`."""

    def facts(self, tables: Tables, command: OpenLedger, acting: Acting) -> Facts:
        """Whether the ledger is still empty."""
        return {"founding": tables.size() == 0, "self": command.account == acting.account}

    def act(self, tables: Tables, command: OpenLedger, acting: Acting) -> Outcome:
        """Make the steward the first member.

        Raises:
            Conflict: the ledger is open already.
            Unacceptable: the signed terms are not those of the command.
        """
        if tables.of(Membership).count():
            raise Conflict("already-founded", "this ledger is open already")
        require_terms(command, opening_terms(command.signing_key, command.sealing_key))
        bear(tables, acting.account, command.member)
        tables.of(Membership).insert(
            Membership(
                id=command.member,
                account=acting.account,
                pseudonym=command.member,
                organisation=HOSPITAL_ORGANISATION,
                role=Role.STEWARD,
                domain=HOSPITAL_DOMAIN,
                signing_key=command.signing_key,
                sealing_key=command.sealing_key,
                granted_index=acting.index,
                granted_at=acting.now,
                expires_at=None,
                revoked_at=None,
            )
        )
        return Outcome(
            reply={"ledger": tables.ledger, "membership": command.member},
            effects=Effects(membership_changed=True),
        )


@dataclass(frozen=True)
class Granting:
    """Handler of `GrantMembership`."""

    conflicting: Conflicting

    def facts(self, tables: Tables, command: GrantMembership, acting: Acting) -> Facts:
        """Role, domain, whether duties keep it apart from what the member holds, training.

        Roles that only a lapsed training keeps from counting are held, too: it may be renewed.
        """
        here = running_memberships(tables, command.account, acting.now)
        held = {*(m.role for m in here), *command.platform_roles}
        records = tables.of(Training).find(account=command.account)
        return {
            "role": str(command.role),
            "domain": command.granted_domain,
            "founding": False,
            "self": command.account == acting.account,
            "conflicting": self.conflicting(held, command.role),
            "trained": trained_for(command.role, records, acting.now),
        }

    def act(self, tables: Tables, command: GrantMembership, acting: Acting) -> Outcome:
        """Add the membership.

        Raises:
            Conflict: the member holds this role, bears another pseudonym here, or the id is taken.
            Unacceptable: the signed terms are not those of the command, or it ran out before.
        """
        require_terms(command, grant_terms(command))
        if command.expires_at is not None and command.expires_at <= acting.now:
            raise Unacceptable("membership-expired", "it would have run out", field="expires_at")
        bear(tables, command.account, command.member)
        held = running_memberships(tables, command.account, acting.now)
        if any(m.role == command.role and m.domain == command.granted_domain for m in held):
            raise Conflict("member-holds-role", "this member holds this role here already")
        tables.of(Membership).insert(
            Membership(
                id=command.membership,
                account=command.account,
                pseudonym=command.member,
                organisation=command.organisation,
                role=command.role,
                domain=command.granted_domain,
                signing_key=command.signing_key,
                sealing_key=command.sealing_key,
                granted_index=acting.index,
                granted_at=acting.now,
                expires_at=command.expires_at,
                revoked_at=None,
            )
        )
        return Outcome(
            codes={"role": str(command.role)},
            reply={"member": command.member, "membership": command.membership},
            effects=Effects(membership_changed=True),
        )


class Revoking:
    """Handler of `RevokeMembership`."""

    def facts(self, tables: Tables, command: RevokeMembership, acting: Acting) -> Facts:
        """Whether it is the actor's own.

        Raises:
            NotFound: there is no such membership.
        """
        row = tables.of(Membership).require(command.membership)
        return {"self": row.account == acting.account}

    def act(self, tables: Tables, command: RevokeMembership, acting: Acting) -> Outcome:
        """End the membership at this instant.

        Raises:
            NotFound: there is no such membership.
            Conflict: it was revoked before, or is the last steward's.
            Unacceptable: `reason-missing`: the signed reason is no code. It stands in the log for
                ever, and a sentence could say something of a person.
        """
        if command.ledger != PLATFORM:
            require_code(command)
        row = tables.of(Membership).require(command.membership)
        if row.revoked_at is not None:
            raise Conflict("membership-revoked", "this membership was revoked before")
        if row.role == Role.STEWARD and not _another_steward(tables, row, acting.now):
            raise Conflict("last-steward", "a hospital keeps one steward at least")
        tables.of(Membership).replace(replace(row, revoked_at=acting.now))
        return Outcome(
            codes={"role": str(row.role)},
            objects={"member": row.pseudonym},
            reply={"membership": row.id},
            effects=Effects(membership_changed=True),
        )


class LogReading:
    """Handler of `ReadLog`."""

    def facts(self, tables: Tables, command: ReadLog, acting: Acting) -> Facts:  # noqa: ARG002 - the protocol's form
        """None: the role decides."""
        return {}

    def act(self, tables: Tables, command: ReadLog, acting: Acting) -> Outcome:  # noqa: ARG002 - the protocol's form
        """Say how far the log reached when the reading began."""
        return Outcome(counts={"size": tables.size()}, reply={"size": tables.size()})


def live_memberships(tables: Tables, account: str, now: datetime) -> list[Membership]:
    """Memberships of an account that count at this moment."""
    return counting_memberships(tables, account, now)


def running_memberships(tables: Tables, account: str, now: datetime) -> list[Membership]:
    """Memberships of an account that are neither revoked nor over."""
    return [m for m in tables.of(Membership).find(account=account) if runs(m, now)]


def roles_held(tables: Tables, account: str, now: datetime) -> frozenset[Role]:
    """Roles that an account holds anywhere in this ledger at this moment."""
    return frozenset(m.role for m in live_memberships(tables, account, now))


def _another_steward(tables: Tables, leaving: Membership, now: datetime) -> bool:
    return any(
        m.id != leaving.id and m.role == Role.STEWARD and runs(m, now)
        for m in tables.of(Membership).find()
    )
