"""Hospitals and members, as the HTTP door asks for them.

What a hospital's ledger can't know of the platform's is looked up here, before the gate: that an
account exists and is active, which keys it enrolled, and which platform roles it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from policies.vocabulary import Role
from sandbox.acts import (
    HOSPITAL_DOMAIN,
    PLATFORM,
    PLATFORM_DOMAIN,
    Actor,
    Receipt,
    SignedAct,
    project_domain,
)
from sandbox.errors import NotFound, SignatureRequired, Unacceptable
from sandbox.people import commands as c
from sandbox.people.accounts import ACTIVE, PERSON
from sandbox.people.desk import Desk, organisation_code
from sandbox.people.hospitals import roles_held, running_memberships
from sandbox.people.signed_terms import expiry_text, key_text
from sandbox.provenance.entry import is_domain
from sandbox.records.people import Account, Hospital, Pseudonym


@dataclass(frozen=True)
class Signed:
    """A signature as it came in: the signer's key is not in it, it is the enrolled one."""

    nonce: str
    signature: bytes
    terms: Mapping[str, str]


@dataclass(frozen=True)
class Seat:
    """Who is to get a role: the account, its pseudonym in this ledger, the membership's id."""

    account: str
    member: str
    membership: str

    def objects(self) -> Mapping[str, str]:
        """What the steward signs over: not the account, which no ledger knows."""
        return {"member": self.member, "membership": self.membership}


@dataclass(frozen=True)
class Record:
    """A training record to be: its id, where its teller's role counts, accounts and pseudonyms."""

    training: str
    domain: str
    people: tuple[tuple[str, str], ...]


