"""A house of real processes, and depositors who run the real command against it."""

import base64
import json
import os
import re
import resource
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.cli.deposit import SPOOL
from api.client.http import Json
from api.client.intake import trusted_intake_key
from api.client.manifest import IntakeKey
from api.client.session import keep_session
from api.demo.cast import (
    PURPOSE,
    STEWARD,
    Company,
    Part,
    Person,
    first_account,
    found_hospital,
    give,
    invited,
    role_of,
    train,
)
from api.demo.stage import Stage
from sandbox.records.deposits import Deposit, Item
from sandbox.storage.sqlite import SqliteLedgers

DEPOSITORS = tuple(Part(n, "hospital", "depositor", "hospital") for n in ("dora", "dirk"))
CLEAN_BYTES = 32 * 2**20
_PATIENCE_S = 240.0
_LOOK_S = 0.004


@dataclass
class Ended:
    """A command that ended: its exit code, its words, and its peak of memory in bytes."""

    code: int
    out: str
    err: str
    peak_bytes: int


@dataclass
class Running:
    """A command that runs."""

    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path

    @property
    def over(self) -> bool:
        """Whether it has ended; `end` is still to be called."""
        seen = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, seen) is not None

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> Ended:
        peak = 0
        # The high-water mark is the kernel's own; it is gone once the process has ended.
        while not self.over:
            peak = max(peak, peak_of(self.process.pid))
            threading.Event().wait(_LOOK_S)
        self.process.wait()
        return Ended(self.process.returncode, self.out.read_text(), self.err.read_text(), peak)


