"""Writes the policy out for people: `python -m policies.summary` prints docs/policy.md."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from policies.book import PolicyBook, read_policy
from policies.duties import Duties, duties_in_force
from policies.facts import ActForm
from policies.files import text_of, toml_from
from policies.floors import Floors, read_floors
from policies.quorum import Quorum, required_votes
from policies.ruling import Fact
from policies.table import compile_table
from policies.templates import ANYONE, Template
from policies.vocabulary import SIGNED_ACTIONS, Action, Category, Grade, Role

_HEAD = """# Policy

Written from the files in `policies/` by `python -m policies.summary`; a test compares this page
with them. The whole matrix role x act x stage, with every fact tried, is
`tests/policies/golden_matrix.csv` (`python -m policies.matrix`).

What no row grants is refused (`default-deny`). A row that denies overrides every row that
grants. A fact that is missing fails in a grant and holds in a denial. `anyone` needs no role.

## How the policy changes

- The policy that ships with the program is adopted once, by a policy admin (`policy.adopt`). From
  then on it changes only by two people: one policy admin proposes a change by signature, another
  approves it by signature (`anbiao policy`; `POST /v1/policies/proposals`). The new policy rules
  from the next unit of work on, in every process, and its decision table is published under its
  digest before anything is ruled by it.
- Who proposes and whom they appointed are not two: an approver whose role goes back to a grant by
  the author is refused (`policy.approve/appointed`). Roles on the platform are granted by an
  operator's signature over the holder's key, so that the log alone shows who the two were.
- Gate and worker learn the policy in force from the platform's signed log; rows keep its text.
- After an update that makes another table of the same rows, two people adopt it anew
  (`anbiao policy readopt`); until then only the platform's own acts are done.
- What can change at run time are rows of `templates.csv`. Words, facts, conditions, groups,
  duties, training, the grade pack, the steps of the proof and the floors ship with the program.
- No change goes below the floors (end of this page), whoever approves it: it is refused by the
  floor's name (`floor-<name>`). The entry of each change holds version, author, the digests of
  table, difference and proof report, and how many steps the proof tried.
- **Reachability proof** (`policies/reachability.py`): for each line of `never` in `reach.toml` it
  looks for a path by which a person with one of the roles comes to hold one of the things, over
  every combination of roles that duties permit, over roles that can be handed to somebody else,
  and over every act that the decision table allows under any facts at all. It gives the shortest
  path, or none. Limits: it is about acts at the gate, not about code or about who runs the
  machines; a purely personal second account of a policy admin, under another key, is a second
  person to it.
- Conditions end by themselves: contract and ethics approval (`contract_valid`), a project's
  permit (`permit_valid`), training (a membership without it does not count). The session's
  declared purpose must be the contract's. All are looked at in every ruling and before every
  frame.

