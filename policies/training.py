"""Which courses a role asks for, from `training.toml`; who passed them, the ledgers know."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.vocabulary import Role

Courses = Mapping[Role, frozenset[str]]
"""The courses that each role asks for; a role that is not in it asks for none."""


@cache
def training_in_force() -> Courses:
    """The training asked for in this tree, read once."""
    return read_training()


def read_training(text: str | None = None) -> Courses:
    """Read the courses, from `training.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, or `training-malformed` for a field or role that nobody
            knows or a course for no role.
    """
    raw = toml_from(text_of("training.toml") if text is None else text)
    found: dict[Role, frozenset[str]] = {}
    try:
        if set(raw) != {"courses"}:
            raise PolicyInvalid("training-malformed", "only courses are said")
        for course, each in raw["courses"].items():
            if set(each) != {"means", "roles"} or not each["roles"]:
                raise PolicyInvalid("training-malformed", f"{course}: means and roles are needed")
            for role in each["roles"]:
                found[Role(role)] = found.get(Role(role), frozenset()) | {course}
    except (ValueError, TypeError, AttributeError) as error:
        raise PolicyInvalid("training-malformed", f"{error}") from error
    return MappingProxyType(found)


def known_courses() -> frozenset[str]:
    """Every course that some role asks for."""
    return frozenset(course for asked in training_in_force().values() for course in asked)
