"""The matrix role x act x stage, with every fact tried: what the policy comes to, row by row.

`python -m policies.matrix` prints it as CSV; `tests/policies/golden_matrix.csv` is the committed
copy, so that a change of policy shows as a change of verdicts in review. Each line is one act at
one stage in one case; each further column is a role, and its cell the granting row, `-` for
default-deny, or `!` and the denying row (rows without the act's name, with which they begin).

Cases: `as it should be` has every fact at its good value; `name=value` changes one fact;
`name missing` leaves one out; `in hospital` and the like do the act in another kind of domain.
"""

import csv
import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.book import PolicyBook, read_policy
from policies.facts import ActForm
from policies.ruling import Fact
from policies.table import DEFAULT_DENY, DecisionTable, compile_table, evaluate
from policies.vocabulary import Action, DomainKind, Role

GOOD = "as it should be"
NOBODY = "(no role)"
NO_STAGE = "-"
DOMAINS = ("platform", "hospital", "project:any")


@dataclass(frozen=True)
class Case:
    """One question that is put for every role."""

    action: Action
    stage: str
    case: str
    domain: str
    facts: Mapping[str, Fact]


def domain_of(table: DecisionTable, action: Action) -> str:
    """A domain in which the act belongs: a project's where any row grants it there."""
    kinds = {rule.kind for rule in table.by_action.get(action, ()) if rule.allows}
    if kinds == {DomainKind.PLATFORM}:
        return DOMAINS[0]
    return DOMAINS[2] if DomainKind.PROJECT in kinds else DOMAINS[1]


def cases(book: PolicyBook, table: DecisionTable) -> Iterator[Case]:
    """Every question of the matrix, in a fixed order."""
    for action in sorted(Action):
        yield from _cases_of(book.sheet[action], table)


def _cases_of(form: ActForm, table: DecisionTable) -> Iterator[Case]:
    domain = domain_of(table, form.action)
    decisive = table.decisive(form.action)
    good = {name: form.facts[name].good for name in decisive if name != "stage"}
    for stage in form.stages or (NO_STAGE,):
        staged = {**good, "stage": stage} if "stage" in decisive else good
        yield Case(form.action, stage, GOOD, domain, staged)
        if not _granted_to_any(table, form.action, domain, staged):
            continue
        for name in decisive:
            for value in form.facts[name].values if name != "stage" else ():
                if value != staged[name]:
                    changed = {**staged, name: value}
                    yield Case(form.action, stage, f"{name}={_shown(value)}", domain, changed)
            left = {each: fact for each, fact in staged.items() if each != name}
            yield Case(form.action, stage, f"{name} missing", domain, left)
        for elsewhere in DOMAINS:
            if elsewhere != domain:
                yield Case(form.action, stage, f"in {elsewhere}", elsewhere, staged)


def _granted_to_any(
    table: DecisionTable, action: Action, domain: str, facts: Mapping[str, Fact]
) -> bool:
    return any(evaluate(table, [role], domain, action, facts)[0] for role in Role)


def _shown(value: Fact) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def cell(allowed: bool, rule: str) -> str:
    """How a verdict stands in the matrix."""
    if allowed:
        return rule.partition("/")[2]
    return "-" if rule == DEFAULT_DENY else f"!{rule.partition('/')[2]}"


HEADER = ("action", "stage", "case", NOBODY, *(role.value for role in sorted(Role)))


def rows(book: PolicyBook, table: DecisionTable) -> Iterator[tuple[str, ...]]:
    """The matrix's lines below `HEADER`."""
    columns: tuple[tuple[Role, ...], ...] = ((), *((role,) for role in sorted(Role)))
    for case in cases(book, table):
        verdicts = (
            cell(*evaluate(table, roles, case.domain, case.action, case.facts)) for roles in columns
        )
        yield (case.action.value, case.stage, case.case, *verdicts)


def as_csv() -> str:
    """The whole matrix of the policy in this tree."""
    book = read_policy()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows(book, compile_table(book)))
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.write(as_csv())
