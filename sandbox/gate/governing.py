"""The policy in force, as the gate asks for it: looked up in every unit of work.

- What is in force stands in one row of the platform's ledger, written by the act that adopts or
  approves a policy. Before the first adoption it is the policy that ships with the program.
- Whoever finds another version in force than it ruled by so far compiles that one from its rows,
  checks that the table is the one that was approved, and publishes it before anything is ruled by
  it. A version that this program can't read stops the ledger: nothing is ruled by guess.
- A decision point is one policy's, with its own memory of rulings: nothing decided by one policy
  is ever an answer under another.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from policies.changes import Policy, policy_from, shipped_policy
from policies.decision import CasbinDecisionPoint
from policies.errors import PolicyInvalid
from policies.ruling import Facts, Ruling
from policies.vocabulary import Action, Role
from sandbox.acts import PLATFORM
from sandbox.errors import LedgerUnavailable, NotFound
from sandbox.records.policies import IN_FORCE, PolicyInForce, PolicyVersion
from sandbox.records.port import Ledgers, Tables

_UNREADABLE: Final = "policy-unreadable"
Publish = Callable[[CasbinDecisionPoint], None]


class Governing:
    """The decision point of whichever policy is in force; may be shared among threads."""

    def __init__(self, ledgers: Ledgers, publish: Publish) -> None:
        self._ledgers = ledgers
        self._publish = publish
        self._lock = threading.Lock()  # guards the two below
        self._policy = shipped_policy()
        self._point = self._made(self._policy)

    @property
    def policy(self) -> Policy:
        """The policy in force, as of now."""
        self.now()
        return self._policy

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the decision table in force, as of now."""
        return self.now().digest

    def now(self) -> CasbinDecisionPoint:
        """The decision point in force at this moment.

        Raises:
            LedgerUnavailable: it can't be found out, or can't be read.
        """
        with self._ledgers.open(PLATFORM).snapshot() as tables:
            return self._by(tables)

    def in_unit(self, tables: Tables) -> CasbinDecisionPoint:
        """The decision point for a unit of work that has begun.

        Raises:
            LedgerUnavailable: it can't be found out, or can't be read.
        """
        return self._by(tables) if tables.ledger == PLATFORM else self.now()

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        """Rule by the policy in force now."""
        return self.now().rule_on(roles, domain, action, facts, epoch)

    def _by(self, tables: Tables) -> CasbinDecisionPoint:
        row = tables.of(PolicyInForce).get(IN_FORCE)
        point = self._point
        if row is None or row.table == point.digest:
            return point
        with self._lock:
            if row.table != self._point.digest:
                self._policy = _read(tables, row)
                self._point = self._made(self._policy)
            return self._point

    def _made(self, policy: Policy) -> CasbinDecisionPoint:
        point = CasbinDecisionPoint(policy.book)
        self._publish(point)
        return point


def _read(tables: Tables, row: PolicyInForce) -> Policy:
    try:
        policy = policy_from(tables.of(PolicyVersion).require(row.version).document)
    except (NotFound, PolicyInvalid) as error:
        raise LedgerUnavailable(_UNREADABLE, "the policy in force can't be read") from error
    if policy.table.digest != row.table:
        # Its rows make another table here than where it was approved: another program's words.
        raise LedgerUnavailable(
            _UNREADABLE,
            "the policy in force makes another table here; run the version that adopted it",
        )
    return policy
