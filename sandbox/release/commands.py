"""What can be asked of the airlock; one frozen command per act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from policies.vocabulary import Action
from sandbox.acts import Command


@dataclass(frozen=True, kw_only=True)
class ReleaseCommand(Command):
    """Anything done to one release; `domain` has to be its project's own."""

    project: str
    release: str

    def objects(self) -> Mapping[str, str]:
        """The project and the release."""
        return {"project": self.project, "release": self.release}


@dataclass(frozen=True, kw_only=True)
class RequestRelease(ReleaseCommand):
    """Ask for the project's accepted labels to leave, to one recipient (by pseudonym).

    `fault` names what the texts lack or hold, found before the gate: code and field.
    """

    ACTION: ClassVar[Action] = Action.RELEASE_REQUEST

    recipient: str
    context: str
    control_statement: str
    fault: tuple[str, str] | None = None

    def objects(self) -> Mapping[str, str]:
        """The project, the release and who is to have it."""
        return {"project": self.project, "recipient": self.recipient, "release": self.release}


@dataclass(frozen=True, kw_only=True)
class ScreenRelease(ReleaseCommand):
    """The worker built the package and looked through it; findings block it."""

    ACTION: ClassVar[Action] = Action.RELEASE_SCREEN

    findings: tuple[str, ...]
    labels: int
    package_blob: str | None = None
    package_digest: str | None = None
    statement: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class InspectRelease(ReleaseCommand):
    """A voter looks at the package."""

    ACTION: ClassVar[Action] = Action.RELEASE_INSPECT


@dataclass(frozen=True, kw_only=True)
class VoteRelease(ReleaseCommand):
    """A signed verdict on one package; an approval signs the statement's envelope too.

    Package, statement and verdict stand in the signed terms and nowhere else.
    """

    ACTION: ClassVar[Action] = Action.RELEASE_VOTE

    vote: str = field(compare=False)
    envelope_signature: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class SealRelease(ReleaseCommand):
    """The worker verified the votes itself and sealed the package to its recipient."""

    ACTION: ClassVar[Action] = Action.RELEASE_SEAL

    package_digest: str
    sealed_blob: str
    passport: bytes
    witness: str


@dataclass(frozen=True, kw_only=True)
class DownloadRelease(ReleaseCommand):
    """The recipient fetches the sealed package."""

    ACTION: ClassVar[Action] = Action.RELEASE_DOWNLOAD


@dataclass(frozen=True, kw_only=True)
class RecallRelease(ReleaseCommand):
    """The hospital calls a release back, for a reason that everyone who sees it can read.

    `fault` is what the identifier scan found before the gate: code and field.
    """

    ACTION: ClassVar[Action] = Action.RELEASE_RECALL

    reason: str
    fault: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class WithdrawRelease(ReleaseCommand):
    """The requester gives up a request that came back."""

    ACTION: ClassVar[Action] = Action.RELEASE_WITHDRAW


@dataclass(frozen=True, kw_only=True)
class AskEvidence(Command):
    """Anything asked of the log: `about` is its scope as docs/spec/evidence.md writes it.

    `answer` is what was found before the gate; None where who asks may not ask: then the gate
    refuses, and says so in the log.
    """

    about: Mapping[str, str]
    answer: "Answered | None" = field(default=None, compare=False)
    in_sight: bool = field(default=True, compare=False)  # whether the actor may know it exists

    def objects(self) -> Mapping[str, str]:
        """The dataset, project or subject; a period is no object."""
        kind = self.about["kind"]
        return {} if kind == "period" else {kind: self.about[kind]}


@dataclass(frozen=True)
class Answered:
    """What the log says of an answer: over how many entries, digests of files, counts."""

    entries: int
    digests: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExportEvidence(AskEvidence):
    """Hand evidence to someone who checks it elsewhere, with a summary bound by its digests."""

    ACTION: ClassVar[Action] = Action.EVIDENCE_EXPORT


@dataclass(frozen=True, kw_only=True)
class ReportSubject(AskEvidence):
    """Answer who was let see anything of one subject (R72)."""

    ACTION: ClassVar[Action] = Action.SUBJECT_REPORT
