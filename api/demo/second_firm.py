"""A second firm with a project on the same dataset, and what it has in common with the first.

It gets every item under surrogates and ids of its own. What both firms' people saw is laid side
by side here, as two firms would who told each other everything.
"""

from typing import Final

from api.client.enrolment import Grant
from api.client.errors import ClientError
from api.client.http import new_id
from api.client.labelling import Project
from api.demo.cast import OPERATOR, Part, Person, give, invited, role_of, train
from api.demo.opinions import DOCUMENTS, opinion
from api.demo.scenes import Play, permit

NAME: Final = "second-firm"
_FIRM: Final = "firm:boyuan-labelling"
_PART: Final = Part(NAME, _FIRM, "project-lead", NAME, in_project=True)
_LOOKED_AT: Final = 16


def open_project(play: Play) -> None:
    """One person leads and labels here: a small firm; the roles are the project's only."""
    person = invited(play.stage, play.company[OPERATOR.name], _PART)
    play.company.people[NAME] = person
    train(play.company, [_PART])
    play.other = new_id()
    domain = f"project:{play.other}"
    give(play.company, role_of(person, domain))
    own = person.own.fingerprint
    give(play.company, Grant(person.account, "labeller", _FIRM, own, domain=domain))
    seat(play, person).create(play.dataset, "Second reading", _FIRM, DOCUMENTS)
    permit(play, play.other)


def compare(play: Play) -> None:
    """Label some items, and look at what the first firm's people saw of all.

    Raises:
        ClientError: `projects-linked`: an identifier is in both.
    """
    person = play.company[NAME]
    own = seat(play, person)
    play.awaits("compare", lambda: (sum(own.status()["tasks"].values()), play.issued))
    for _ in range(_LOOKED_AT):
        given = own.next_task()
        if given is None:
            break
        said = opinion(own, str(given["lease"]), play.seen_by_other)
        own.submit_value(str(given["task"]), int(given["version"]), said)
    if play.seen & play.seen_by_other:
        raise ClientError("projects-linked", "two projects have an identifier in common")


def seat(play: Play, person: Person) -> Project:
    """The second firm's project, for its person."""
    return Project(person.door, play.company.ledger, play.other)
