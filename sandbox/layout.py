"""Who owns which part of a data folder, and what the others may do in it.

One user of the operating system may own everything (a trial on one machine: the split between the
processes is no defence then), or each process runs as a user of its own:

- `serve`, `vault` and `notary` are entered by their own process alone.
- What `serve` and the worker share (ledgers, ciphertexts, the exchange, what is published) belongs
  to root and to their group; files take the group from the folder, and its rights.
- `run` is the notary's: others of the group reach its socket there and leave notes, and can't
  take away what is not theirs (sticky). The notary itself is not of the group.
- The data folder belongs to none of the three, so that none can put another's part aside.

Owners are read from the folders: whoever could change them could replace the programs, too.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final


class Process(StrEnum):
    """The three processes of a house."""

    SERVE = "serve"
    WORKER = "worker"
    NOTARY = "notary"


PRIVATE: Final = 0o700
SHARED: Final = 0o2770
MEETING: Final = 0o3770
TOP: Final = 0o711
OWN: Final[Mapping[Process, str]] = {
    Process.SERVE: "serve",
    Process.WORKER: "vault",
    Process.NOTARY: "notary",
}
"""The part that only this process enters."""

COMMON: Final = ("db", "blobs", "exchange", "log", "policy", "halted")
"""Parts that `serve` and the worker share."""

RUN: Final = "run"


@dataclass(frozen=True)
class Users:
    """Numbers of the users that the processes run as, and of the group of `serve` and worker."""

    serve: int
    worker: int
    notary: int
    group: int

    def of(self, process: Process) -> int:
        """The user of a process."""
        return {
            Process.SERVE: self.serve,
            Process.WORKER: self.worker,
            Process.NOTARY: self.notary,
        }[process]


@dataclass(frozen=True)
class Part:
    """One folder below the data folder, as it is to be."""

    name: str
    user: int
    group: int
    mode: int


def parts(users: Users) -> list[Part]:
    """Every part of a house whose processes are different users."""
    private = [Part(name, users.of(one), users.of(one), PRIVATE) for one, name in OWN.items()]
    common = [Part(name, 0, users.group, SHARED) for name in COMMON]
    return [*private, *common, Part(RUN, users.notary, users.group, MEETING)]


def lay_out(folder: Path, users: Users) -> None:
    """Make the parts of a house below `folder`, as root; harmless when they are there.

    Raises:
        OSError: this user may not give folders away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _give(folder, 0, 0, TOP)
    for part in parts(users):
        path = folder / part.name
        path.mkdir(exist_ok=True)
        _give(path, part.user, part.group, part.mode)


def _give(path: Path, user: int, group: int, mode: int) -> None:
    # A link in a part's place would give away what it points to.
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(handle, user, group)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def owners(folder: Path) -> dict[Process, int]:
    """The owner of each process's own part, as far as the parts are there."""
    found = {}
    for process, name in OWN.items():
        try:
            found[process] = (folder / name).lstat().st_uid
        except FileNotFoundError:
            continue
    return found


def is_apart(folder: Path) -> bool:
    """Whether the parts belong to different users."""
    return len(set(owners(folder).values())) > 1


def rights_in(folder: Path) -> int:
    """The mode of folders made in `folder`: its group's rights, too, where it is shared.

    A file takes the same without the right to execute.
    """
    mode = folder.stat().st_mode
    shared = mode & stat.S_ISGID and mode & stat.S_IWGRP
    return 0o770 if shared else 0o700
