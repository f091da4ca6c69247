"""Sealed deposits on the depositor's disk, from their sealing until the server has all of them.

- A deposit's folder holds ciphertext (`objects/`), one line per sealed object (`sealed.jsonl`: ids,
  sizes and digests of ciphertext, which the server sees anyway), and where it belongs
  (`place.json`). No name, no word, no digest of a file and no file key is ever written there.
- `deposit.json`, the signed announcement, is written last: with it the deposit is finished and is
  sent as it is; without it, whoever comes next goes on with the objects that are sealed.
- One process at a time uses a spool.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from api.client.errors import ClientError
from api.client.http import new_id
from api.client.manifest import IntakeKey

ANNOUNCED: Final = "deposit.json"
OBJECTS: Final = "objects"
_PLACE: Final = "place.json"
_SEALED: Final = "sealed.jsonl"
_LOCK: Final = ".lock"


@dataclass(frozen=True)
class SealedRow:
    """What the outer manifest says of one sealed object."""

    object_id: str
    padded_size: int
    body_sha256: str
    header_sha256: str


@contextmanager
def only_user(spool: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the spool; `waiting` is called when somebody else does, before waiting for them."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(spool / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        _sweep(spool)
        yield
    finally:
        os.close(descriptor)


def _sweep(spool: Path) -> None:
    """Remove what is left of deposits whose making or forgetting was cut off."""
    for path in spool.iterdir():
        if path.is_dir() and not ((path / ANNOUNCED).exists() or (path / _PLACE).exists()):
            shutil.rmtree(path)


class Folder:
    """One deposit being sealed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sealed: dict[str, SealedRow] = {}

    @property
    def deposit(self) -> str:
        """The deposit's id."""
        return self.path.name

    def object_path(self, object_id: str) -> Path:
        """Where a sealed object lies."""
        return self.path / OBJECTS / object_id

    def keep(self, row: SealedRow) -> None:
        """Write down that an object is sealed."""
        with (self.path / _SEALED).open("a", encoding="ascii") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        self.sealed[row.object_id] = row

    def announce(self, announced: dict[str, Any]) -> None:  # Any: JSON
        """Finish the deposit; from here it is sent as it is."""
        beside = self.path / f".{ANNOUNCED}"
        beside.write_text(json.dumps(announced), encoding="utf-8")
        beside.replace(self.path / ANNOUNCED)

    def keep_only(self, wanted: frozenset[str]) -> None:
        """Drop objects that are not wanted any more, and halves of objects."""
        self.sealed = {i: row for i, row in self.sealed.items() if i in wanted}
        for path in (self.path / OBJECTS).iterdir():
            if path.name not in self.sealed:
                path.unlink()
        lines = "".join(json.dumps(asdict(row)) + "\n" for row in self.sealed.values())
        beside = self.path / f".{_SEALED}"
        beside.write_text(lines, encoding="ascii")
        beside.replace(self.path / _SEALED)


def finished(spool: Path, ledger: str | None = None, dataset: str | None = None) -> list[Path]:
    """Folders of deposits that were sealed to their end, of one dataset or of all."""
    found = []
    for path in sorted(spool.glob(f"*/{ANNOUNCED}")):
        place = _read_json(path)
        if ledger is None or (place.get("ledger"), place.get("dataset")) == (ledger, dataset):
            found.append(path.parent)
    return found


def begun(spool: Path, key: IntakeKey) -> Folder:
    """The folder of a deposit that was not sealed to its end, or of a new one."""
    place = {"ledger": key.ledger, "dataset": key.dataset, "intake_key": key.id}
    for path in sorted(spool.glob(f"*/{_PLACE}")):
        if not (path.parent / ANNOUNCED).exists() and _read_json(path) == place:
            folder = Folder(path.parent)
            folder.sealed = _read_sealed(folder)
            return folder
    made = spool / new_id()
    (made / OBJECTS).mkdir(mode=0o700, parents=True)
    (made / _PLACE).write_text(json.dumps(place), encoding="ascii")
    return Folder(made)


def forget(folder: Path) -> None:
    """Remove a deposit from the spool; cut off in the midst, it is no finished one any more."""
    (folder / ANNOUNCED).unlink(missing_ok=True)
    (folder / _PLACE).unlink(missing_ok=True)
    shutil.rmtree(folder)


def read_announced(folder: Path) -> dict[str, Any]:  # Any: JSON
    """A finished deposit's announcement.

    Raises:
        ClientError: `spool-malformed`.
    """
    announced = _read_json(folder / ANNOUNCED)
    body = announced.get("body")
    texts = [announced.get(name) for name in ("ledger", "dataset", "request_key")]
    if not isinstance(body, dict) or not all(
        isinstance(t, str) for t in [*texts, body.get("deposit")]
    ):
        raise ClientError("spool-malformed", "this folder holds no sealed deposit")
    return announced


def _read_json(path: Path) -> dict[str, Any]:  # Any: JSON
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _read_sealed(folder: Folder) -> dict[str, SealedRow]:
    """Objects that are sealed and whole; a line that was cut off names none."""
    rows: dict[str, SealedRow] = {}
    try:
        lines = (folder.path / _SEALED).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return rows
    for line in lines:
        try:
            row = SealedRow(**json.loads(line))
        except (ValueError, TypeError):
            continue
        if folder.object_path(row.object_id).exists():
            rows[row.object_id] = row
    return rows