A row may stand for a group of acts (`@group`, groups.toml): so that there are {rows} rows where
there would be {rules}. It is not fewer because a row says one thing: roles that do the same act
under the same condition keep a row each, so that one can be taken away without touching the other.
"""


def page() -> str:
    """The whole page."""
    book = read_policy()
    parts = (
        _in_short(book),
        _who_may(book),
        _conditions(),
        _leaving(book),
        _duties(duties_in_force()),
        _training(book),
        _acts(book),
        _floors(read_floors()),
    )
    rows, rules = len({row.row for row in book.templates}), len(book.templates)
    head = _HEAD.format(rows=rows, rules=rules)
    return "\n".join([head, *(text for part in parts for text in part)])


def _in_short(book: PolicyBook) -> Iterator[str]:
    granted: dict[str, set[str]] = {role: set() for role in (*sorted(Role), ANYONE)}
    for row in book.templates:
        if row.allows:
            granted[row.role].add(f"`{row.action}`")
    yield "## The matrix in short: what each role may do at some stage\n"
    lines = [(_named(role), ", ".join(sorted(acts))) for role, acts in granted.items()]
    yield _table(("role", "acts"), lines)


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _scope(action: Action) -> str:
    return action.value.partition(".")[0]


def _named(role: str) -> str:
    return "anyone" if role == ANYONE else role


def _who_may(book: PolicyBook) -> Iterator[str]:
    yield "## Who may do what\n"
    for scope, acts in groupby(sorted(Action), key=_scope):
        wanted = set(acts)
        lines = [_line(row) for row in book.templates if row.action in wanted]
        yield f"### {scope}\n"
        yield _table(("act", "role", "in", "verdict", "when", "source"), lines)


def _line(row: Template) -> tuple[str, ...]:
    verdict = "granted" if row.allows else "**refused**"
    when = ", ".join(row.when) or "always"
    return (f"`{row.action}`", _named(row.role), row.kind.value, verdict, when, row.source)


def _conditions() -> Iterator[str]:
    raw = toml_from(text_of("conditions.toml"))
    yield "## Conditions\n"
    yield _table(("condition", "holds when"), [(name, raw[name]["means"]) for name in sorted(raw)])


def _leaving(book: PolicyBook) -> Iterator[str]:
    categories = sorted(Category, key=list(Category).index)
    yield f"## What may leave with whose votes (pack `{book.pack.name}`)\n"
    yield _table(
        ("grade", *categories),
        [
            (
                str(grade.value),
                *(_votes(required_votes(book.pack, grade, each)) for each in categories),
            )
            for grade in Grade
        ],
    )
    yield f"Never: {', '.join(book.pack.never_leaves)}.\n"


def _votes(quorum: Quorum) -> str:
    if quorum.refused:
        return "never"
    by = [*quorum.roles, *(["a member of the hospital"] if quorum.hospital_vote else [])]
    return f"{quorum.votes} votes, among them {' and '.join(by)}"


def _duties(duties: Duties) -> Iterator[str]:
    yield "## Roles that nobody holds together\n"
    yield _table(
        ("duty", "one of", "none of", "within", "because", "source"),
        [
            (
                pair.name,
                ", ".join(sorted(pair.first)),
                ", ".join(sorted(pair.second)),
                pair.within,
                pair.means,
                pair.source,
            )
            for pair in duties.pairs
        ],
    )
    yield "## Acts that nobody does both of\n"
    yield _table(
        ("duty", "acts", "on one", "refused by"),
        [(a.name, f"`{a.first}`, `{a.second}`", a.of, ", ".join(a.rows)) for a in duties.acts],
    )


def _training(book: PolicyBook) -> Iterator[str]:
    yield "## Training that a role asks for\n"
    lines = [
        (role.value, ", ".join(sorted(asked))) for role, asked in sorted(book.training.items())
    ]
    yield _table(("role", "courses"), lines)


def _floors(floors: Floors) -> Iterator[str]:
    yield "## Floors\n"
    yield "Beside the reachability proof: under these facts none of the roles may act.\n"
    yield _table(
        ("floor", "facts", "acts", "roles"),
        [
            (
                floor.name,
                ", ".join(f"{name}={_fact(value)}" for name, value in floor.fixed.items()),
                ", ".join(f"`{act}`" for act in sorted(floor.acts)),
                _whom(floor.roles),
            )
            for floor in floors.never
        ],
    )
    yield "And these stay possible.\n"
    yield _table(
        ("floor", "act", "role"),
        [(stay.name, f"`{stay.act}`", stay.role.value) for stay in floors.always],
    )


def _whom(roles: frozenset[Role]) -> str:
    others = frozenset(Role) - roles
    if len(others) < len(roles):
        return "all but " + ", ".join(sorted(others)) if others else "all"
    return ", ".join(sorted(roles))


def _fact(value: Fact) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _acts(book: PolicyBook) -> Iterator[str]:
    table = compile_table(book)
    yield "## What each act says and reaches\n"
    yield "Decisive facts are in bold: some row looks at them, and they stand in the entry.\n"
    yield _table(
        ("act", "facts", "stages", "reaches", "signed by the person"),
        [_act(book.sheet[action], table.decisive(action)) for action in sorted(Action)],
    )
    forms = {form.name: form for act in book.sheet.values() for form in act.facts.values()}
    yield "## Facts\n"
    yield _table(
        ("fact", "type", "means"), [(n, forms[n].type, forms[n].means) for n in sorted(forms)]
    )


def _act(form: ActForm, decisive: Sequence[str]) -> tuple[str, ...]:
    facts = ", ".join(f"**{name}**" if name in decisive else name for name in sorted(form.facts))
    signed = "yes" if form.action in SIGNED_ACTIONS else ""
    stages = ", ".join(form.stages)
    return (f"`{form.action}`", facts or "none", stages, ", ".join(form.reaches), signed)


if __name__ == "__main__":
    sys.stdout.write(page())
