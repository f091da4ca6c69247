"""The worker's two acts on a release: what screening found, and that the package is sealed.

The facts of `release.seal` are counted here from rows, for policy. They are not what the seal
rests on: the worker has verified signatures, roles and quorum over the signed log before it asks
(`work.py`), and a changed row moves nothing there.
"""

from dataclasses import replace

from policies.pack import Pack
from policies.quorum import hospital_voted, reached, required_votes
from policies.ruling import Facts
from policies.states import RELEASE
from policies.vocabulary import ReleaseState
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict
from sandbox.records.deposits import Dataset
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables
from sandbox.records.releases import Release
from sandbox.records.transitions import step
from sandbox.release.commands import ScreenRelease, SealRelease
from sandbox.release.rows import release_of, standing, votes_on
from sandbox.release.statement import digest_of
from sandbox.release.votes import APPROVE, ballots


class ScreenReleaseHandler:
    """`release.screen`."""

    def facts(self, tables: Tables, command: ScreenRelease, acting: Acting) -> Facts:
        """State of the release.

        Raises:
            NotFound: no such release.
        """
        return standing(tables, release_of(tables, command, acting), acting.now)

    def act(self, tables: Tables, command: ScreenRelease, acting: Acting) -> Outcome:
        """Block the release, or hand its package to its reviewers.

        Raises:
            IllegalTransition: it does not wait for screening.
        """
        release = release_of(tables, command, acting)
        blocked = bool(command.findings) or command.package_digest is None
        after = ReleaseState.BLOCKED if blocked else ReleaseState.INDEPENDENT_REVIEW
        screened = replace(
            release,
            state=step(RELEASE, release.state, after),
            findings=command.findings,
            package_blob=command.package_blob,
            package_digest=command.package_digest,
            statement=command.statement,
            screened_index=acting.index,
        )
        tables.of(Release).replace(screened)
        return Outcome(
            counts={"labels": command.labels, "findings": len(command.findings)},
            digests=_digests(command),
            codes={f"finding-{n}": code for n, code in enumerate(command.findings)},
            states={"release": str(after)},
            reply={"release": release.id, "state": str(after)},
        )


class SealReleaseHandler:
    """`release.seal`."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def facts(self, tables: Tables, command: SealRelease, acting: Acting) -> Facts:
        """State of the release and what its votes come to.

        Raises:
            NotFound: no such release.
        """
        release = release_of(tables, command, acting)
        dataset = tables.of(Dataset).require(release.dataset)
        votes = votes_on(tables, release)
        approving = ballots([vote for vote in votes if vote.verdict == APPROVE])
        requesters = accounts_of(tables, release.requester)
        quorum = required_votes(self._pack, int(dataset.grade), str(dataset.category))
        return {
            **standing(tables, release, acting.now),
            "quorum": reached(quorum, approving),
            "requester_voted": any(vote.account in requesters for vote in votes),
            "hospital_voted": hospital_voted(approving),
        }

    def act(self, tables: Tables, command: SealRelease, acting: Acting) -> Outcome:
        """Keep the sealed package and its passport; the recipient may fetch it.

        Raises:
            Conflict: `package-changed`.
            IllegalTransition: the release does not wait for its seal.
        """
        release = release_of(tables, command, acting)
        if command.package_digest != release.package_digest:
            raise Conflict("package-changed", "another package was sealed")
        state = step(RELEASE, release.state, ReleaseState.RELEASED)
        sealed = replace(
            release, state=state, sealed_blob=command.sealed_blob, passport=command.passport
        )
        tables.of(Release).replace(sealed)
        return Outcome(
            objects={"recipient": release.recipient},
            digests={
                "package": command.package_digest,
                "sealed": "sha256:" + command.sealed_blob,
                "passport": digest_of(command.passport),
            },
            codes={"witness": command.witness},
            states={"release": str(state)},
            reply={"release": release.id, "state": str(state)},
        )


def _digests(command: ScreenRelease) -> dict[str, str]:
    found = {
        "package": command.package_digest,
        "ciphertext": command.package_blob and "sha256:" + command.package_blob,
        "statement": command.statement and digest_of(command.statement),
    }
    return {name: value for name, value in found.items() if value}
