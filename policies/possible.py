"""Whether an act can be allowed to a role at all: under some facts, by the decision table.

Not by trying all facts: a grant's conditions and the denials beside it are tests on one fact each,
but for a few. Tests on one fact leave some of its values over; only facts that are compared with
one another, or stand together in a denial, are tried in combination. What is found is then put to
the table, so that the answer rests on the same rules as every ruling.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from policies.conditions import Comparison, holds
from policies.facts import ActForm
from policies.ruling import Fact, Facts
from policies.table import DecisionTable, Rule, evaluate
from policies.templates import holds_role, lies_in
from policies.vocabulary import Role

DOMAINS = ("platform", "hospital", "project:any")
"""One domain of each kind."""

_STRANGE = "something-else"
_Values = dict[str, list[Fact]]


def witness(
    table: DecisionTable, form: ActForm, role: Role, fixed: Facts
) -> tuple[str, Facts] | None:
    """A granting rule and facts, `fixed` among them, under which the act is allowed to the role.

    Whoever holds further roles is refused at most more: what a person may do with several roles,
    it may do with one of them.
    """
    for domain in DOMAINS:
        rules = [
            rule
            for rule in table.by_action.get(form.action, ())
            if holds_role([role], rule.role) and lies_in(domain, rule.kind)
        ]
        denials = [rule.when for rule in rules if not rule.allows]
        for rule in (rule for rule in rules if rule.allows):
            facts = _solved(rule.when, denials, _values(form, rules, fixed))
            if facts is None:
                continue
            allowed, decided = evaluate(table, [role], domain, form.action, facts)
            if allowed:
                return decided, facts
    return None


def _values(form: ActForm, rules: Sequence[Rule], fixed: Facts) -> _Values:
    """What each fact may be: declared values, those that rules name, another one, or unknown."""
    found: _Values = {}
    for name in {name for rule in rules for test in rule.when for name in test.names()}:
        if name in fixed:
            found[name] = [fixed[name]]
            continue
        stages = form.stages if name == "stage" else ()
        declared = form.facts[name].values if name in form.facts else ()
        literals = [v for rule in rules for test in rule.when for v in _literals(test, name)]
        found[name] = list(dict.fromkeys((*declared, *stages, *literals, _STRANGE, None)))
    return found


def _literals(test: Comparison, name: str) -> Iterator[Fact]:
    """The literals that a test compares the fact with, and for numbers their neighbours."""
    if test.fact != name or test.value is None:
        return
    if isinstance(test.value, tuple):
        yield from test.value
    elif isinstance(test.value, int) and not isinstance(test.value, bool):
        yield from (test.value - 1, test.value, test.value + 1)
    else:
        yield test.value
        yield (str(test.value),)


def _solved(
    grant: Sequence[Comparison], denials: Sequence[Sequence[Comparison]], values: _Values
) -> Facts | None:
    """Facts under which the grant's tests hold and no denial does."""
    together: list[tuple[Sequence[Comparison], bool]] = []
    for tests, wanted in (*(((test,), True) for test in grant), *((d, False) for d in denials)):
        names = {name for test in tests for name in test.names()}
        if not names:  # a denial without conditions holds always
            return None
        if len(names) > 1:
            together.append((tests, wanted))
            continue
        (name,) = names
        values[name] = [v for v in values[name] if _as_wanted(tests, {name: v}, wanted=wanted)]
    return _combined(together, values)


def _combined(
    together: Sequence[tuple[Sequence[Comparison], bool]], values: Mapping[str, Sequence[Fact]]
) -> Facts | None:
    if not all(values.values()):
        return None
    tangled = sorted({n for tests, _ in together for test in tests for n in test.names()})
    alone = {name: each[0] for name, each in values.items() if name not in tangled}
    for chosen in product(*(values[name] for name in tangled)):
        facts = {**alone, **dict(zip(tangled, chosen, strict=True))}
        if all(_as_wanted(tests, facts, wanted=wanted) for tests, wanted in together):
            return {name: fact for name, fact in facts.items() if fact is not None}
    return None


def _as_wanted(tests: Iterable[Comparison], facts: Facts, *, wanted: bool) -> bool:
    """Whether a grant's tests hold, or a denial's don't."""
    return holds(tests, facts, unknown=not wanted) is wanted
