"""What is asked of the log: packs to take away, and who was let see a subject.

Both are answered from the published log, by the regulators' own reader; rows only hold the
passports and say what exists. Each answer is an act of its own. It names how many entries were
read, and for a pack the digests of its summary, which is made before the act, so that the pack
tells of itself and its summary can't be changed afterwards.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final, Protocol

from crypto.canonical import encode
from crypto.verifier import Inquiry, Scope, digest_of
from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict, NotFound
from sandbox.exchange import subject_name
from sandbox.provenance import summary_html, summary_pdf
from sandbox.provenance.asking import ask
from sandbox.provenance.evidence import Handout, Supplements, write_pack
from sandbox.provenance.stamps import stamps_beside
from sandbox.provenance.summary import summarise
from sandbox.records.deposits import Dataset, Item
from sandbox.records.labels import Project
from sandbox.records.port import Ledgers, Tables
from sandbox.records.releases import Release
from sandbox.release.commands import Answered, AskEvidence

_TABLE: Final = re.compile(r"[0-9a-f]{64}\.json")


class AskEvidenceHandler:
    """`evidence.export`, `subject.report`."""

    def facts(self, tables: Tables, command: AskEvidence, acting: Acting) -> Facts:
        """Nothing decides but the role; whoever has none doesn't learn what there is.

        Raises:
            NotFound: it is of a project that is not the actor's to know (R16).
        """
        del tables, acting
        if not command.in_sight:
            raise NotFound
        return {}

    def act(self, tables: Tables, command: AskEvidence, acting: Acting) -> Outcome:
        """Say what was handed out, over how many entries, and what binds it.

        Raises:
            NotFound: there is no such dataset, project or subject.
            Conflict: `not-answered`: nothing was found out before the gate.
        """
        del acting
        _require_known(tables, command.about)
        answer = command.answer
        if answer is None:
            raise Conflict("not-answered", "ask again")
        about = {"about": command.about["kind"]}
        about |= {n: command.about[n] for n in ("from", "until") if n in command.about}
        return Outcome(
            counts={"entries": answer.entries, **answer.counts},
            digests=answer.digests,
            codes=about,
            reply={"entries": answer.entries},
        )


def _require_known(tables: Tables, about: Mapping[str, str]) -> None:
    kind = about["kind"]
    name = about.get(kind, "")
    if kind == "dataset":
        tables.of(Dataset).require(name)
    elif kind == "project":
        tables.of(Project).require(name)
    elif kind == "subject" and not tables.of(Item).count(subject=name):
        raise NotFound


class Published(Protocol):
    """Published logs, as far as they are read here."""

    def reading(self, ledger: str) -> AbstractContextManager[Path]:
        """A ledger's folder, standing still meanwhile."""
        ...


@dataclass(frozen=True)
class Draft:
    """A pack before the act that hands it out: its summary, and what opens its subject."""

    beside: Mapping[str, bytes]
    answered: Answered


@dataclass(frozen=True)
class Evidence:
    """Answers from published logs; `policy` is the folder of decision tables by digest."""

    ledgers: Ledgers
    published: Published
    policy: Path
    key: Callable[[str], bytes]
    """What the worker sealed to `serve`, by its name in the exchange."""

    def inquire(self, ledger: str, scope: Scope) -> Inquiry:
        """What answers questions about a part of the log as it is published now.

        Raises:
            NotFound: nothing is published, or the log tells nothing of this.
            VerificationFailed: the published log does not hold.
        """
        with self.published.reading(ledger) as log:
            passports = len(self._passports(ledger))
            return ask(log, self._tables(), scope, self._salt(scope), passports)

    def draft(self, ledger: str, scope: Scope) -> Draft:
        """The summary of what a pack will be about.

        Raises:
            NotFound, VerificationFailed: as `inquire`.
        """
        inquiry = self.inquire(ledger, scope)
        summary = summarise(inquiry)
        beside = {
            "summary.html": summary_html.page(summary),
            "summary.pdf": summary_pdf.document(summary),
        }
        digests = {name.partition(".")[2]: digest_of(data) for name, data in beside.items()}
        if scope.kind == "subject":
            salt = inquiry.grounds.salt
            said = {"v": 1, "subject": scope.name, "salt": salt.hex() if salt else None}
            beside["subject.json"] = encode(said)
        return Draft(beside, Answered(inquiry.log.note.size, digests))

    def write(self, sink: IO[bytes], handout: Handout, draft: Draft, scope: Scope) -> None:
        """Write the pack that was drafted, with the act that handed it out.

        Raises:
            NotFound: nothing is published, or a decision table is missing.
            TooLarge: `evidence-too-large`.
            VerificationFailed: the published log is not the signed one.
        """
        with self.published.reading(handout.ledger) as log:
            # Rows after the log stands still: what is sealed in it is then among them.
            passports = self._passports(handout.ledger)
            tables = self._tables()
            named = ask(log, tables, scope, self._salt(scope)).releases()
            held = {name: data for name, data in passports.items() if name in named}
            write_pack(
                sink, handout, log, Supplements(tables, held, draft.beside, stamps_beside(log))
            )

    def _passports(self, ledger: str) -> dict[str, bytes]:
        with self.ledgers.open(ledger).snapshot() as tables:
            return {row.id: row.passport for row in tables.of(Release).find() if row.passport}

    def _salt(self, scope: Scope) -> bytes | None:
        """What opens the log about a subject; None once it was erased, or was never given."""
        if scope.kind != "subject":
            return None
        try:
            return self.key(subject_name(scope.name))
        except NotFound:
            return None

    def _tables(self) -> dict[str, bytes]:
        return {
            f"sha256:{path.stem}": path.read_bytes()
            for path in self.policy.iterdir()
            if _TABLE.fullmatch(path.name)
        }


def created(at: datetime, ledger: str, scope: Scope, export: int) -> Handout:
    """The handout of a pack about `scope`."""
    return Handout(ledger, scope.document(), export, at)
