"""Reading a ledger's entries: by role, at every request; told in the log once an hour.

Entries show working hours and volumes, so they need a role (hash tiles do not). One entry per
tile read would make the log grow by being read.
"""

import threading
from datetime import datetime, timedelta
from typing import Final

from policies.vocabulary import Role
from sandbox.acts import PLATFORM, PLATFORM_DOMAIN, Actor
from sandbox.errors import Forbidden, NotFound
from sandbox.people.commands import ReadLog
from sandbox.people.desk import Desk
from sandbox.people.hospitals import live_memberships
from sandbox.people.readers import Readers

# Not a firm's lead: a ledger shows other firms' hours and volumes.
READ_BY: Final = frozenset({Role.REGULATOR, Role.SECURITY_AUDITOR, Role.STEWARD})
_ONCE_IN: Final = timedelta(hours=1)
_MOST_KEPT: Final = 10_000


class LogAccess:
    """Lets readers of entries in; safe to use from many threads."""

    def __init__(self, desk: Desk, readers: Readers) -> None:
        self._desk = desk
        self._readers = readers
        self._lock = threading.Lock()  # guards `_told`
        self._told: dict[tuple[str, str, str], datetime] = {}

    def admit(self, actor: Actor, ledger: str) -> None:
        """Let the actor read entries of a ledger.

        Raises:
            NotFound: it is no member there, or there is no such ledger.
            Forbidden: none of its roles reads entries.
            Unavailable: the log can't take the entry that tells of it.
        """
        domain = self._domain(actor, ledger)
        now = self._desk.clock()
        key = (actor.account, actor.session or "", ledger)
        with self._lock:
            told_at = self._told.get(key)
        if told_at is not None and now - told_at < _ONCE_IN:
            return
        self._desk.gate.perform(actor, ReadLog(ledger=ledger, domain=domain))
        with self._lock:
            if len(self._told) >= _MOST_KEPT:
                self._told = {k: at for k, at in self._told.items() if now - at < _ONCE_IN}
            self._told[key] = now

    def _domain(self, actor: Actor, ledger: str) -> str:
        if ledger != PLATFORM:
            held = self._readers.memberships(actor, ledger)
            fit = [m.domain for m in held if m.role in READ_BY]
            if not fit:
                raise Forbidden
            return fit[0]
        with self._desk.platform() as tables:
            if not live_memberships(tables, actor.account, self._desk.clock()):
                raise NotFound
        return PLATFORM_DOMAIN
