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
from sandbox.records.people import Account, Hospital, Membership

EVERY_MEMBER: Final = frozenset(Role)


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
