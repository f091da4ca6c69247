"""What a witness answers: status, type and body, from a request and what it holds.

The order of checks is that of the specification; numbers stand beside the code.
(1) a request of the agreed form, else 400; (2) a known log, else 404; (3) signed by all keys that
were written down for the log, else 403; (4) `old` no larger than the size, else 400; (5) `old` is
what was cosigned last, else 409 with that size; (6) the proof leads from the last head to this
one, else 422; (7) the new head is durable; (8) the cosignatures.

Steps 5 to 7 are one for each log: a lock is held from the comparison to the disk.

Source: C2SP tlog-witness v1.0.0; docs/spec/provenance-log.md, clause 9.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from api.witness.book import Book, KnownLog
from crypto import canonical
from crypto.addcheckpoint import SIZE_TYPE, AddCheckpoint, lines_of, parse_request
from crypto.checkpoint import Checkpoint, open_checkpoint
from crypto.errors import VerificationError
from crypto.merkle import EMPTY_ROOT, earlier_root, verify_consistency
from crypto.note import open_note, signature_line
from crypto.splitview import SplitView
from crypto.treehead import parse

_TEXT: Final = "text/plain; charset=utf-8"
_log = logging.getLogger("anbiao.witness")


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: str
    content_type: str = _TEXT


@dataclass(frozen=True)
class _Kept:
    """The last cosigned head of a log: its note, what it says, and when it was cosigned."""

    note: str | None
    head: Checkpoint
    at: int


@dataclass
class Witness:
    """Cosigns extensions of what it cosigned; threads may share it.

    Args:
        book: what it holds; its folder is this process's alone.
        clock: seconds since 1970.
        told: called with each log whose head grew, after the answer is certain.
    """

    book: Book
    clock: Callable[[], float]
    told: Callable[[KnownLog], None] = field(default=lambda _log: None)
    _locks: dict[str, threading.Lock] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._locks = {origin: threading.Lock() for origin in self.book.logs}

    def add_checkpoint(self, octets: bytes) -> Answer:
        """Answer an `add-checkpoint` request.

        Raises:
            OSError: the disk fails; nothing was cosigned.
        """
        try:
            request = parse_request(octets)
            origin = parse(request.checkpoint.partition("\n\n")[0] + "\n").origin
        except VerificationError as error:
            return Answer(400, f"{error.code}\n")  # (1)
        log = self.book.logs.get(origin)
        if log is None:
            return Answer(404, "log-unknown\n")  # (2)
        try:
            head = open_checkpoint(request.checkpoint, log.keys)
        except VerificationError as error:
            return Answer(403, f"{error.code}\n")  # (3)
        if request.old > head.size:
            return Answer(400, "old-larger-than-size\n")  # (4)
        with self._locks[origin]:
            return self._compare(log, request, head)

    def checkpoint(self, origin: str) -> Answer:
        """The last cosigned checkpoint of a log, for whoever compares."""
        log = self.book.logs.get(origin)
        note = self.book.head(log) if log else None
        return Answer(404, "log-unknown\n") if note is None else Answer(200, note)

    def _compare(self, log: KnownLog, request: AddCheckpoint, head: Checkpoint) -> Answer:
        kept = self._kept(log)
        if request.old != kept.head.size:  # (5)
            if head.size == kept.head.size and head.root != kept.head.root:
                self._keep_evidence(log, kept, request, head)
            return Answer(409, f"{kept.head.size}\n", SIZE_TYPE)
        try:
            verify_consistency(kept.head.size, head.size, kept.head.root, head.root, request.proof)
        except VerificationError as error:  # (6)
            self._keep_evidence(log, kept, request, head)
            return Answer(422, f"{error.code}\n")
        return self._cosign(log, request.checkpoint, head, kept)

    def _cosign(self, log: KnownLog, note: str, head: Checkpoint, kept: _Kept) -> Answer:
        text = head.text()
        # Never a time before the last one: who said "largest as of T" says nothing about before T.
        now = max(int(self.clock()), kept.at, 1)
        lines = "".join(
            signature_line(signer.vkey, signer.sign(text, now)) for signer in self.book.signers
        )
        own = "".join(lines_of(note.partition("\n\n")[2], note, log.keys))
        self.book.keep_head(log, f"{text}\n{own}{lines}")  # (7)
        if head.size > kept.head.size:
            self.told(log)
        return Answer(200, lines)  # (8)

    def _kept(self, log: KnownLog) -> _Kept:
        note = self.book.head(log)
        if note is None:
            return _Kept(None, Checkpoint(log.origin, 0, EMPTY_ROOT), 0)
        # Read as strictly as a stranger's: a head that the disk spoilt is not gone on from.
        opened = open_note(note, [signer.vkey for signer in self.book.signers])
        times = (line.now or 0 for line in opened.signatures)
        return _Kept(note, open_checkpoint(note, log.keys), max(times))

    def _keep_evidence(
        self, log: KnownLog, kept: _Kept, request: AddCheckpoint, head: Checkpoint
    ) -> None:
        """Keep what shows two histories; where the proof alone does not show it, what came."""
        if kept.note is None:
            return
        try:
            octets = _split_view(log, kept.note, kept.head, request, head)
        except VerificationError:
            octets = canonical.encode(
                {
                    "v": 1,
                    "kind": "anbiao-refused-checkpoint",
                    "kept": kept.note,
                    "old": request.old,
                    "proof": [node.hex() for node in request.proof],
                    "sent": request.checkpoint,
                }
            )
        name = self.book.keep_evidence(log, octets)
        _log.critical("%s does not go on from what was cosigned: see %s", log.origin, name)


def _split_view(
    log: KnownLog, kept: str, last: Checkpoint, request: AddCheckpoint, head: Checkpoint
) -> bytes:
    """The evidence file.

    Raises:
        VerificationError: what was sent does not show another history by itself.
    """
    same = head.size == last.size
    root = head.root if same else earlier_root(last.size, head.size, head.root, request.proof)
    keys = "".join(f"{key}\n" for key in log.keys)
    view = SplitView(kept, request.checkpoint, keys, root, () if same else request.proof)
    view.check(log.keys)
    return view.encode()
