"""What may be seen of a release without an act: its state, and votes once they are in (R49)."""

from dataclasses import dataclass

from policies.vocabulary import ReleaseState
from sandbox.errors import Gone, NotFound
from sandbox.exchange import release_name
from sandbox.records.port import BlobStore, Ledgers, Tables
from sandbox.records.releases import Release, Vote
from sandbox.release.custody import open_for_inspection
from sandbox.release.package import unpack
from sandbox.release.rows import votes_on
from sandbox.serving import Serving

_HIDDEN = frozenset(
    {
        ReleaseState.DRAFT,
        ReleaseState.SUBMITTED,
        ReleaseState.SCREENING,
        ReleaseState.BLOCKED,
        ReleaseState.INDEPENDENT_REVIEW,
        ReleaseState.CONSOLIDATION,
    }
)


def visible_votes(tables: Tables, release: Release) -> list[Vote] | None:
    """The votes, once every review is in; None before."""
    return None if release.state in _HIDDEN else votes_on(tables, release)


@dataclass(frozen=True)
class Packages:
    """Opens packages under inspection, and hands out sealed ones."""

    ledgers: Ledgers
    blobs: BlobStore
    serving: Serving

    def open(self, ledger: str, release: Release) -> dict[str, bytes]:
        """The files of a package under inspection.

        Raises:
            NotFound: there is no package, or its key is gone.
            VerificationFailed: it was altered.
        """
        if release.package_blob is None:
            raise NotFound
        key = self.serving.key(release_name(release.id))
        sealed = self.blobs.read(release.package_blob)
        return unpack(open_for_inspection(key, ledger, release.id, sealed))

    def sealed(self, release: Release) -> bytes:
        """The package as sealed to its recipient (R48: of a RELEASED one only).

        Raises:
            Gone: `release-recalled`.
            NotFound: it was not released.
        """
        if release.state is ReleaseState.RECALLED:
            raise Gone("release-recalled", "the hospital called this release back")
        if release.state is not ReleaseState.RELEASED or release.sealed_blob is None:
            raise NotFound
        return self.blobs.read(release.sealed_blob)