class Stewardship:
    """Builds the commands on hospitals and members, and has the gate perform them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def open_hospital(self, actor: Actor, name: str, steward: str, request_key: str) -> Receipt:
        """A new hospital with a ledger of its own, to be opened by its steward.

        Raises:
            Forbidden: the actor may not.
            Unacceptable: the steward is not ready, or duties forbid it.
        """
        command = c.OpenHospital(
            hospital=self._desk.new_id(), name=name, steward=steward, request_key=request_key
        )
        return self._desk.gate.perform(actor, command)

    def open_ledger(
        self, actor: Actor, ledger: str, member: str, signed: Signed, request_key: str
    ) -> Receipt:
        """Entry 0 of a hospital's ledger.

        Raises:
            NotFound: there is no such hospital, or the actor is not its steward.
            SignatureRequired: the signature does not count.
            Conflict: the ledger is open already.
        """
        with self._desk.platform() as tables:
            hospital = tables.of(Hospital).get(ledger)
        if hospital is None or hospital.steward != actor.account:
            raise NotFound
        steward = self._desk.require(actor.account)
        if steward.signing_key is None:
            raise SignatureRequired("key-not-enrolled", "enrol a key first")
        return self._desk.gate.perform(
            actor,
            c.OpenLedger(
                ledger=ledger,
                account=steward.id,
                member=member,
                signing_key=steward.signing_key,
                sealing_key=steward.sealing_key,
                signed=signed_by(steward, signed, {"member": member}),
                request_key=request_key,
            ),
        )

    def grant(
        self, actor: Actor, ledger: str, seat: Seat, signed: Signed, request_key: str
    ) -> Receipt:
        """Give an account a role, by the terms that a steward signed.

        Raises:
            Unacceptable: a term is no good, or its keys are not the account's.
            NotFound: there is no such active account.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not, or duties forbid it.
            Conflict: the member holds this role already.
        """
        holder = self._desk.require(seat.account)
        if holder.state != ACTIVE:
            raise NotFound("account-unknown", "there is no such account")
        _require_keys(holder, signed.terms)
        with self._desk.platform() as tables:
            platform_roles = roles_held(tables, holder.id, self._desk.clock())
        command = c.GrantMembership(
            ledger=ledger,
            account=holder.id,
            member=seat.member,
            membership=seat.membership,
            role=_role(signed.terms),
            granted_domain=_domain(signed.terms),
            organisation=organisation_code(signed.terms.get("organisation", "")),
            signing_key=holder.signing_key,
            sealing_key=holder.sealing_key,
            expires_at=_expiry(signed.terms),
            platform_roles=tuple(sorted(platform_roles)),
            signed=self.signed_act(actor, signed, seat.objects()),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def grant_platform(
        self, actor: Actor, account: str, membership: str, signed: Signed, request_key: str
    ) -> Receipt:
        """Give an account one of the platform's roles, by the terms that an operator signed.

        What it holds in hospitals counts, too.

        Raises:
            NotFound: there is no such active account.
            Unacceptable: a term is no good, or its keys are not the account's.
            SignatureRequired: the signature does not count.
            Forbidden: the actor is no operator, or duties forbid it.
            Conflict: the account holds this role already.
        """
        holder = self._desk.require(account)
        if holder.state != ACTIVE or holder.kind != PERSON:
            raise NotFound("account-unknown", "there is no such account")
        if holder.signing_key is None:
            raise Unacceptable("keys-missing", "who gets a role on the platform enrols keys first")
        _require_keys(holder, signed.terms)
        with self._desk.platform() as tables:
            ledgers = [hospital.id for hospital in tables.of(Hospital).find()]
            known = tables.of(Pseudonym).get(account)
        elsewhere: set[Role] = set()
        for ledger in ledgers:
            with self._desk.gate.snapshot(ledger) as tables:
                elsewhere |= {m.role for m in running_memberships(tables, account, self._now())}
        command = c.GrantMembership(
            ledger=PLATFORM,
            domain=PLATFORM_DOMAIN,
            account=account,
            # Who enrolled keys acted on the platform, and bears a pseudonym there.
            member=known.pseudonym if known else self._desk.new_id(),
            membership=membership,
            role=_role(signed.terms),
            granted_domain=PLATFORM_DOMAIN,
            organisation=PLATFORM,
            signing_key=holder.signing_key,
            sealing_key=holder.sealing_key,
            expires_at=_expiry(signed.terms),
            platform_roles=tuple(sorted(elsewhere)),
            signed=self.signed_act(actor, signed, {"account": account, "membership": membership}),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def revoke_platform(self, actor: Actor, membership: str) -> Receipt:
        """Take a role of the platform away.

        Raises:
            NotFound: there is no such membership.
            Forbidden: the actor is no operator.
            Conflict: it was revoked before.
        """
        command = c.RevokeMembership(ledger=PLATFORM, domain=PLATFORM_DOMAIN, membership=membership)
        return self._desk.gate.perform(actor, command)

    def _now(self) -> datetime:
        return self._desk.clock()

    def issue_permit(
        self,
        actor: Actor,
        ledger: str,
        about: Mapping[str, str],
        signed: Signed,
        request_key: str,
    ) -> Receipt:
        """Permit a project on a dataset for the window in the signed terms.

        Args:
            actor: the steward.
            ledger: the hospital's.
            about: `project` and `dataset`.
            signed: the steward's signature and its terms.
            request_key: of the request.

        Raises:
            Unacceptable: a term is no good.
            NotFound: there is no such dataset.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not.
        """
        command = c.IssuePermit(
            ledger=ledger,
            domain=project_domain(about["project"]),
            project=about["project"],
            dataset=about["dataset"],
            valid_from=_moment(signed.terms, "valid_from"),
            valid_until=_moment(signed.terms, "valid_until"),
            signed=self.signed_act(actor, signed, about),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def revoke_permit(self, actor: Actor, ledger: str, project: str, signed: Signed) -> Receipt:
        """End a project's permit.

        Raises:
            NotFound: there is no such permit.
            Conflict: it was revoked before.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not.
        """
        act = self.signed_act(actor, signed, {"project": project})
        command = c.RevokePermit(
            ledger=ledger, domain=project_domain(project), project=project, signed=act
        )
        return self._desk.gate.perform(actor, command)

    def require_witnesses(
        self, actor: Actor, ledger: str, signed: Signed, request_key: str, *, known: bool
    ) -> Receipt:
        """Ask for the witnesses of the policy in the signed terms, if that is `known`.

        Raises:
            Unacceptable: a term is no good.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not.
        """
        command = c.RequireWitnesses(
            ledger=ledger,
            domain=HOSPITAL_DOMAIN,
            policy=signed.terms.get("policy", ""),
            known=known,
            signed=self.signed_act(actor, signed, {}),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def record_training(
        self, actor: Actor, ledger: str, record: Record, signed: Signed, request_key: str
    ) -> Receipt:
        """Tell that people passed the course in the signed terms.

        Raises:
            Unacceptable: a term is no good.
            NotFound: there is no such account.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not, or tells of themselves.
        """
        people = tuple(
            c.Trainee(account, member, self._desk.require(account).organisation)
            for account, member in record.people
        )
        command = c.RecordTraining(
            ledger=ledger,
            domain=record.domain,
            training=record.training,
            course=signed.terms.get("course", ""),
            people=people,
            passed_at=_moment(signed.terms, "passed_at"),
            expires_at=_moment(signed.terms, "expires_at"),
            signed=self.signed_act(actor, signed, {"training": record.training}),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def revoke(self, actor: Actor, ledger: str, membership: str, signed: Signed) -> Receipt:
        """Take a role away.

        Raises:
            NotFound: there is no such membership.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not.
            Conflict: it was revoked before, or is the last steward's.
        """
        act = self.signed_act(actor, signed, {"membership": membership})
        command = c.RevokeMembership(ledger=ledger, membership=membership, signed=act)
        return self._desk.gate.perform(actor, command)

    def signed_act(self, actor: Actor, signed: Signed, objects: Mapping[str, str]) -> SignedAct:
        """An act as the actor's own enrolled key signed it; the gate verifies it.

        Raises:
            SignatureRequired: `key-not-enrolled`.
        """
        return signed_by(self._desk.require(actor.account), signed, objects)


def signed_by(account: Account, signed: Signed, objects: Mapping[str, str]) -> SignedAct:
    """An act as the account's own enrolled key signed it.

    Raises:
        SignatureRequired: `key-not-enrolled`.
    """
    if account.signing_key is None:
        raise SignatureRequired("key-not-enrolled", "enrol a key first")
    return SignedAct(account.signing_key, signed.signature, signed.nonce, objects, signed.terms)


def _require_keys(holder: Account, terms: Mapping[str, str]) -> None:
    """The keys in the terms are those the account enrolled: a mistake shows before the entry."""
    named = terms.get("signing_key"), terms.get("sealing_key")
    if named != (key_text(holder.signing_key), key_text(holder.sealing_key)):
        raise Unacceptable("keys-differ", "these are not the keys that the account enrolled")


def _role(terms: Mapping[str, str]) -> Role:
    try:
        return Role(terms.get("role", ""))
    except ValueError as error:
        raise Unacceptable("role-unknown", "there is no such role", field="terms.role") from error


def _domain(terms: Mapping[str, str]) -> str:
    domain = terms.get("domain", "")
    if not is_domain(domain) or domain == PLATFORM:
        raise Unacceptable("domain-unknown", "there is no such domain", field="terms.domain")
    return domain


def _expiry(terms: Mapping[str, str]) -> datetime | None:
    return _moment(terms, "expires_at") if terms.get("expires_at") else None


def _moment(terms: Mapping[str, str], name: str) -> datetime:
    text = terms.get(name, "")
    try:
        at = datetime.fromisoformat(text)
        exact = at.tzinfo is not None and expiry_text(at) == text
    except ValueError:
        exact = False
    if not exact:
        raise Unacceptable("expiry-refused", "as 2030-01-31T00:00:00.000000Z", field=name)
    return at
