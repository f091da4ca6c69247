"""The policy in force, as the gate asks for it: learned from the platform's log, in every unit.

- Which table is in force, the log says and nothing else (`sandbox.charter`): entries under a
  checkpoint of the notary, signed by the two people whom it takes. Before the first adoption it is
  the policy that ships with the program.
- Rows only keep the text of a policy: it counts when it compiles to the very table that the log
  names. A row that says another table is in force than the log does stops the platform's ledger;
  everything else goes on by the log.
- Whoever finds another table in force than it ruled by so far compiles that one and publishes it
  before anything is ruled by it.
- A table that this program makes no more of its rows (it is of another program), or, where the
  house says so, a policy that nobody adopted, rules on the platform's own acts as it stands, so
  that two people can adopt anew. Nothing of a hospital is done under it.
- A decision point is one policy's, with its own memory of rulings: nothing decided by one policy
  is ever an answer under another.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from crypto.note import VerifierKey
from policies.changes import Policy, policy_from, shipped_policy
from policies.decision import CasbinDecisionPoint
from policies.errors import PolicyInvalid
from policies.ruling import Facts, Ruling
from policies.table import DecisionTable, parse_table
from policies.tabled import TableDecisionPoint
from policies.vocabulary import Action, Role
from sandbox.acts import PLATFORM, PLATFORM_DOMAIN, DecisionPoint
from sandbox.charter import Charter, InForce
from sandbox.errors import LedgerUnavailable, Unavailable, VerificationFailed
from sandbox.records.policies import IN_FORCE, PolicyInForce, PolicyVersion
from sandbox.records.port import Ledgers, Tables

_log = logging.getLogger("anbiao.gate")
UNREADABLE: Final = "policy-unreadable"
NOT_ADOPTED: Final = "policy-not-adopted"
UNPROVED: Final = "policy-unproved"
ROW_DIFFERS: Final = "policy-row-differs"

SignedHead = Callable[[], tuple[Sequence[VerifierKey], str]]
"""Pinned keys of the platform's log, and the notary's last checkpoint over it."""


class Shelf(Protocol):
    """Where decision tables are published under their digests, with the rows they are made of."""

    def put(self, policy: Policy) -> None:
        """Publish a policy's table, unless it is there."""
        ...

    def table(self, digest: str) -> bytes | None:
        """The bytes of a published table; None when it is not there or not itself."""
        ...


@dataclass(frozen=True)
class _Known:
    """What rules, by so many entries of the platform's log."""

    size: int
    in_force: InForce | None
    table: DecisionTable
    point: DecisionPoint
    policy: Policy | None  # None: this program makes another table of its rows
    blocked: str | None  # why nothing of a hospital is done under it


