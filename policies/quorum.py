"""Whose votes a release needs, by grade and category (R50).

Pure functions over a pack; who may vote at all is a matter of the templates.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from policies.pack import Pack
from policies.vocabulary import Category, Grade, Role

HOSPITAL = "hospital"
"""Organisation of a member of the owning hospital, as it stands in memberships and entries."""


@dataclass(frozen=True)
class Quorum:
    """What must be among the approving votes.

    Attributes:
        votes: how many people.
        roles: of each of these roles, one voter.
        hospital_vote: whether one voter must be of the owning hospital.
        refused: nothing of this grade or category ever leaves, whatever the votes.
    """

    votes: int
    roles: tuple[Role, ...]
    hospital_vote: bool
    refused: bool


@dataclass(frozen=True)
class Vote:
    """One approving vote as the quorum sees it."""

    voter: str
    organisation: str
    roles: tuple[Role, ...]


def required_votes(pack: Pack, grade: int, category: str) -> Quorum:
    """What a release of this grade and category asks.

    A grade or category that the pack does not know is refused: what cannot be graded stays.
    """
    try:
        by_grade = pack.grades[Grade(grade)]
        by_category = pack.categories[Category(category)]
    except (KeyError, ValueError):
        return Quorum(0, (), hospital_vote=pack.hospital_vote, refused=True)
    if by_grade.never or by_category.never:
        return Quorum(0, (), hospital_vote=pack.hospital_vote, refused=True)
    return Quorum(
        by_grade.votes + by_category.votes,
        tuple(sorted({*by_grade.roles, *by_category.roles})),
        hospital_vote=pack.hospital_vote,
        refused=False,
    )


def hospital_voted(votes: Iterable[Vote]) -> bool:
    """Whether a member of the owning hospital is among the voters."""
    return any(vote.organisation == HOSPITAL for vote in votes)


def reached(quorum: Quorum, votes: Iterable[Vote]) -> bool:
    """Whether these approving votes are what the quorum asks; a person counts once."""
    counted = tuple(votes)
    if quorum.refused or len({vote.voter for vote in counted}) < quorum.votes:
        return False
    if quorum.hospital_vote and not hospital_voted(counted):
        return False
    return all(any(role in vote.roles for vote in counted) for role in quorum.roles)
