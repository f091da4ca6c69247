"""The worker's own count of the votes, over the verified log alone.

1. A vote counts when its act was signed by someone who held a voting role at that moment, in the
   project or its whole hospital, on exactly this package and statement.
2. It never counts from the requester or a labeller, nor under a signing key of theirs.
3. Roles and organisation come from the grants that stewards signed, never from what the entry
   says of its actor; a revoked or expired grant gives neither.
4. One vote per person and per key. One that does not approve stops the release.
5. The approvals have to be what grade and category ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crypto import strict64
from policies.pack import Pack
from policies.quorum import Vote as Ballot
from policies.quorum import reached, required_votes
from policies.vocabulary import Action
from sandbox.acts import HOSPITAL_DOMAIN, project_domain
from sandbox.custody import translated
from sandbox.enclave import History
from sandbox.errors import VerificationFailed
from sandbox.release import lineage
from sandbox.release.votes import APPROVE, VOTING_ROLES


@dataclass(frozen=True)
class CountedVote:
    """One approval that counts: who, under which key, and where it stands."""

    voter: str
    key: bytes
    index: int
    ballot: Ballot


@dataclass(frozen=True)
class Case:
    """What is voted on, all of it from the verified log."""

    request: lineage.Request
    screening: lineage.Entry
    grading: lineage.Grading

    @property
    def digests(self) -> dict[str, str]:
        """Digests of package, statement and ciphertext."""
        return dict(self.screening["outcome"]["digests"])


def count(history: History, case: Case, release: str, pack: Pack) -> list[CountedVote]:
    """The approvals under which the package may leave.

    Raises:
        VerificationFailed: `release-not-approved`, `release-votes-short`,
            `release-voted-by-requester-or-labeller`, or a signature does not hold.
    """
    entries = history.entries()
    cast = lineage.votes_in(entries, release, case.screening["index"])
    on_this = [vote for vote in cast if _is_on(vote, case)]
    if any(vote["signed"]["terms"].get("verdict") != APPROVE for vote in on_this):
        raise VerificationFailed("release-not-approved", "a vote does not approve")
    counted = [_counted(history, vote, case.request.project) for vote in on_this]
    _refuse_interested(history, case.request, counted)
    voters, keys = {vote.voter for vote in counted}, {vote.key for vote in counted}
    quorum = required_votes(pack, case.grading.grade, case.grading.category)
    enough = reached(quorum, [vote.ballot for vote in counted])
    if not enough or not len(voters) == len(keys) == len(counted):
        raise VerificationFailed("release-votes-short", "the votes are not what the grade asks")
    return counted


def _is_on(vote: lineage.Entry, case: Case) -> bool:
    terms, digests = vote["signed"]["terms"], case.digests
    return bool(
        terms.get("package") == digests["package"]
        and terms.get("statement") == digests["statement"]
    )


def _counted(history: History, vote: lineage.Entry, project: str) -> CountedVote:
    entry = history.signed_act(vote["index"], Action.RELEASE_VOTE, VOTING_ROLES)
    with translated():
        key = strict64.decode(entry["signed"]["key"])
    # The signature does not name the project: its entry must, or roles of another would count.
    if entry["domain"] != project_domain(project):
        raise VerificationFailed("voter-unknown", "the vote was entered in another project")
    domains = (HOSPITAL_DOMAIN, entry["domain"])
    held = [
        holding
        for holding in history.holder(entry["actor"], entry["index"])
        if holding.signing_key == key and holding.domain in domains
    ]
    organisations = {holding.organisation for holding in held if holding.role in VOTING_ROLES}
    if len(organisations) != 1:
        raise VerificationFailed("voter-unknown", "it is not clear for whom the vote counts")
    roles = tuple(sorted({holding.role for holding in held}))
    ballot = Ballot(entry["actor"], organisations.pop(), roles)
    return CountedVote(entry["actor"], key, entry["index"], ballot)


def _refuse_interested(
    history: History, request: lineage.Request, counted: Sequence[CountedVote]
) -> None:
    barred = {request.requester} | lineage.labellers(history.entries(), request.project)
    keys = {
        holding.signing_key
        for member in barred
        for index in (vote.index for vote in counted)
        for holding in history.holder(member, index)
    }
    if any(vote.voter in barred or vote.key in keys for vote in counted):
        raise VerificationFailed(
            "release-voted-by-requester-or-labeller", "a vote is of someone with a part in it"
        )
