"""Who may read what of a ledger without an entry: lists and states, never content.

An account without a live membership in a ledger gets the answer of an unknown one (404).
"""

from collections.abc import Collection
from typing import Final

from policies.vocabulary import Role
from sandbox.acts import HOSPITAL_DOMAIN, Actor
from sandbox.errors import Forbidden, NotFound
from sandbox.people.desk import Desk
from sandbox.people.hospitals import live_memberships
from sandbox.records.people import Membership

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
