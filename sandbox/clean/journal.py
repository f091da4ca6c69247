"""What a run over a folder has done so far, so that the same command goes on after a crash.

- It lies in DST as long as the run isn't complete, and is then removed. It names nobody: inputs
  stand in it as keyed digests of their names, their states as keyed digests of size and times.
- A line is written before the file gets its name, so that every name in DST stands here; what the
  line promises is checked before it is believed.
- Each line bears a keyed tag: one that a crash cut off, or that somebody wrote, is not believed.
- It goes on only with the same key, recipe, register and SRC. A run with a key of its own can't go
  on: the key was never kept, and the rest would get other pseudonyms.
- Its lock lets one run at a time work on a DST.
"""

import errno
import fcntl
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.clean.batch import Batch
from sandbox.clean.recipes import recipe_named
from sandbox.deid.forms import FileKind, Result
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.errors import Unacceptable, Unavailable

NAME = ".anbiao-clean.journal"
"""Its name in DST."""

_VERSION = 1
_MARK = 12
_TAG = 8
_PRIVATE = 0o600
_PIECE = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One input that is done.

    Attributes:
        id: keyed digest of its name.
        stamp: keyed digest of its state.
        output: path relative to DST, or None.
        size: bytes of the output.
        result: cleaned, held or quarantined.
        kind: what the file is by its bytes.
        reason: code of a hold or quarantine, or None.
        actions: how often each action was carried out.
        removed: identifiers taken out, by kind.
    """

    id: str
    stamp: str
    output: str | None
    size: int
    result: Result
    kind: FileKind
    reason: str | None
    actions: Mapping[str, int]
    removed: Mapping[str, int]


class Journal:
    """The record of one DST, open and locked.

    Attributes:
        entries: what earlier runs wrote, the last of each id.
    """

    def __init__(self, path: Path, descriptor: int, pseudonyms: Pseudonyms) -> None:
        self._path = path
        self._descriptor = descriptor
        self._pseudonyms = pseudonyms
        self.entries: dict[str, Entry] = {}

    def id_of(self, name: str) -> str:
        """What stands for an input's name."""
        return _digest(self._pseudonyms, "journal-name", name)

    def add(self, entry: Entry) -> None:
        """Write an entry down.

        Raises:
            OSError: the disk is full, say.
        """
        self._append(json.dumps(vars(entry)))

    def close(self) -> None:
        """Unlock it; it stays, for a run that goes on."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """The run is complete."""
        self._path.unlink(missing_ok=True)

    def _append(self, text: str) -> None:
        line = f"{text} {self._tag(text)}\n".encode()
        while line:
            line = line[os.write(self._descriptor, line) :]

    def _tag(self, text: str) -> str:
        return self._pseudonyms.digest("journal-line", text)[:_TAG].hex()

    def begin(self, terms: Mapping[str, object]) -> None:
        """Write the first line of a new record."""
        os.ftruncate(self._descriptor, 0)
        self._append(json.dumps(terms))

    def read(self, lines: list[bytes]) -> None:
        """Take in what earlier runs wrote, and make ready to write behind it."""
        whole = 0
        for line in lines:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            text, _, tag = line[:-1].decode("ascii", "replace").rpartition(" ")
            if tag == self._tag(text):
                entry = _entry(text)
                if entry is not None:
                    self.entries[entry.id] = entry
        os.ftruncate(self._descriptor, whole)


def _entry(text: str) -> Entry | None:
    told = json.loads(text)
    if "id" not in told:
        return None  # the first line
    told["result"], told["kind"] = Result(told["result"]), FileKind(told["kind"])
    return Entry(**told)


def key_mark(key: bytes) -> str:
    """What stands for a key and doesn't give it away: the same key has the same mark."""
    return _digest(Pseudonyms(key), "journal-key", "")


