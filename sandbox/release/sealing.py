"""The worker seals an approved package to its recipient and makes the passport.

Nothing that decides comes from a row: request, screening, votes, grants and grade are read from
the verified log; package and statement are checked against the digests that were voted on.

1. votes: counted anew (`verdicts.py`), each approval's envelope signature verified;
2. package: the ciphertext that screening named opens to the digest that was voted on, and the
   statement is the one that the log's facts give for these files;
   The hospital's permit for the project is in force, by the newest that a steward signed;
3. recipient: a key from a grant that a steward signed and that is in force now;
4. witnesses: where the hospital asks for any, a quorum of them cosigned a head that covers all
   that the passport rests on; until then the release waits (`ready`);
5. seal, passport under that head, act.

So a changed row, or an API that swaps the recipient's key, gets nothing out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crypto.canonical import encode
from crypto.dsse import envelope, pae
from crypto.signing import verify
from policies.pack import Pack
from policies.vocabulary import Role
from sandbox.acts import project_domain
from sandbox.custody import translated
from sandbox.dataset_keys import package_key_name
from sandbox.enclave import Enclave, History
from sandbox.errors import VerificationFailed
from sandbox.permits import SignedPermits
from sandbox.provenance.receipts import WitnessedHead
from sandbox.records.releases import Release, Vote
from sandbox.release import lineage
from sandbox.release.commands import SealRelease
from sandbox.release.custody import delivery_context, open_for_inspection, seal_for_recipient
from sandbox.release.package import LABELS, digest, pack, unpack
from sandbox.release.statement import PAYLOAD_TYPE, Subject, digest_of, statement, witness_of
from sandbox.release.verdicts import Case, CountedVote, count


@dataclass(frozen=True)
class _Opened:
    """The package as it was voted on, and its dataset."""

    dataset: str
    files: dict[str, bytes]
    statement: bytes


@dataclass(frozen=True)
class Sealer:
    """Verifies and seals approved packages; `quorum` is the pack of votes asked for."""

    enclave: Enclave
    quorum: Pack
    _permits: SignedPermits = field(default_factory=SignedPermits)

    def seal(self, ledger: str, release: str) -> None:
        """Seal the package of a release to its recipient and say so at the gate.

        Raises:
            CustodyError: anything above does not hold.
            AccessError: policy refuses.
            StateError: the release moved on meanwhile.
            Unavailable: a store or the notary can't act now.
        """
        history = self.enclave.history(ledger)
        row, votes = self._rows(ledger, release)
        lineage.refuse_early(history.entries(), *(vote.index for vote in votes))
        case = _case(history, release)
        counted = count(history, case, release, self.quorum)
        opened = self._open(ledger, row, case)
        signatures = _envelope_signatures(counted, votes, opened.statement)
        key, grant = self._recipient(history, case.request.recipient)
        context = delivery_context(ledger, release, case.digests["package"])
        sealed = self.enclave.blobs.put(seal_for_recipient(key, context, pack(opened.files)))
        passport = self._passport(history, case, opened, signatures, grant)
        self.enclave.gate.perform(
            self.enclave.actor,
            SealRelease(
                ledger=ledger,
                domain=project_domain(case.request.project),
                project=case.request.project,
                release=release,
                package_digest=case.digests["package"],
                sealed_blob=sealed,
                passport=passport,
                witness=lineage.witnesses_in(history.entries(), case.request.index),
            ),
        )

    def ready(self, ledger: str, release: str) -> bool:
        """Whether it is worth trying: unless known witnesses have yet to vouch for the votes.

        Rows say so, and are not believed: `seal` asks the log.

        Raises:
            VerificationFailed: the published head that witnesses cosigned can't be believed.
            Unavailable: the notary can't act now.
        """
        row, votes = self._rows(ledger, release)
        policy = self.enclave.witness_policies(witness_of(row.statement or b""))
        if policy is None:
            return True
        history = self.enclave.history(ledger)
        granted = (held.granted_index for held in history.holder(row.recipient))
        witnessed = history.witnessed(policy)
        last = max((*(vote.index for vote in votes), *granted), default=0)
        return witnessed is not None and witnessed.size > last

    def _witnessed(self, history: History, policy: str) -> WitnessedHead | None:
        known = self.enclave.witness_policies(policy)
        return None if known is None else history.witnessed(known)

    def _rows(self, ledger: str, release: str) -> tuple[Release, Sequence[Vote]]:
        with self.enclave.ledgers.open(ledger).snapshot() as tables:
            row = tables.of(Release).require(release)
            return row, tables.of(Vote).find(release=release)

    def _open(self, ledger: str, row: Release, case: Case) -> _Opened:
        release, digests = row.id, case.digests
        history = self.enclave.history(ledger)
        entries = history.entries()
        dataset = lineage.dataset_of(entries, case.request.project)
        place = case.request.project, dataset
        self._permits.require(history, ledger, place, self.enclave.clock())
        keys = self.enclave.vault.keys(ledger, dataset)
        key = keys.key(package_key_name(release, case.request.index))
        data = self.enclave.blobs.read(digests["ciphertext"].removeprefix("sha256:"))
        files = unpack(open_for_inspection(key, ledger, release, data))
        subject = Subject(
            ledger=ledger,
            release=release,
            project=case.request.project,
            dataset=dataset,
            recipient=case.request.recipient,
            grade=case.grading.grade,
            category=case.grading.category,
            witness=lineage.witnesses_in(entries, case.request.index),
        )
        said = statement(subject, files, files.get(LABELS, b"").count(b"\n"))
        if digest(files) != digests["package"] or digest_of(said) != digests["statement"]:
            raise VerificationFailed("package-changed", "this is not the package voted on")
        return _Opened(dataset, files, said)

    def _recipient(self, history: History, recipient: str) -> tuple[bytes, int]:
        """The newest sealing key that a steward enrolled for a recipient, and where."""
        held = sorted(history.holder(recipient), key=lambda h: h.granted_index, reverse=True)
        now = self.enclave.clock()
        for holding in held:
            live = holding.expires_at is None or now < holding.expires_at
            if holding.role == Role.RECIPIENT and holding.sealing_key and live:
                return holding.sealing_key, holding.granted_index
        raise VerificationFailed("recipient-unknown", "no steward enrolled a key of the recipient")

    def _passport(
        self,
        history: History,
        case: Case,
        opened: _Opened,
        signatures: Sequence[tuple[bytes, bytes]],
        recipient_grant: int,
    ) -> bytes:
        own = self.enclave.vault.sign_message(pae(PAYLOAD_TYPE, opened.statement))
        signed = envelope(
            PAYLOAD_TYPE,
            opened.statement,
            [*signatures, (self.enclave.vault.identity_public, own)],
        )
        entries, asked = history.entries(), case.request.index
        votes = lineage.votes_in(entries, case.screening["objects"]["release"], asked)
        witnesses = lineage.witness_act_in(entries, asked)
        wanted = {
            *(() if witnesses is None else (witnesses["index"],)),
            case.request.index,
            case.screening["index"],
            recipient_grant,
            *(vote["index"] for vote in votes),
            *lineage.approvals_in(entries, opened.dataset),
        }
        rests_on = lineage.closure(entries, wanted)
        under = self._head_over(history, lineage.witnesses_in(entries, asked), max(rests_on))
        evidence = [history.receipt(index, under) for index in rests_on]
        return encode({"envelope": signed, "evidence": evidence})

    def _head_over(self, history: History, policy: str, index: int) -> str | None:
        """The cosigned note under which the passport stands; None where nobody has to cosign.

        Raises:
            VerificationFailed: `release-unwitnessed`: no quorum vouches for `index` yet.
        """
        if policy == lineage.UNWITNESSED:
            return None
        witnessed = self._witnessed(history, policy)
        if witnessed is None or witnessed.size <= index:
            raise VerificationFailed("release-unwitnessed", "no quorum vouches for the votes yet")
        return witnessed.note


def _case(history: History, release: str) -> Case:
    entries = history.entries()
    request = lineage.request_in(entries, release)
    screening = lineage.screening_in(entries, release)
    if screening["index"] < request.index:
        raise VerificationFailed("release-not-screened", "the last request was not screened")
    dataset = lineage.dataset_of(entries, request.project)
    return Case(request, screening, lineage.grading_in(entries, dataset))


def _envelope_signatures(
    counted: Sequence[CountedVote], rows: Sequence[Vote], said: bytes
) -> list[tuple[bytes, bytes]]:
    """Each voter's signature over the statement; the row only says where it lies."""
    by_index = {row.index: row for row in rows}
    found = []
    for vote in counted:
        row = by_index.get(vote.index)
        signature = (row.envelope_signature if row else None) or b""
        with translated():
            verify(vote.key, pae(PAYLOAD_TYPE, said), signature)
        found.append((vote.key, signature))
    return found
