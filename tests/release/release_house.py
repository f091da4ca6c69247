"""What requesters, voters and recipients do, in one line each."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

from room_house import SCAN, RoomHouse
from room_parts import LEDGER, Person, new_id

from crypto import chunked
from crypto.dsse import sign as sign_envelope
from crypto.note import VerifierKey
from crypto.sealing import HEADER_SIZE, open_header
from crypto.verifier import Scope
from policies.vocabulary import Action
from sandbox.acts import Receipt
from sandbox.exchange import release_name
from sandbox.provenance.publishing import Publisher
from sandbox.records.releases import Release
from sandbox.release import commands as c
from sandbox.release.custody import delivery_context, open_for_inspection
from sandbox.release.evidence import Evidence, created
from sandbox.release.package import unpack
from sandbox.release.requests import fault_in
from sandbox.release.statement import PAYLOAD_TYPE, digest_of

CONTEXT = "Training of a triage model."
CONTROL = "Only class names leave; no free text."


class ReleaseHouse(RoomHouse):
    """A house in which releases are asked for."""

    def pack(self, who: Person, scope: Scope, policy: Path) -> bytes:
        """The evidence pack that `who` is handed, as the door hands it out."""
        evidence = Evidence(self.ledgers, Publisher(self.log), policy, self.serving.key)
        draft = evidence.draft(LEDGER, scope)
        command = c.ExportEvidence(ledger=LEDGER, about=scope.document(), answer=draft.answered)
        index = self.perform(who, command).index
        sink = io.BytesIO()
        evidence.write(sink, created(self.clock(), LEDGER, scope, index), draft, scope)
        return sink.getvalue()

    def on_release(self, release: str) -> dict[str, str]:
        return {**self.on_project(), "release": release}

    def request(
        self,
        who: Person | None = None,
        release: str | None = None,
        context: str = CONTEXT,
        control: str = CONTROL,
        recipient: str | None = None,
    ) -> str:
        command = c.RequestRelease(
            **self.on_release(release or new_id()),
            recipient=recipient or self.recipient.member,
            context=context,
            control_statement=control,
            fault=fault_in(context, control, SCAN),
        )
        return str(self.perform(who or self.lead, command).reply["release"])

    def screened(self, items: int = 1, **changes: object) -> str:
        """A release of accepted labels that waits for its votes."""
        self.opened(items, **changes)
        self.accept_all()
        release = self.request()
        self.work()
        return release

    def release(self, release: str) -> Release:
        return self.row(Release, release)

    def inspect(self, who: Person, release: str) -> dict[str, bytes]:
        self.perform(who, c.InspectRelease(**self.on_release(release)))
        row = self.release(release)
        key = self.serving.key(release_name(release))
        sealed = self.blobs.read(row.package_blob or "")
        return unpack(open_for_inspection(key, LEDGER, release, sealed))

    def ballot(
        self, who: Person, release: str, verdict: str = "approve", **terms: str
    ) -> c.VoteRelease:
        row = self.release(release)
        statement = row.statement or b""
        said = {
            "package": row.package_digest or "",
            "statement": digest_of(statement),
            "verdict": verdict,
        } | terms
        envelope = sign_envelope(PAYLOAD_TYPE, statement, who.key) if verdict == "approve" else None
        return c.VoteRelease(
            **self.on_release(release),
            vote=new_id(),
            envelope_signature=envelope,
            signed=who.sign(Action.RELEASE_VOTE, {"release": release}, said),
        )

    def vote(self, who: Person, release: str, verdict: str = "approve", **terms: str) -> Receipt:
        return self.perform(who, self.ballot(who, release, verdict, **terms))

    def approved(self, items: int = 1, **changes: object) -> str:
        release = self.screened(items, **changes)
        self.vote(self.steward, release)
        self.vote(self.checker, release)
        return release

    def released(self, items: int = 1) -> str:
        release = self.approved(items)
        self.work()
        return release

    def download(self, who: Person, release: str) -> bytes:
        self.perform(who, c.DownloadRelease(**self.on_release(release)))
        return self.blobs.read(self.release(release).sealed_blob or "")

    def open_sealed(self, who: Person, release: str, sealed: bytes) -> dict[str, bytes]:
        context = delivery_context(LEDGER, release, self.release(release).package_digest or "")
        assert who.sealing is not None
        key = open_header(who.sealing, context, sealed[:HEADER_SIZE])
        return unpack(chunked.open_all(key, context, sealed[HEADER_SIZE:]))

    def tamper(self, release: str, **changes: object) -> None:
        """Change the release's row as someone with the database can."""
        self.change_behind_the_gate(replace(self.release(release), **changes))

    def vkeys(self) -> list[str]:
        keys = self.notary.keys(LEDGER)
        assert all(VerifierKey.parse(key) for key in keys)
        return list(keys)


def sha256_text(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
