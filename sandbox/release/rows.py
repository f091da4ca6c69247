"""What the airlock's acts read again and again: the release, its standing, and who may not vote.

R50: no vote from the requester, from who labelled anything in the project, or from a second
account of either. All labellers of the project count, of former versions too: that is easier to
check from the log than the contents of one package, and errs to the strict side.
"""

from datetime import datetime

from policies.ruling import Fact
from sandbox.acts import Acting, project_domain
from sandbox.errors import NotFound
from sandbox.records.labels import Label, Project
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables
from sandbox.records.releases import Release, Vote
from sandbox.records.standing import project_facts
from sandbox.release.commands import ReleaseCommand

NONE = "NONE"


def project_of(tables: Tables, command: ReleaseCommand, acting: Acting) -> Project:
    """The command's project, for whoever has any role in it or in the whole hospital.

    Raises:
        NotFound: there is none, it is outside the actor's domain, or roles of one project were
            to count in another.
    """
    if command.domain != project_domain(command.project) or not acting.memberships:
        raise NotFound
    return tables.of(Project).require(command.project)


def release_of(tables: Tables, command: ReleaseCommand, acting: Acting) -> Release:
    """The release, when it is of the command's project.

    Raises:
        NotFound: it is not.
    """
    project_of(tables, command, acting)
    release = tables.of(Release).require(command.release)
    if release.project != command.project:
        raise NotFound
    return release


def standing(tables: Tables, release: Release, now: datetime) -> dict[str, Fact]:
    """The facts of the release's project, and its own state."""
    project = tables.of(Project).require(release.project)
    return {**project_facts(tables, project, now), "stage": str(release.state)}


def interests(tables: Tables, release: Release, acting: Acting) -> dict[str, Fact]:
    """Whether the person behind the account asked for the release, or labelled in it."""
    persons = accounts_of(tables, acting.account)
    authors = {label.author for label in tables.of(Label).find(project=release.project)}
    return {"requester": release.requester in persons, "labeller_of": bool(authors & persons)}


def votes_on(tables: Tables, release: Release) -> list[Vote]:
    """Votes on the package as it is now; those on a former package count no more (R52)."""
    if release.package_digest is None:
        return []
    found = tables.of(Vote).find(release=release.id)
    current = [
        vote
        for vote in found
        if vote.package_digest == release.package_digest
        and vote.index > (release.screened_index or 0)
    ]
    return sorted(current, key=lambda vote: vote.index)