def is_begun(target: Path) -> bool:
    """Whether an earlier run left its record in DST."""
    try:
        return stat.S_ISREG((target / NAME).lstat().st_mode)
    except OSError:
        return False


def open_journal(batch: Batch) -> Journal:
    """The record of a batch's DST: a new one, or the one that an earlier run of the batch left.

    Raises:
        Unacceptable: `resume-ephemeral`, `resume-malformed`, `resume-other-key`,
            `resume-other-recipe`, `resume-other-register` or `resume-other-source`.
        Unavailable: `target-busy`, another run is at work.
        OSError: DST can't be written.
    """
    path, pseudonyms = batch.target / NAME, Pseudonyms(batch.key)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, _PRIVATE)
    journal = Journal(path, descriptor, pseudonyms)
    try:
        _lock(descriptor)
        lines = _content(descriptor).splitlines(keepends=True)
        terms = _terms(batch, pseudonyms)
        first = lines[0] if lines else b""
        if _forgotten(first) and all(path.name == NAME for path in batch.target.iterdir()):
            journal.begin(terms)
        else:
            _check(first, terms)
            journal.read(lines)
    except BaseException:
        journal.close()
        raise
    return journal


def _lock(descriptor: int) -> None:
    """Lock by process: a child that outlives its parent for a moment doesn't keep this lock."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EAGAIN}:
            raise
        raise Unavailable("target-busy", "Another run is at work on DST.") from None


def _content(descriptor: int) -> bytes:
    """All of a file, read here: to close another descriptor of it would give up the lock."""
    pieces: list[bytes] = []
    while piece := os.pread(descriptor, _PIECE, sum(map(len, pieces))):
        pieces.append(piece)
    return b"".join(pieces)


def _terms(batch: Batch, pseudonyms: Pseudonyms) -> dict[str, object]:
    """What has to be the same for a run to go on."""
    rows = json.dumps([sorted(vars(row).items()) for row in batch.register.rows])
    source = os.fsencode(batch.source.resolve()).hex()
    return {
        "v": _VERSION,
        "recipe": batch.recipe,
        "rules": recipe_named(batch.recipe).digest,
        "key": None if batch.ephemeral else key_mark(batch.key),
        "register": _digest(pseudonyms, "journal-register", rows),
        "source": _digest(pseudonyms, "journal-source", source),
    }


def _forgotten(line: bytes) -> bool:
    """Whether a record says nothing that a new run could go on with."""
    return not line.endswith(b"\n") or b'"key": null' in line


def _check(line: bytes, terms: Mapping[str, object]) -> None:
    """Refuse to go on with anything else than what was begun."""
    try:
        begun = json.loads(line.rpartition(b" ")[0])
        version, key = begun["v"], begun["key"]
    except (ValueError, KeyError, TypeError):
        version = key = None
    if version != _VERSION:
        raise Unacceptable("resume-malformed", "The record of what was done in DST can't be read.")
    if key is None:
        raise Unacceptable(
            "resume-ephemeral",
            "DST was begun with a key that was made for that run and never kept: the rest would "
            "get other pseudonyms. Take a new DST, and --key to be able to go on.",
        )
    _compare(begun, terms)


def _compare(begun: Mapping[str, object], terms: Mapping[str, object]) -> None:
    if begun["key"] != terms["key"]:
        raise Unacceptable("resume-other-key", "DST was begun with another key.")
    if (begun.get("recipe"), begun.get("rules")) != (terms["recipe"], terms["rules"]):
        raise Unacceptable("resume-other-recipe", "DST was begun with another recipe or version.")
    if begun.get("register") != terms["register"]:
        raise Unacceptable("resume-other-register", "DST was begun with another register.")
    if begun.get("source") != terms["source"]:
        raise Unacceptable("resume-other-source", "DST was begun from another SRC.")


def _digest(pseudonyms: Pseudonyms, kind: str, value: str) -> str:
    return pseudonyms.digest(kind, value)[:_MARK].hex()
