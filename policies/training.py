"""Which courses a role asks for, and for how long, from `training.toml`.

Who passed them, the ledgers know.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import Final

from policies.errors import PolicyInvalid
from policies.files import text_of, toml_from
from policies.vocabulary import Role

Courses = Mapping[Role, frozenset[str]]
"""The courses that each role asks for; a role that is not in it asks for none."""

_MOST_DAYS: Final = 3653


@cache
def training_in_force() -> Courses:
    """The training asked for in this tree, read once."""
    return read_training()


@cache
def longest_validity() -> timedelta:
    """So long a record counts at most, from the moment at which the course was passed."""
    return read_validity()


def read_validity(text: str | None = None) -> timedelta:
    """Read the longest validity, from `training.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, or `training-malformed` for what is no number of days.
    """
    days = toml_from(text_of("training.toml") if text is None else text).get("longest_days")
    if type(days) is not int or not 0 < days <= _MOST_DAYS:
        raise PolicyInvalid("training-malformed", f"longest_days: 1 to {_MOST_DAYS} are needed")
    return timedelta(days=days)


def read_training(text: str | None = None) -> Courses:
    """Read the courses, from `training.toml` where no text is given.

    Raises:
        PolicyInvalid: `file-malformed`, or `training-malformed` for a field or role that nobody
            knows or a course for no role.
    """
    raw = toml_from(text_of("training.toml") if text is None else text)
    found: dict[Role, frozenset[str]] = {}
    try:
        if set(raw) != {"courses", "longest_days"}:
            raise PolicyInvalid("training-malformed", "courses and longest_days are said")
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
