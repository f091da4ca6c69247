"""A decision point that rules by a table as it stands, without the rows that it was made from.

For the table of another program: its rows may make another one here, or none, while the table says
by itself what it allows. What this program calls by no name, it does not rule on.
"""

from collections.abc import Sequence
from types import MappingProxyType

from policies.facts import FactSheet, gathered, read_facts
from policies.ruling import Facts, Ruling
from policies.table import DecisionTable, evaluate
from policies.vocabulary import Action, Role


class TableDecisionPoint:
    """Rules on acts by one table; safe to share among threads."""

    def __init__(self, table: DecisionTable, sheet: FactSheet | None = None) -> None:
        self._table = table
        self._sheet = read_facts() if sheet is None else sheet

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the table."""
        return self._table.digest

    def rule_on(
        self, roles: Sequence[Role], domain: str, action: Action, facts: Facts, epoch: int
    ) -> Ruling:
        """Rule on an act by someone who holds `roles` in `domain`; `epoch` changes nothing."""
        del epoch
        decisive = gathered(self._sheet[action], self._table.decisive(action), facts)
        allowed, rule = evaluate(self._table, sorted(map(str, roles)), domain, action, decisive)
        return Ruling(allowed, rule, self.digest, MappingProxyType(decisive))
