"""The form of a question to policy and of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Fact = str | int | bool | None | tuple[str, ...]
Facts = Mapping[str, Fact]


@dataclass(frozen=True)
class Ruling:
    """What policy said.

    Attributes:
        allowed: the verdict.
        rule: id of the deciding line, or `default-deny`.
        policy: `sha256:<hex>` of the decision table that was in force.
        facts: the decisive facts only: those that some line for this action looks at.
    """

    allowed: bool
    rule: str
    policy: str
    facts: Facts = field(default_factory=dict)
