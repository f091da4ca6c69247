"""Accounts, keys, hospitals and members, as the HTTP door asks for them.

What a hospital's ledger can't know of the platform's is looked up here, before the gate: that an
account exists and is active, which keys it enrolled, and which platform roles it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crypto import canonical, signing
from crypto.errors import VerificationError
from policies.vocabulary import Role
from sandbox.acts import PLATFORM, Actor, Receipt, SignedAct
from sandbox.errors import NotFound, SignatureRequired, Unacceptable
from sandbox.people import commands as c
from sandbox.people.accounts import ACTIVE, PERSON, SERVICE
from sandbox.people.desk import Desk, account_name
from sandbox.people.hospitals import roles_held
from sandbox.people.signed_terms import expiry_text, key_text
from sandbox.people.tokens import invitation, token_digest
from sandbox.provenance.entry import is_domain, is_word
from sandbox.records.people import Account, Hospital

ENROL_LABEL = b"anbiao-enrol-v1\n"
_SEALING_BYTES = 1216  # X-Wing


@dataclass(frozen=True)
class Signed:
    """A signature as it came in: the signer's key is not in it, it is the enrolled one."""

    nonce: str
    signature: bytes
    terms: Mapping[str, str]


@dataclass(frozen=True)
class Invited:
    """A new account, and the invitation that its person is to be given."""

    receipt: Receipt
    invitation: str


def enrol_bytes(account: str, signing_key: bytes, sealing_key: bytes | None) -> bytes:
    """The bytes that a person signs with a new key to show that they hold it."""
    return ENROL_LABEL + canonical.encode(
        {
            "account": account,
            "signing_key": key_text(signing_key),
            "sealing_key": key_text(sealing_key),
        }
    )


class Registry:
    """Builds the commands of this room from what came in, and has the gate perform them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def invite(self, actor: Actor, name: str, organisation: str, request_key: str) -> Invited:
        """A new person's account; the invitation is the same when the request is repeated.

        Raises:
            Unacceptable: name or organisation is no good.
            Forbidden: the actor may not.
            Conflict: the name is taken.
        """
        account = self._desk.new_id()
        text = invitation(self._desk.invitation_key, account)
        receipt = self._desk.gate.perform(
            actor,
            c.CreateAccount(
                account=account,
                name=account_name(name),
                kind=PERSON,
                organisation=_organisation(organisation),
                invitation_hash=token_digest(text),
                request_key=request_key,
            ),
        )
        return Invited(
            receipt, invitation(self._desk.invitation_key, str(receipt.reply["account"]))
        )

    def register_service(
        self, actor: Actor, name: str, public_key: bytes, request_key: str
    ) -> Receipt:
        """A new service's account, active at once under its public key.

        Raises:
            Unacceptable: name or key is no good.
            Forbidden: the actor may not.
            Conflict: name or key is taken.
        """
        _require_signing_key(public_key)
        command = c.CreateAccount(
            account=self._desk.new_id(),
            name=account_name(name),
            kind=SERVICE,
            organisation="platform",
            signing_key=public_key,
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def remove(self, actor: Actor, account: str) -> Receipt:
        """Remove an account.

        Raises:
            NotFound: there is no such account.
            Forbidden: the actor may not.
            Conflict: it is removed already.
        """
        self._desk.require(account)
        return self._desk.gate.perform(actor, c.RemoveAccount(account=account))

    def enrol_key(
        self,
        actor: Actor,
        signing_key: bytes,
        sealing_key: bytes | None,
        proof: bytes,
        request_key: str,
    ) -> Receipt:
        """Keep the actor's public keys, which it shows to hold.

        Raises:
            Unacceptable: a key is no key.
            SignatureRequired: the proof is not by the key.
            Conflict: the account has keys, or the key another account.
        """
        _require_signing_key(signing_key)
        if sealing_key is not None and len(sealing_key) != _SEALING_BYTES:
            raise Unacceptable("key-malformed", "not an X-Wing public key", field="sealing_key")
        try:
            signing.verify(signing_key, enrol_bytes(actor.account, signing_key, sealing_key), proof)
        except VerificationError as error:
            raise SignatureRequired("proof-invalid", "the proof is not by this key") from error
        command = c.EnrolKey(
            account=actor.account,
            signing_key=signing_key,
            sealing_key=sealing_key,
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

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
                signed=_act(steward, signed, {"member": member}),
                request_key=request_key,
            ),
        )

    def grant(
        self,
        actor: Actor,
        ledger: str,
        ids: tuple[str, str, str],
        signed: Signed,
        request_key: str,
    ) -> Receipt:
        """Give an account a role, by the terms that a steward signed.

        Args:
            actor: who asks.
            ledger: the hospital's.
            ids: account, pseudonym in this ledger, and membership.
            signed: signature and terms.
            request_key: the caller's.

        Raises:
            Unacceptable: a term is no good, or its keys are not the account's.
            NotFound: there is no such active account.
            SignatureRequired: the signature does not count.
            Forbidden: the actor may not, or duties forbid it.
            Conflict: the member holds this role already.
        """
        account, member, membership = ids
        holder = self._desk.require(account)
        if holder.state != ACTIVE:
            raise NotFound("account-unknown", "there is no such account")
        _require_keys(holder, signed.terms)
        now = self._desk.clock()
        with self._desk.platform() as tables:
            platform_roles = tuple(sorted(roles_held(tables, holder.id, now)))
        return self._desk.gate.perform(
            actor,
            c.GrantMembership(
                ledger=ledger,
                account=holder.id,
                member=member,
                membership=membership,
                role=_role(signed.terms),
                granted_domain=_domain(signed.terms),
                organisation=_organisation(signed.terms.get("organisation", "")),
                signing_key=holder.signing_key,
                sealing_key=holder.sealing_key,
                expires_at=_expiry(signed.terms),
                platform_roles=platform_roles,
                signed=self.signed_act(actor, signed, {"member": member, "membership": membership}),
                request_key=request_key,
            ),
        )

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
        return _act(self._desk.require(actor.account), signed, objects)

    def account(self, key: str) -> Account:
        """An account.

        Raises:
            NotFound: there is none.
        """
        return self._desk.require(key)

    def platform_roles(self, account: str) -> frozenset[Role]:
        """Roles of an account in the platform's ledger, as of now."""
        with self._desk.gate.snapshot(PLATFORM) as tables:
            return roles_held(tables, account, self._desk.clock())


def _act(account: Account, signed: Signed, objects: Mapping[str, str]) -> SignedAct:
    if account.signing_key is None:
        raise SignatureRequired("key-not-enrolled", "enrol a key first")
    return SignedAct(account.signing_key, signed.signature, signed.nonce, objects, signed.terms)


def _require_signing_key(key: bytes) -> None:
    try:
        signing.check_public(key)
    except VerificationError as error:
        raise Unacceptable("key-malformed", "not an Ed25519 public key") from error


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


def _organisation(text: str) -> str:
    if not is_word(text):
        raise Unacceptable("organisation-refused", "use a short code", field="organisation")
    return text


def _expiry(terms: Mapping[str, str]) -> datetime | None:
    text = terms.get("expires_at", "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        exact = at.tzinfo is not None and expiry_text(at) == text
    except ValueError:
        exact = False
    if not exact:
        raise Unacceptable("expiry-refused", "as 2030-01-31T00:00:00.000000Z", field="expires_at")
    return at
