"""Whose votes a release needs, and what never leaves."""

import pytest

from policies.pack import read_pack
from policies.quorum import Quorum, Vote, hospital_voted, reached, required_votes
from policies.vocabulary import Category, Grade, Role

PACK = read_pack()
PRIVACY = Vote("a", "hospital", (Role.PRIVACY_OFFICER,))
CHECKER = Vote("b", "platform", (Role.OUTPUT_CHECKER,))
SECOND_CHECKER = Vote("c", "platform", (Role.OUTPUT_CHECKER,))
STEWARD = Vote("d", "hospital", (Role.STEWARD,))
REGULATOR = Vote("e", "regulator", (Role.REGULATOR,))


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    ("grade", "category", "votes", "roles"),
    [
        (1, "general", 2, ()),
        (2, "general", 2, ()),
        (3, "general", 2, ()),
        (4, "general", 3, (Role.STEWARD,)),
        (1, "important", 3, (Role.REGULATOR,)),
        (3, "important", 3, (Role.REGULATOR,)),
        (4, "important", 4, (Role.REGULATOR, Role.STEWARD)),
    ],
)
def test_votes_by_grade_and_category(grade, category, votes, roles):
    assert required_votes(PACK, grade, category) == Quorum(votes, roles, True, False)


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    ("grade", "category"),
    [
        *((5, category) for category in Category),
        *((grade, "core") for grade in Grade),
        (0, "general"),
        (6, "general"),
        (3, "secret"),
        (3, ""),
    ],
)
def test_what_never_leaves_is_refused_whatever_the_votes(grade, category):
    quorum = required_votes(PACK, grade, category)

    assert quorum.refused
    assert not reached(quorum, [PRIVACY, CHECKER, STEWARD, REGULATOR])


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    ("grade", "category", "votes", "expected"),
    [
        (3, "general", [], False),
        (3, "general", [PRIVACY], False),
        (3, "general", [PRIVACY, PRIVACY], False),
        (3, "general", [CHECKER, SECOND_CHECKER], False),
        (3, "general", [PRIVACY, CHECKER], True),
        (3, "general", [STEWARD, CHECKER], True),
        (4, "general", [PRIVACY, CHECKER], False),
        (4, "general", [PRIVACY, STEWARD], False),
        (4, "general", [PRIVACY, CHECKER, SECOND_CHECKER], False),
        (4, "general", [PRIVACY, CHECKER, STEWARD], True),
        (3, "important", [PRIVACY, CHECKER], False),
        (3, "important", [PRIVACY, CHECKER, SECOND_CHECKER], False),
        (3, "important", [PRIVACY, REGULATOR], False),
        (3, "important", [CHECKER, SECOND_CHECKER, REGULATOR], False),
        (3, "important", [PRIVACY, CHECKER, REGULATOR], True),
        (4, "important", [PRIVACY, CHECKER, REGULATOR], False),
        (4, "important", [PRIVACY, CHECKER, STEWARD, REGULATOR], True),
    ],
)
def test_quorum_is_reached_by_the_right_votes_only(grade, category, votes, expected):
    assert reached(required_votes(PACK, grade, category), votes) is expected


def test_without_hospital_rule_the_hospital_may_stay_silent():
    quorum = Quorum(2, (), hospital_vote=False, refused=False)

    assert reached(quorum, [CHECKER, SECOND_CHECKER])
    assert not hospital_voted([CHECKER, SECOND_CHECKER])
