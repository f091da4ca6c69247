"""Changes of policy: what can be changed at run time, how a change reads, and whether it may be.

Rows of the templates can be added and taken away; everything else (words, facts, conditions,
groups, duties, training, floors, the grade pack) ships with the program, so that a change of it is
a new program. A policy's document is its rows: canonical JSON, from which the same program makes
the same decision table.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from policies.book import PolicyBook, read_policy
from policies.duties import duties_in_force
from policies.errors import PolicyInvalid
from policies.floors import REACHABILITY, broken, read_floors
from policies.plan import read_plan
from policies.reachability import Proof, prove
from policies.table import DecisionTable, canonical, compile_table
from policies.templates import read_templates, row_lines

_MOST_ROWS = 500
_LONGEST_ROW = 500


@dataclass(frozen=True)
class Policy:
    """One policy that can be ruled by: its rows, what they compile to, and how far it holds.

    Attributes:
        lines: its rows, sorted.
        book: everything it says.
        table: its decision table.
    """

    lines: tuple[str, ...]
    book: PolicyBook
    table: DecisionTable

    @cached_property
    def document(self) -> bytes:
        """Its rows as canonical JSON."""
        return canonical({"v": 1, "rows": list(self.lines)})

    @cached_property
    def proof(self) -> Proof:
        """The reachability proof (R10)."""
        return prove(self.book, self.table, duties_in_force(), read_plan())

    @cached_property
    def floors_broken(self) -> tuple[str, ...]:
        """Names of the floors that it breaks; none in a policy that may be adopted."""
        names = broken(self.book, self.table, duties_in_force(), read_floors())
        return names if self.proof.holds else (REACHABILITY, *names)


def policy_of(lines: Sequence[str]) -> Policy:
    """The policy that these rows make.

    Raises:
        PolicyInvalid: a row breaks a rule of its form, or there are too many.
    """
    if len(lines) > _MOST_ROWS or any(len(line) > _LONGEST_ROW for line in lines):
        raise PolicyInvalid("policy-too-large", f"at most {_MOST_ROWS} rows of {_LONGEST_ROW}")
    tidy = tuple(sorted(row_lines("\n".join(lines))))
    if not all(line.isascii() for line in tidy):
        raise PolicyInvalid("row-malformed", "rows are ASCII")
    shipped = read_policy()
    rows = read_templates(shipped.conditions, shipped.sheet, "\n".join(tidy))
    book = replace(shipped, templates=rows)
    return Policy(tidy, book, compile_table(book))


def shipped_policy() -> Policy:
    """The policy that lies in this tree."""
    return policy_of(row_lines())


def policy_from(document: bytes) -> Policy:
    """The policy of a document.

    Raises:
        PolicyInvalid: `document-malformed`, or as `policy_of`.
    """
    try:
        raw = json.loads(document)
        rows = raw["rows"]
        formed = isinstance(rows, list) and all(isinstance(row, str) for row in rows)
        if raw["v"] != 1 or set(raw) != {"v", "rows"} or not formed:
            raise PolicyInvalid("document-malformed", "not a policy document")
    except (ValueError, TypeError, KeyError) as error:
        raise PolicyInvalid("document-malformed", f"{error}") from error
    return policy_of(rows)


def changed(policy: Policy, add: Sequence[str], remove: Collection[str]) -> Policy:
    """The policy with rows added, and others, by their ids, taken away.

    Raises:
        PolicyInvalid: `row-unknown`, `change-empty`, or as `policy_of`.
    """
    by_id = {_id_of(line): line for line in policy.lines}
    if unknown := sorted(set(remove) - set(by_id)):
        raise PolicyInvalid("row-unknown", f"there is no row {unknown[0]}")
    kept = [line for name, line in by_id.items() if name not in remove]
    made = policy_of([*kept, *add])
    if made.lines == policy.lines:
        raise PolicyInvalid("change-empty", "nothing would change")
    return made


def difference(old: Policy, new: Policy) -> tuple[str, ...]:
    """What changes, a line each: `- row` for what goes, `+ row` for what comes."""
    gone, come = set(old.lines) - set(new.lines), set(new.lines) - set(old.lines)
    return (*(f"- {line}" for line in sorted(gone)), *(f"+ {line}" for line in sorted(come)))


def table_difference(old: DecisionTable, new: DecisionTable) -> tuple[str, ...]:
    """As `difference`, of what the rules of two tables say: rows may mean something else by now."""
    told = [
        {canonical(rule).decode() for rule in json.loads(table.encoded)["rules"]}
        for table in (old, new)
    ]
    gone, come = told[0] - told[1], told[1] - told[0]
    return (*(f"- {line}" for line in sorted(gone)), *(f"+ {line}" for line in sorted(come)))


def digest_of(diff: Sequence[str]) -> str:
    """`sha256:<hex>` of a difference, as people sign it."""
    return f"sha256:{sha256(canonical(list(diff))).hexdigest()}"


def _id_of(line: str) -> str:
    return line.split(", ")[1]
