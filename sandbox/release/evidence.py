"""What a regulator takes away: the published log with everything that it only names.

The export is an act of its own; it stands in the log before the pack is written, so that the
pack tells of itself.
"""

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from sandbox.provenance.evidence import Subject, Supplements, write_pack
from sandbox.records.port import Ledgers
from sandbox.records.releases import Release

_TABLE = re.compile(r"[0-9a-f]{64}\.json")


class Published(Protocol):
    """Published logs, as far as they are read here."""

    def reading(self, ledger: str) -> AbstractContextManager[Path]:
        """A ledger's folder, standing still meanwhile."""
        ...


@dataclass(frozen=True)
class EvidencePacks:
    """Writes packs; `policy` is the folder of decision tables by digest."""

    ledgers: Ledgers
    published: Published
    policy: Path

    def write(self, sink: IO[bytes], ledger: str, dataset: str, at: datetime) -> None:
        """Write the pack of a dataset to `sink`.

        Raises:
            NotFound: nothing is published, or a decision table is missing.
            TooLarge: `evidence-too-large`.
            VerificationFailed: the published log is not the signed one.
        """
        with self.published.reading(ledger) as log:
            # Rows after the log stands still: what is sealed in it is then among them.
            with self.ledgers.open(ledger).snapshot() as tables:
                releases = tables.of(Release).find(dataset=dataset)
            passports = {row.id: row.passport for row in releases if row.passport}
            supplements = Supplements(self._tables(), passports)
            write_pack(sink, Subject(ledger, dataset, at), log, supplements)

    def _tables(self) -> dict[str, bytes]:
        return {
            f"sha256:{path.stem}": path.read_bytes()
            for path in self.policy.iterdir()
            if _TABLE.fullmatch(path.name)
        }
