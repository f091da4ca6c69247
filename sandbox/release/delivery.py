"""After the vote: download by the recipient, recall by the hospital."""

from dataclasses import replace

from policies.ruling import Facts
from policies.states import RELEASE
from policies.vocabulary import ReleaseState
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict, Gone, Unacceptable
from sandbox.records.port import Tables
from sandbox.records.releases import Release
from sandbox.records.transitions import step
from sandbox.release.commands import DownloadRelease, RecallRelease
from sandbox.release.requests import Scan
from sandbox.release.rows import release_of, standing

MAX_REASON = 500


def fault_in_reason(reason: str, scan: Scan) -> tuple[str, str] | None:
    """What keeps a recall's reason from being shown: code and field."""
    return ("identifier-found", "reason") if scan(reason) else None


class DownloadReleaseHandler:
    """`release.download`."""

    def facts(self, tables: Tables, command: DownloadRelease, acting: Acting) -> Facts:
        """State of the release, and whether it is addressed to who asks.

        Raises:
            NotFound: no such release.
            Gone: `release-recalled`.
        """
        release = release_of(tables, command, acting)
        if release.state is ReleaseState.RECALLED and release.recipient == acting.pseudonym:
            raise Gone("release-recalled", "the hospital called this release back")
        return {
            **standing(tables, release, acting.now),
            "own": release.recipient == acting.pseudonym,
        }

    def act(self, tables: Tables, command: DownloadRelease, acting: Acting) -> Outcome:
        """Say which sealed package was handed out.

        Raises:
            Conflict: `not-sealed`.
        """
        release = release_of(tables, command, acting)
        if release.sealed_blob is None:
            raise Conflict("not-sealed", "nothing is sealed yet")
        return Outcome(
            digests={"sealed": "sha256:" + release.sealed_blob},
            reply={"release": release.id, "sealed": "sha256:" + release.sealed_blob},
        )


class RecallReleaseHandler:
    """`release.recall`."""

    def facts(self, tables: Tables, command: RecallRelease, acting: Acting) -> Facts:
        """State of the release.

        Raises:
            NotFound: no such release.
        """
        return standing(tables, release_of(tables, command, acting), acting.now)

    def act(self, tables: Tables, command: RecallRelease, acting: Acting) -> Outcome:
        """Call it back; nobody can fetch it from now on, and everyone who sees it sees why.

        Raises:
            Unacceptable: `reason-missing`, `identifier-found`.
            IllegalTransition: it was not released.
        """
        if command.fault:
            raise Unacceptable(command.fault[0], field=command.fault[1])
        if not 0 < len(command.reason.strip()) <= MAX_REASON:
            raise Unacceptable("reason-missing", "say why it is called back", field="reason")
        release = release_of(tables, command, acting)
        state = step(RELEASE, release.state, ReleaseState.RECALLED)
        tables.of(Release).replace(replace(release, state=state, recall_reason=command.reason))
        return Outcome(
            objects={"recipient": release.recipient},
            digests={"package": release.package_digest or ""},
            states={"release": str(state)},
            reply={"release": release.id, "state": str(state)},
        )
