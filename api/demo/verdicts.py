"""What the regulator does at the end: verify with the stand-alone file, then a tampered copy.

Each verdict is that of a process of its own which gets a path and pinned keys and nothing else.
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERIFIER: Final = Path(__file__).resolve().parents[2] / "crypto" / "verifier.py"
SOUND, BROKEN, CANNOT_TELL = 0, 1, 2


@dataclass(frozen=True)
class Verdict:
    """One run of the verifier: what of, what it said, its exit code, and the one expected."""

    what: str
    said: str
    code: int
    expected: int
    command: str

    @property
    def as_expected(self) -> bool:
        """Whether the exit code is the expected one."""
        return self.code == self.expected


@dataclass(frozen=True)
class Case:
    """What to verify, with the pinned keys or without, and the exit code that is right."""

    what: str
    path: Path
    keys: Path | None
    expected: int


def cases(folder: Path, ledger: str) -> Iterator[Case]:
    """Everything the regulator looks at, in the order in which it is told."""
    parties = folder / "parties"
    keys = parties / "regulator" / "vkeys"
    log = folder / "log" / ledger
    yield Case("log of the hospital", log, keys, SOUND)
    yield Case("log of the platform", folder / "log" / "platform", keys, SOUND)
    yield Case("evidence pack", parties / "regulator" / "evidence.zip", keys, SOUND)
    yield Case("released package", parties / "recipient" / "package", keys, SOUND)
    yield Case("receipt of a label", _first(parties / "firm" / "receipts"), keys, SOUND)
    yield Case("log, nobody's key pinned", log, None, CANNOT_TELL)
    yield Case("log, one bit flipped", _flipped_log(log, parties / "regulator"), keys, BROKEN)
    package = parties / "recipient" / "package"
    yield Case("package, one bit flipped", _flipped_package(package, parties), keys, BROKEN)


def verdicts(folder: Path, ledger: str) -> list[Verdict]:
    """The verifier's verdict on each case."""
    return [_verdict(case) for case in cases(folder, ledger)]


def _verdict(case: Case) -> Verdict:
    pinned: Sequence[str] = ()
    if case.keys:
        pinned = ("--key", str(case.keys), "--policy", str(case.keys.with_name("policy")))
    # -I: neither this folder nor the environment lends the verifier anything.
    command = [sys.executable, "-I", str(VERIFIER), str(case.path), *pinned]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own program
    said = done.stdout.decode("utf-8", "replace").strip()
    return Verdict(case.what, said, done.returncode, case.expected, shlex.join(command))


def _first(folder: Path) -> Path:
    return min(folder.glob("*.json"), default=folder / "none.json")


def _flipped_log(log: Path, target: Path) -> Path:
    """A copy of the log in which one bit of one entry is flipped."""
    copy = target / "tampered-log"
    shutil.copytree(log, copy)
    bundle = max((copy / "tile" / "entries").rglob("*"), key=lambda path: path.is_file())
    _flip(bundle)
    return copy


def _flipped_package(package: Path, target: Path) -> Path:
    """A copy of the package in which one bit of the labels is flipped."""
    copy = target / "regulator" / "tampered-package"
    shutil.copytree(package, copy)
    _flip(copy / "labels.jsonl")
    return copy


def _flip(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)
