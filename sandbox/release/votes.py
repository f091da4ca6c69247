"""Looking at a package and voting on it.

- R49: votes are hidden until all reviews that the grade asks for are in; `reviews.py` shows them.
- R50, R59: who may vote is policy's to say; how many are needed is `policies.quorum`'s. Each
  vote is signed and names package and statement by digest, so it can't be moved to another.
- The vote that completes the reviews decides: one rejection rejects, one return returns.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from crypto.dsse import pae
from crypto.errors import VerificationError
from crypto.signing import verify
from policies.pack import Pack
from policies.quorum import Vote as Ballot
from policies.quorum import reached, required_votes
from policies.ruling import Facts
from policies.states import RELEASE
from policies.vocabulary import ReleaseState, Role
from sandbox.acts import Acting, Outcome, SignedAct
from sandbox.errors import Conflict, SignatureRequired, Unacceptable
from sandbox.records.deposits import Dataset
from sandbox.records.people import Membership
from sandbox.records.persons import accounts_of
from sandbox.records.port import Tables
from sandbox.records.releases import Release, Vote
from sandbox.records.transitions import step
from sandbox.release.commands import InspectRelease, VoteRelease
from sandbox.release.rows import interests, release_of, standing, votes_on
from sandbox.release.statement import PAYLOAD_TYPE

APPROVE = "approve"
REJECT = "reject"
RETURN = "return"
VERDICTS = (APPROVE, REJECT, RETURN)
ROLE_JOINT = "+"
VOTING_ROLES = (Role.STEWARD, Role.OUTPUT_CHECKER, Role.PRIVACY_OFFICER, Role.REGULATOR)


class InspectReleaseHandler:
    """`release.inspect`."""

    def facts(self, tables: Tables, command: InspectRelease, acting: Acting) -> Facts:
        """State of the release, and the looker's own part in it.

        Raises:
            NotFound: no such release.
        """
        release = release_of(tables, command, acting)
        return {
            **standing(tables, release, acting.now),
            **interests(tables, release, acting),
        }

    def act(self, tables: Tables, command: InspectRelease, acting: Acting) -> Outcome:
        """Say which package is looked at."""
        release = release_of(tables, command, acting)
        return Outcome(
            digests={"package": release.package_digest or ""},
            reply={"release": release.id, "package": release.package_digest},
        )


class VoteReleaseHandler:
    """`release.vote`."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def facts(self, tables: Tables, command: VoteRelease, acting: Acting) -> Facts:
        """State of the release, and the voter's own part in it.

        Raises:
            NotFound: no such release.
        """
        release = release_of(tables, command, acting)
        persons = accounts_of(tables, acting.account)
        return {
            **standing(tables, release, acting.now),
            **interests(tables, release, acting),
            "voted": any(vote.account in persons for vote in votes_on(tables, release)),
        }

    def act(self, tables: Tables, command: VoteRelease, acting: Acting) -> Outcome:
        """Keep the vote; the last one that is needed decides.

        Raises:
            Conflict: `package-changed`: the vote is on another package or statement.
            SignatureRequired: the envelope's signature does not hold.
            Unacceptable: `verdict-unknown`.
        """
        release = release_of(tables, command, acting)
        signed = command.signed
        if signed is None:
            raise SignatureRequired
        verdict = _checked(release, signed, command.envelope_signature)
        tables.of(Vote).insert(_vote(command, release, signed, acting))
        decided = self._decide(tables, release)
        if decided is not release.state:
            tables.of(Release).replace(replace(release, state=decided))
        return Outcome(
            objects={"vote": command.vote},
            digests={"package": release.package_digest or ""},
            codes={"verdict": verdict},
            states={"release": str(decided)},
            reply={"vote": command.vote, "state": str(decided)},
        )

    def _decide(self, tables: Tables, release: Release) -> ReleaseState:
        dataset = tables.of(Dataset).require(release.dataset)
        quorum = required_votes(self._pack, release.grade, str(dataset.category))
        votes = votes_on(tables, release)
        if not reached(quorum, ballots(votes)):
            return release.state
        state = step(RELEASE, release.state, ReleaseState.CONSOLIDATION)
        verdicts = {vote.verdict for vote in votes}
        if REJECT in verdicts:
            return step(RELEASE, state, ReleaseState.REJECTED)
        if RETURN in verdicts:
            return step(RELEASE, state, ReleaseState.RETURNED)
        return step(RELEASE, step(RELEASE, state, ReleaseState.APPROVED), ReleaseState.SEALING)


def ballots(votes: Sequence[Vote]) -> list[Ballot]:
    """Votes as the quorum sees them."""
    return [
        Ballot(vote.account, vote.organisation, tuple(map(Role, vote.role.split(ROLE_JOINT))))
        for vote in votes
    ]


def statement_digest(statement: bytes) -> str:
    """`sha256:<hex>` of a statement, as votes name it."""
    return "sha256:" + hashlib.sha256(statement).hexdigest()


def _checked(release: Release, signed: SignedAct, envelope_signature: bytes | None) -> str:
    """The verdict, when the signature is on this package and this statement."""
    statement = release.statement or b""
    if signed.terms.get("package") != release.package_digest or signed.terms.get(
        "statement"
    ) != statement_digest(statement):
        raise Conflict("package-changed", "this vote is on another package")
    verdict = signed.terms.get("verdict", "")
    if verdict not in VERDICTS:
        raise Unacceptable("verdict-unknown", "approve, reject or return", field="verdict")
    if verdict == APPROVE:
        try:
            verify(signed.public_key, pae(PAYLOAD_TYPE, statement), envelope_signature or b"")
        except VerificationError as error:
            raise SignatureRequired("envelope-unsigned", "sign the statement too") from error
    return verdict


def _vote(command: VoteRelease, release: Release, signed: SignedAct, acting: Acting) -> Vote:
    member = _seat(acting, signed)
    verdict = signed.terms["verdict"]
    return Vote(
        id=command.vote,
        release=release.id,
        account=acting.account,
        pseudonym=acting.pseudonym,
        organisation=member.organisation,
        role=ROLE_JOINT.join(role for role in acting.roles if role in VOTING_ROLES),
        verdict=verdict,
        package_digest=release.package_digest or "",
        envelope_signature=command.envelope_signature if verdict == APPROVE else None,
        index=acting.index,
        cast_at=acting.now,
    )


def _seat(acting: Acting, signed: SignedAct) -> Membership:
    """The membership by which the vote counts: a voting role under the signing key."""
    for member in acting.memberships:
        if member.role in VOTING_ROLES and member.signing_key == signed.public_key:
            return member
    raise SignatureRequired("signature-required", "this key was not enrolled for a voting role")
