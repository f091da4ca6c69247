"""Who may read what of a ledger without an entry: lists and states, never content.

An account without a live membership in a ledger gets the answer of an unknown one (404).
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final

from policies.vocabulary import Role
from sandbox.acts import HOSPITAL_DOMAIN, Actor
from sandbox.errors import Forbidden, NotFound
from sandbox.people.desk import Desk
from sandbox.people.hospitals import live_memberships, roles_held
from sandbox.records.people import Account, Hospital, Membership, Pseudonym
from sandbox.records.permits import Training

EVERY_MEMBER: Final = frozenset(Role)
SIGN_ABOUT_PEOPLE: Final = frozenset({Role.LABEL_ADMIN, Role.PROJECT_LEAD, Role.STEWARD})


class Readers:
    """Answers by membership rows, as they are at this moment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def memberships(self, actor: Actor, ledger: str) -> tuple[Membership, ...]:
        """The actor's live memberships in a ledger.

        Raises:
            NotFound: it has none, or there is no such ledger.
        """
        with self._desk.gate.snapshot(ledger) as tables:
            held = live_memberships(tables, actor.account, self._desk.clock())
        if not held:
            raise NotFound
        return tuple(held)

    def require(
        self, actor: Actor, ledger: str, roles: Collection[Role], domain: str = HOSPITAL_DOMAIN
    ) -> tuple[Membership, ...]:
        """Those memberships by which the actor may read.

        Args:
            actor: who asks.
            ledger: the hospital's.
            roles: any of which suffices.
            domain: where it must be held; a role in the whole hospital counts everywhere in it.

        Raises:
            NotFound: it is no member here.
            Forbidden: it is a member, and none of its roles may read this.
        """
        held = self.memberships(actor, ledger)
        fit = tuple(m for m in held if m.role in roles and m.domain in (domain, HOSPITAL_DOMAIN))
        if not fit:
            raise Forbidden
        return fit

    def pseudonym(self, actor: Actor, ledger: str, account: str) -> str:
        """The name that an account bears in a ledger, for those who sign about people.

        A steward may ask for anybody, a firm's lead for people of the own firm.

        Raises:
            NotFound: it bears none, or is not the actor's to know.
            Forbidden: none of the actor's roles signs about people.
        """
        held = self.memberships(actor, ledger)
        signing = [m for m in held if m.role in SIGN_ABOUT_PEOPLE]
        if not signing:
            raise Forbidden
        firm = self._desk.require(account).organisation
        if not any(m.role is Role.STEWARD or m.organisation == firm for m in signing):
            raise NotFound("account-unknown", "there is no such account")
        with self._desk.gate.snapshot(ledger) as tables:
            if not tables.of(Membership).count(account=account) and not tables.of(Training).count(
                account=account
            ):
                raise NotFound("account-unknown", "nobody signed anything about this account")
            return tables.of(Pseudonym).require(account).pseudonym

    def everywhere(self, actor: Actor) -> Iterator[tuple[str, tuple[Membership, ...]]]:
        """Each hospital's ledger in which the actor is a member, with its live memberships."""
        with self._desk.platform() as tables:
            ledgers = [hospital.id for hospital in tables.of(Hospital).find()]
        for ledger in ledgers:
            with suppress(NotFound):
                yield ledger, self.memberships(actor, ledger)

    def card(self, actor: Actor, account: str) -> Account:
        """An account whose public side the actor may see: operators, stewards, and its own.

        Raises:
            NotFound: there is none, or it is not for the actor to see.
        """
        if account != actor.account and not self._sees_cards(actor):
            raise NotFound("account-unknown", "there is no such account")
        return self._desk.require(account)

    def _sees_cards(self, actor: Actor) -> bool:
        with self._desk.platform() as tables:
            roles = roles_held(tables, actor.account, self._desk.clock())
        if Role.OPERATOR in roles:
            return True
        return any(m.role == Role.STEWARD for _, held in self.everywhere(actor) for m in held)
