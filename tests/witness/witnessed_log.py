"""A log, a witness of it, and requests from the one to the other."""

from pathlib import Path

from small_log import SmallLog

from api.witness import book
from api.witness.answers import Answer, Witness
from crypto import addcheckpoint
from crypto.note import VerifierKey

NAME = "witness.regulator.example"
NOW = 1_790_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class WitnessedLog(SmallLog):
    """A log that asks a witness to cosign what it holds."""

    def __init__(self, folder: Path, **named: str) -> None:
        super().__init__(**named)
        self.folder = folder
        self.clock = Clock()
        self.take(b'{"index":%d}' % index for index in range(11))

    def engage(self, url: str | None = None) -> "WitnessedLog":
        """Make the witness and tell it of this log."""
        book.make_keys(self.folder, NAME)
        book.trust(self.folder, [signer.vkey for signer in self.signers], url)
        return self

    def open(self) -> Witness:
        return Witness(book.Book(self.folder), self.clock)

    @property
    def witness_keys(self) -> list[VerifierKey]:
        return [signer.vkey for signer in book.read_signers(self.folder)]

    def asked(self, old: int, size: int, note: str | None = None) -> bytes:
        """The request to cosign the log at `size`."""
        proof = self.tree.consistency(old, size) if old < size else []
        return addcheckpoint.format_request(old, proof, note or self.checkpoint(size))


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.strip()
