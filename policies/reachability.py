"""The proof that no role path leads a labeller, a firm or the operator to source bytes (R10).

The question, for each line of `never` in reach.toml: can a person who holds one of its roles come
to hold one of its things, by acts that the decision table allows? Taken into account are

- every combination of roles in one person that duties permit, as a steward might grant it (and
  any combination at all where the policy lets duties be broken);
- roles that the person can put into somebody else's hands, who then acts for it; and roles that
  it can take itself;
- changes of the policy: what one person may do alone is looked for; what two do together is a
  policy that passes this very proof before it is adopted, and so leads nowhere new;
- for each act, all facts under which the table allows it (`possible`): a condition keeps nobody
  away by being unlikely.

The answer errs to the strict side: an accomplice never quarrels, and stages never have to wait.
It says nothing of what is no act at the gate: of who runs the machines, and what code does.

Pure: the same policy gives the same report, byte for byte.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from policies.book import PolicyBook
from policies.duties import Duties
from policies.plan import BY_FACT, Plan, Step
from policies.possible import witness
from policies.table import DecisionTable, canonical
from policies.vocabulary import Action, Role

Node = tuple[str, str]
"""What is held: `self` or `ally` and a role, or `thing` and its name."""


@dataclass(frozen=True)
class Means:
    """One step that a role can take: the rule that allows it, and what comes of it."""

    step: Step
    rule: str
    gains: tuple[Node, ...]


@dataclass(frozen=True)
class Found:
    """A path to what must never be reached: from which role, to what, by which steps."""

    never: str
    role: str
    thing: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        """The path in one line."""
        return f"{self.never}: {self.role} reaches {self.thing} by {' > '.join(self.steps)}"


@dataclass(frozen=True)
class Proof:
    """What the search came to.

    Attributes:
        policy: digest of the decision table that was looked at.
        people: how many combinations of roles in one person were looked at.
        paths: how many steps were tried, over all of them.
        found: the shortest path to each forbidden thing that can be reached; none in a proof.
    """

    policy: str
    people: int
    paths: int
    found: tuple[Found, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing forbidden can be reached."""
        return not self.found

    @cached_property
    def report(self) -> bytes:
        """The report as canonical JSON."""
        return canonical(
            {
                "v": 1,
                "policy": self.policy,
                "verdict": "proved" if self.holds else "refuted",
                "people": self.people,
                "paths": self.paths,
                "found": [
                    {"never": f.never, "role": f.role, "thing": f.thing, "steps": list(f.steps)}
                    for f in self.found
                ],
            }
        )

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the report."""
        return f"sha256:{sha256(self.report).hexdigest()}"


def prove(book: PolicyBook, table: DecisionTable, duties: Duties, plan: Plan) -> Proof:
    """Look for every forbidden thing from every role that must not reach it."""
    can = {role: tuple(_means(book, table, plan, role)) for role in Role}
    kept = not any(
        witness(table, book.sheet[Action.MEMBER_GRANT], role, {"conflicting": True})
        for role in Role
    )
    search = _Search(plan, can)
    people, paths, found = 0, 0, []
    for never in plan.never:
        for role in sorted(never.who):
            reached: dict[str, Found] = {}
            for persona in _personas(role, duties if kept else None):
                people += 1
                walk = search.walk(persona)
                paths += walk.tried
                for thing in sorted(never.what & walk.things()):
                    path = Found(never.name, role.value, thing, walk.path_to(thing, role))
                    if thing not in reached or _shorter(path, reached[thing]):
                        reached[thing] = path
            found += [reached[thing] for thing in sorted(reached)]
    return Proof(table.digest, people, paths, tuple(found))


def _shorter(one: Found, other: Found) -> bool:
    return (len(one.steps), one.steps) < (len(other.steps), other.steps)


def _means(book: PolicyBook, table: DecisionTable, plan: Plan, role: Role) -> Iterator[Means]:
    """Every step that the table can allow to a role, once for each role that it hands on."""
    for step in plan.steps:
        word = step.grants or step.takes
        named = [{"role": each.value} for each in sorted(Role)] if word == BY_FACT else [{}]
        for more in named:
            seen = witness(table, book.sheet[step.action], role, {**step.fixed, **more})
            if seen is not None:
                yield Means(step, seen[0], _gains(step, more.get("role", word)))


def _gains(step: Step, role: str | None) -> tuple[Node, ...]:
    things = [("thing", thing) for thing in sorted(step.yields)]
    if role is not None:
        things.append(("ally" if step.grants else "self", role))
    return tuple(things)


def _personas(role: Role, duties: Duties | None) -> Iterator[frozenset[Role]]:
    """The largest sets of roles with `role` that one person may hold; by Bron and Kerbosch."""
    if duties is None:
        yield frozenset(Role)
        return

    def together(one: Role, other: Role) -> bool:
        return one != other and not any(pair.forbids(one, other) for pair in duties.pairs)

    def grown(
        held: frozenset[Role], open_ones: frozenset[Role], done: frozenset[Role]
    ) -> Iterator[frozenset[Role]]:
        if not open_ones and not done:
            yield held
        for each in sorted(open_ones):
            near = frozenset(other for other in Role if together(each, other))
            yield from grown(held | {each}, open_ones & near, done & near)
            open_ones, done = open_ones - {each}, done | {each}

    beside = frozenset(other for other in Role if together(role, other))
    yield from grown(frozenset({role}), beside, frozenset())


@dataclass
class _Walk:
    """How each thing was first come by: its origin's node, the words for the step, its needs."""

    origins: dict[Node, tuple[Node | None, str, tuple[Node, ...]]] = field(default_factory=dict)
    tried: int = 0

    def things(self) -> set[str]:
        return {name for kind, name in self.origins if kind == "thing"}

    def path_to(self, thing: str, role: Role) -> tuple[str, ...]:
        """The steps that lead to a thing, each once, in an order in which they can be taken."""
        taken: dict[str, None] = {}

        def follow(node: Node) -> None:
            origin, words, needs = self.origins[node]
            for before in (*needs, *((origin,) if origin else ())):
                follow(before)
            if origin is not None or node != ("self", role.value):
                taken[words] = None

        follow(("thing", thing))
        return tuple(taken)