class RunningHouse:
    """The three processes, a hospital, two depositors; each dataset is its test's own."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.company = Company()
        self.runs = 0

    def begin(self) -> None:
        self.stage.start()
        people = self.company.people
        people["operator"] = first_account(self.stage)
        for part in (STEWARD, *DEPOSITORS):
            people[part.name] = invited(self.stage, people["operator"], part)
        found_hospital(self.stage, self.company)
        train(self.company, DEPOSITORS)
        for name in (part.name for part in DEPOSITORS):
            give(self.company, role_of(people[name]))
            keep_session(people[name].folder, self.stage.url, people[name].door)

    def close(self) -> None:
        self.company.close()
        self.stage.stop()

    @property
    def steward(self) -> Person:
        return self.company[STEWARD.name]

    def dataset(self) -> str:
        later = (datetime.now(UTC) + timedelta(days=365)).isoformat()
        body = {
            "title": "Films",
            "owner": "Hospital",
            "contract": "C-1",
            "contract_expires_at": later,
            "ethics_approval": "E-1",
            "ethics_expires_at": later,
            "legal_basis": "contract",
            "purpose": PURPOSE,
            "retain_until": later,
            "category": "general",
            "grade": 3,
            "recipe": "basic",
        }
        path = f"/hospitals/{self.company.ledger}/datasets"
        made = str(self.steward.door.create(path, body)["dataset"])
        self.until(lambda: self.state(made)["state"] == "RECEIVING")
        return made

    def state(self, dataset: str) -> Json:
        return self.steward.door.get(f"/hospitals/{self.company.ledger}/datasets/{dataset}")

    def home(self, who: str = "dora") -> Path:
        return self.company[who].folder

    def spool(self, who: str = "dora") -> list[Path]:
        return [path for path in (self.home(who) / SPOOL).glob("*") if path.is_dir()]

    def start(
        self, folder: Path, dataset: str, *more: str, who: str = "dora", files: int | None = None
    ) -> Running:
        """Start the command; with `files`, no file of its may grow beyond so many bytes."""
        self.runs += 1
        out, err = (self.stage.folder / "run" / f"deposit{self.runs}.{n}" for n in ("out", "err"))
        place = ["--ledger", self.company.ledger, "--worker", self.company.worker]
        command = [sys.executable, "-m", "api.cli.main", "deposit", str(folder)]
        command += ["--home", str(self.home(who)), "--dataset", dataset, *place, *more]
        with out.open("wb") as to, err.open("wb") as err_to:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=to, stderr=err_to, start_new_session=True
            )
        if files is not None:
            limit = (files, resource.RLIM_INFINITY)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limit)
        return Running(process, out, err)

    def deposit(self, folder: Path, dataset: str, *more: str, who: str = "dora") -> Ended:
        return self.start(folder, dataset, *more, who=who).end()

    def intake_key(self, dataset: str, who: str) -> IntakeKey:
        person, company = self.company[who], self.company
        return trusted_intake_key(person.door, company.ledger, dataset, company.worker, person.own)

    @contextmanager
    def full(self, name: str, room: int) -> Iterator[None]:
        """No file of this process may be written beyond so many bytes: its disk is full."""
        pid = self.stage.process(name).pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            unbound = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, unbound)

    @staticmethod
    def text_of(octets: bytes) -> str:
        return base64.b64encode(octets).decode()

    def resume(self, who: str = "dora") -> Ended:
        """Send what lies in the spool, without any folder."""
        home = self.home(who)
        done = subprocess.run(
            [sys.executable, "-m", "api.cli.main", "deposit", "--resume", "--home", str(home)],
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr, 0)

    # --- what there is -------------------------------------------------------------------------
    @contextmanager
    def tables(self) -> Iterator[object]:
        ledgers = SqliteLedgers(self.stage.folder / "db")
        try:
            with ledgers.open(self.company.ledger).snapshot() as tables:
                yield tables
        finally:
            ledgers.close()

    def items(self, dataset: str) -> list[Item]:
        with self.tables() as tables:
            return list(tables.of(Item).find(dataset=dataset))

    def deposits(self, dataset: str) -> Counter[str]:
        with self.tables() as tables:
            return Counter(one.state for one in tables.of(Deposit).find(dataset=dataset))

    def arrived(self) -> dict[Path, int]:
        """Blobs of what lies in the spool, with their inodes: one that is kept anew has another."""
        found = {}
        for sealed in self.spool():
            for line in _lines(sealed / "sealed.jsonl"):
                digest = line["body_sha256"].removeprefix("sha256:")
                path = self.stage.folder / "blobs" / digest[:2] / digest[2:]
                if path.exists():
                    found[path] = path.stat().st_ino
        return found

    def settled(self, dataset: str) -> Counter[tuple[str, str | None]]:
        """States and reasons of all items, once the worker has looked at each."""
        self.until(lambda: not self.state(dataset)["items"].get("SEALED"))
        return Counter((str(item.state), item.reason) for item in self.items(dataset))

    def peak_bytes(self, name: str) -> int:
        """The most memory that one of the house's processes ever had."""
        return peak_of(self.stage.process(name).pid)

    def restart(self, name: str) -> None:
        """Kill a process as it stands and start it again."""
        note = self.stage.folder / "run" / f"{name}.json"
        self.stage.process(name).kill()
        self.stage.process(name).wait()
        self.stage.start_one(name)
        pid = self.stage.process(name).pid
        self.until(lambda: note.exists() and _pid(note) == pid)

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something can be seen."""
        over = threading.Event()
        for _ in range(int(_PATIENCE_S / _LOOK_S)):
            if holds():
                return
            over.wait(_LOOK_S)
        raise AssertionError("it never came to that")


def peak_of(pid: int) -> int:
    """The most memory that a living process ever had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _pid(note: Path) -> int:
    try:
        return int(json.loads(note.read_bytes())["pid"])
    except (OSError, ValueError):
        return 0


def _lines(path: Path) -> list[Json]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError):
        return []  # being written


def small_files(folder: Path, count: int, size: int = 700) -> Path:
    """So many reports, all different."""
    folder.mkdir(parents=True)
    for number in range(count):
        text = f"Report {number}. Findings: none. " * (size // 28 + 1)
        (folder / f"{number:05}.txt").write_text(text[:size] + f" {number}\n")
    return folder
