"""A grade pack: what may leave with whose votes, what never leaves, and the house's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.vocabulary import Category, Grade, Role


@dataclass(frozen=True)
class Share:
    """What one grade asks of a release, or what one category adds; `never` forbids it."""

    votes: int
    roles: tuple[Role, ...]
    never: bool


@dataclass(frozen=True)
class Pack:
    """A pack as read.

    Attributes:
        name: the pack's name.
        version: grows with every change.
        grades: what a release of each grade asks.
        categories: what each category adds to it.
        hospital_vote: whether one vote must come from the owning hospital.
        never_leaves: kinds of objects that no release may hold.
        guideline_fields: what a guideline must say before a task opens.
        default_grade: grade of data that nobody has graded.
        default_category: category of such data.
        lease_s: how long a lease lasts, in seconds.
        sample_items: how many items of a batch an officer looks at, at least.
    """

    name: str
    version: int
    grades: Mapping[Grade, Share]
    categories: Mapping[Category, Share]
    hospital_vote: bool
    never_leaves: tuple[str, ...]
    guideline_fields: tuple[str, ...]
    default_grade: Grade
    default_category: Category
    lease_s: int
    sample_items: int


def read_pack(name: str = "health", text: str | None = None) -> Pack:
    """Read a pack, from `packs/<name>.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-missing`, `file-malformed`, or `pack-malformed` for a value that is
            missing or wrong, or a grade or category without its line.
    """
    raw = toml_from(text_of(f"packs/{name}.toml") if text is None else text)
    try:
        pack = _pack(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PolicyInvalid("pack-malformed", f"{name}: {error}") from error
    if set(pack.grades) != set(Grade) or set(pack.categories) != set(Category):
        raise PolicyInvalid("pack-malformed", f"{name}: every grade and category needs a line")
    return pack


def _pack(raw: Mapping[str, Any]) -> Pack:  # Any: parsed TOML
    releases, defaults = raw["releases"], raw["defaults"]
    return Pack(
        name=raw["name"],
        version=_count(raw["version"]),
        grades=MappingProxyType(
            {Grade(int(grade)): _share(each) for grade, each in releases["grades"].items()}
        ),
        categories=MappingProxyType(
            {Category(name): _share(each) for name, each in releases["categories"].items()}
        ),
        hospital_vote=releases["hospital_vote"] is True,
        never_leaves=tuple(raw["never-leaves"]["kinds"]),
        guideline_fields=tuple(raw["guideline"]["required"]),
        default_grade=Grade(defaults["grade"]),
        default_category=Category(defaults["category"]),
        lease_s=_count(defaults["lease_s"]),
        sample_items=_count(defaults["sample_items"]),
    )


def _share(raw: Mapping[str, Any]) -> Share:  # Any: parsed TOML
    if not raw["source"]:
        raise ValueError("a line without a source")
    if "never" in raw:
        if raw["never"] is not True:
            raise ValueError("`never` is true or left out")
        return Share(0, (), never=True)
    return Share(_count(raw["votes"]), tuple(Role(role) for role in raw["roles"]), never=False)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"not a count: {value!r}")
    return value
