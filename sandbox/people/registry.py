"""Accounts and keys, as the HTTP door asks for them."""

from collections.abc import Collection
from dataclasses import dataclass

from crypto import canonical, signing
from crypto.errors import VerificationError
from policies.vocabulary import Purpose, Role
from sandbox.acts import PLATFORM, Actor, Receipt
from sandbox.errors import SignatureRequired, Unacceptable
from sandbox.people import commands as c
from sandbox.people.accounts import PERSON, SERVICE
from sandbox.people.desk import Desk, account_name, organisation_code
from sandbox.people.hospitals import roles_held
from sandbox.people.signed_terms import key_text
from sandbox.people.tokens import invitation, token_digest
from sandbox.records.people import Account

ENROL_LABEL = b"anbiao-enrol-v1\n"
_SEALING_BYTES = 1216  # X-Wing


@dataclass(frozen=True)
class KeyOffer:
    """A person's public keys, and a signature over both by the signing key."""

    signing_key: bytes
    sealing_key: bytes | None
    proof: bytes


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
                organisation=organisation_code(organisation),
                invitation_hash=token_digest(text),
                request_key=request_key,
            ),
        )
        return Invited(
            receipt, invitation(self._desk.invitation_key, str(receipt.reply["account"]))
        )

    def register_service(
        self,
        actor: Actor,
        name: str,
        public_key: bytes,
        purposes: Collection[Purpose],
        request_key: str,
    ) -> Receipt:
        """A new service's account, active at once under its public key, for some purposes.

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
            purposes=tuple(sorted(map(str, purposes))),
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

    def enrol_key(self, actor: Actor, offer: KeyOffer, request_key: str) -> Receipt:
        """Keep the actor's public keys, which it shows to hold.

        Raises:
            Unacceptable: a key is no key.
            SignatureRequired: the proof is not by the key.
            Conflict: the account has keys, or the key another account.
        """
        _require_signing_key(offer.signing_key)
        if offer.sealing_key is not None and len(offer.sealing_key) != _SEALING_BYTES:
            raise Unacceptable("key-malformed", "not an X-Wing public key", field="sealing_key")
        promise = enrol_bytes(actor.account, offer.signing_key, offer.sealing_key)
        try:
            signing.verify(offer.signing_key, promise, offer.proof)
        except VerificationError as error:
            raise SignatureRequired("proof-invalid", "the proof is not by this key") from error
        command = c.EnrolKey(
            account=actor.account,
            signing_key=offer.signing_key,
            sealing_key=offer.sealing_key,
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

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


def fingerprint_of(account: Account) -> str | None:
    """`sha256:<hex>` of an account's signing key, for people to compare."""
    return signing.fingerprint(account.signing_key) if account.signing_key else None


def _require_signing_key(key: bytes) -> None:
    try:
        signing.check_public(key)
    except VerificationError as error:
        raise Unacceptable("key-malformed", "not an Ed25519 public key") from error