class _Search:
    """Walks from what a person holds to all that it can come to hold, nearest things first."""

    def __init__(self, plan: Plan, can: Mapping[Role, Collection[Means]]) -> None:
        self._plan = plan
        self._can = can

    def walk(self, persona: frozenset[Role]) -> _Walk:
        walk = _Walk()
        for role in sorted(persona):
            walk.origins["self", role.value] = (None, f"holds {role} beside", ())
        while self._round(walk):
            pass
        return walk

    def _round(self, walk: _Walk) -> bool:
        """Everything that is one step away from what is held now; whether there was any."""
        fresh: dict[Node, tuple[Node | None, str, tuple[Node, ...]]] = {}
        for holder in [node for node in walk.origins if node[0] != "thing"]:
            role = Role(holder[1])
            for thing in sorted(self._plan.given.get(role, ())):
                fresh.setdefault(("thing", thing), (holder, f"{role} has {thing}", ()))
            for means in self._can[role]:
                walk.tried += 1
                needs = tuple(("thing", need) for need in sorted(means.step.needs))
                if all(need in walk.origins for need in needs):
                    for node in means.gains:
                        fresh.setdefault(node, (holder, _words(role, means, node), needs))
        new = {node: origin for node, origin in fresh.items() if node not in walk.origins}
        walk.origins.update(new)
        return bool(new)


def _words(role: Role, means: Means, node: Node) -> str:
    got = {"ally": f"somebody gets {node[1]}", "self": f"gets {node[1]}"}.get(node[0], node[1])
    return f"{role} does {means.step.action} ({means.rule}): {got}"