class Governing:
    """The decision point of whichever policy is in force; may be shared among threads.

    Args:
        ledgers: all ledgers.
        shelf: where tables are published.
        head: what the notary signed of the platform's log, and by which keys.
        must_adopt: whether nothing of a hospital is done before a policy was adopted.
    """

    def __init__(
        self, ledgers: Ledgers, shelf: Shelf, head: SignedHead, *, must_adopt: bool = False
    ) -> None:
        self._ledgers = ledgers
        self._shelf = shelf
        self._head = head
        self._charter = Charter()  # guarded by _lock
        self._lock = threading.Lock()
        shipped = shipped_policy()
        self._known = _Known(
            0, None, shipped.table, self._made(shipped), shipped,
            NOT_ADOPTED if must_adopt else None,
        )  # fmt: skip

    @property
    def policy(self) -> Policy:
        """The policy in force, as of now.

        Raises:
            LedgerUnavailable: it can't be found out, or is another program's.
        """
        policy = self._now().policy
        if policy is None:
            raise _stopped(UNREADABLE)
        return policy

    @property
    def table(self) -> DecisionTable:
        """The decision table in force, as of now; also one that is another program's."""
        return self._now().table

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the decision table in force, as of now."""
        return self._now().point.digest

    @property
    def blocked(self) -> str | None:
        """Why nothing of a hospital is done now: a code, or None."""
        return self._now().blocked

    def require_start(self, *, for_hospitals: bool) -> None:
        """Let a process start, or refuse it; one that serves the platform, too, may wait.

        Raises:
            LedgerUnavailable: nothing could be ruled on; or nothing of a hospital, and the process
                does nothing else. Without a notary nobody knows yet, and each unit asks again.
        """
        try:
            code = self.blocked
        except LedgerUnavailable as error:
            if error.code != UNPROVED:
                raise
            return
        if code and for_hospitals:
            raise _stopped(code)
        if code:
            _log.warning("nothing of a hospital is done: %s", code)

    def in_unit(self, tables: Tables) -> DecisionPoint:
        """The decision point for a unit of work that has begun.

        Raises:
            LedgerUnavailable: it can't be found out, or nothing is done under it.
        """
        if tables.ledger != PLATFORM:
            known = self._now()
            if known.blocked:
                raise _stopped(known.blocked)
            return known.point
        size = tables.size()
        known = self._by(size)
        if known.size < size:
            raise _stopped(UNPROVED)
        row = tables.of(PolicyInForce).get(IN_FORCE)
        if (row and row.table) != (known.in_force and known.in_force.table):
            raise _stopped(ROW_DIFFERS)
        return known.point

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        """Rule by the policy in force now.

        Raises:
            LedgerUnavailable: it can't be found out, or nothing is done under it.
        """
        known = self._now()
        if known.blocked and domain != PLATFORM_DOMAIN:
            raise _stopped(known.blocked)
        return known.point.rule_on(roles, domain, action, facts, epoch)

    def _now(self) -> _Known:
        return self._by(self._ledgers.open(PLATFORM).size())

    def _by(self, size: int) -> _Known:
        """What rules by `size` entries; what is not signed yet has put nothing in force."""
        known = self._known
        if size <= known.size:
            return known
        with self._lock:
            if size > self._known.size:
                self._known = self._learned()
            return self._known

    def _learned(self) -> _Known:
        try:
            vkeys, note = self._head()
            self._charter.verify_log(self._ledgers.open(PLATFORM), vkeys, note)
        except LedgerUnavailable:
            raise
        except (Unavailable, VerificationFailed) as error:
            _log.error("the platform's log proves no policy: %s", error.code)
            raise _stopped(UNPROVED) from error
        known, in_force = self._known, self._charter.in_force
        if in_force is None or known.in_force == in_force:
            return replace(known, size=self._charter.size)
        return self._taken(in_force, self._charter.size)

    def _taken(self, in_force: InForce, size: int) -> _Known:
        policy = self._text_of(in_force)
        if policy is not None:
            return _Known(size, in_force, policy.table, self._made(policy), policy, None)
        encoded = self._shelf.table(in_force.table)
        try:
            table = parse_table(encoded or b"")
        except PolicyInvalid as error:
            raise _stopped(UNREADABLE) from error
        return _Known(size, in_force, table, TableDecisionPoint(table), None, UNREADABLE)

    def _text_of(self, in_force: InForce) -> Policy | None:
        """The policy whose rows make the table that is in force, if they do so here."""
        with self._ledgers.open(PLATFORM).snapshot() as tables:
            row = tables.of(PolicyVersion).get(in_force.version)
        try:
            policy = policy_from(row.document) if row else None
        except PolicyInvalid:
            return None
        return policy if policy and policy.table.digest == in_force.table else None

    def _made(self, policy: Policy) -> DecisionPoint:
        self._shelf.put(policy)
        return CasbinDecisionPoint(policy.book)


def _stopped(code: str) -> LedgerUnavailable:
    if code == UNREADABLE:
        return LedgerUnavailable(UNREADABLE, "its rows make another table here: adopt it anew")
    if code == NOT_ADOPTED:
        return LedgerUnavailable(NOT_ADOPTED, "a policy admin adopts a policy first")
    if code == ROW_DIFFERS:
        return LedgerUnavailable(ROW_DIFFERS, "a row says another policy is in force than the log")
    return LedgerUnavailable(UNPROVED, "the platform's log does not prove the policy in force")
