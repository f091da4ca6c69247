"""What the three processes share: settings, signals, one of each per folder, and the note of it."""

import fcntl
import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from sandbox import wiring
from sandbox.errors import Unavailable
from sandbox.layout import Process
from sandbox.settings import Settings, load
from sandbox.soundness import require_sound

MOST_SERVERS = 64

dir_option = click.option(
    "--dir",
    "folder",
    # Its owner may be another user, who lets the processes in and lists nothing for them.
    type=click.Path(path_type=Path, file_okay=False, readable=False),
    required=True,
    help="Data folder.",
)
database_option = click.option(
    "--database",
    metavar="URL",
    help="PostgreSQL in place of SQLite files: postgresql://ROLE@HOST/NAME, without a password.",
)
database_file_option = click.option(
    "--database-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File (0600) that holds this address, with its password if need be.",
)
quiet_option = click.option("--quiet", is_flag=True, help="Log warnings only.")


def settings_of(folder: Path, process: Process, **given: object) -> Settings:
    """The settings of a house, after the process was hardened and its setting up looked at.

    Raises:
        Malformed: the settings file is not TOML.
        Unacceptable: an unknown setting, a value out of range, or a failure of `soundness`.
        VerificationFailed: `crypto-foreign`.
    """
    wiring.harden(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = load(folder, os.environ, given)
    require_sound(settings, process, os.geteuid())
    return settings


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop


@contextmanager
def only_one(settings: Settings, name: str) -> Iterator[None]:
    """Be the only process of this name over the folder, as long as the body lasts.

    The lock ends with the process, however it ends; the file stays, because removing a lock file
    lets two holders in.

    Raises:
        Unavailable: `already-running`.
    """
    with _one_of([name], settings):
        yield


@contextmanager
def one_of_several(settings: Settings, name: str) -> Iterator[str]:
    """As `only_one`, or one of several where these share the ledgers: then `name-2`, `name-3`, ...

    Yields the name of this one; the first free one is taken.

    Raises:
        Unavailable: `already-running`.
    """
    most = MOST_SERVERS if settings.shares_ledgers else 1
    names = [name, *(f"{name}-{number}" for number in range(2, most + 1))]
    with _one_of(names, settings) as own:
        yield own


@contextmanager
def _one_of(names: Sequence[str], settings: Settings) -> Iterator[str]:
    folder = settings.dir / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        descriptor = _locked(folder / f"{name}.lock")
        if descriptor is not None:
            try:
                yield name
            finally:
                os.close(descriptor)
            return
    raise Unavailable("already-running", f"a {names[0]} runs over this folder")


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def running_note(
    settings: Settings,
    name: str,
    **members: Any,  # Any: JSON
) -> Iterator[None]:
    """`run/<name>.json` with the process id, as long as the body lasts."""
    path = settings.dir / "run" / f"{name}.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_suffix(".new")
    # Others of the group may read who runs here, and write nothing of ours.
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps({"pid": os.getpid(), **members}) + "\n")
    beside.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
