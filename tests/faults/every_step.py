"""Every step of a process towards the disk fails once in each way; what comes of it is judged.

Usage: every_step.py PLACE [--moments open,...] [--faults kill,...] [--share I/N] [--stride K]
       [--postgresql]
with `tests/{auditor,faults,journey,storage}` on the path.

For each moment of `photographs.py` and each process that has work then (worker, notary, server): a
copy of the house, one step that fails (`tracer.py`), then the same work again in peace. Afterwards

- everything is done that was to be done, and once;
- what was in the log before, what was acknowledged and each published checkpoint is in the log,
  by the regulator's verifier and by the Go auditor;
- nobody had to lend a hand: the second run is a start like any other.

One JSON object per moment and process goes to standard output. All processes are forks of this
one, which has everything loaded and no thread of its own.
"""

# ruff: noqa: T201 - a program of its own

import argparse
import asyncio
import faulthandler
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from auditor import audit, built
from photographs import WORK, Photograph, take
from postgres_server import PostgresServer
from siege import DATASET, ONCE
from tracer import Plan, Tracer

from api.app import create_app
from api.client.http import Json
from crypto.verifier import Broken, CannotTell, Folder, read_pins, verify_log
from sandbox import wiring
from sandbox.errors import SandboxError
from sandbox.settings import load

FAULTS = {
    "kill": ("before", "kill", 1),
    "full": ("before", "ENOSPC", 8),
    "read-only": ("before", "EROFS", 8),
    "failed-not-persisted": ("before", "EIO", 1),
    "failed-but-persisted": ("after", "EIO", 1),
}
"""Name, and side, fault and number of steps as the tracer takes them.

A kill after a step is a kill before the next.
"""
TITLES = ("first", "second", "third")
PATIENCE_S = 60.0
TEMPORARY, HUNG = 75, 124


@dataclass(kw_only=True)
class Losses:
    """What a number of faults came to."""

    steps: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    forks: int = 0
    unfinished: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.forks or self.unfinished)


@dataclass
class Tally(Losses):
    """What the runs of one moment and process came to."""

    moment: str
    process: str


# --- processes: each is a function that ends with an exit code ----------------------------------
def worker(folder: Path) -> int:
    """A worker that does what there is to do, and ends."""
    made = wiring.working(load(folder, {}, {"worker_processes": 1}))
    try:
        made.begin()
        while made.turn():
            pass
    finally:
        made.enclave.ledgers.close()
    return 0


def notary(folder: Path, ready: Callable[[], None]) -> int:
    """A notary, until it is told to end."""
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, _frame: stopped.append(given))
    server = wiring.notary(load(folder, {}))
    server.start()
    ready()
    while not stopped:
        signal.sigtimedwait(set(), 0.05)
    server.close()
    return 0


def server(folder: Path, token: str) -> int:
    """A server that is asked for three datasets, and keeps the receipts it gave."""
    house = wiring.serving(load(folder, {}))
    house.begin()
    transport = httpx.ASGITransport(create_app(house), raise_app_exceptions=False)
    done = asyncio.run(_ask(transport, folder, {"Authorization": f"Bearer {token}"}))
    house.close()
    return 0 if done == len(TITLES) else TEMPORARY


async def _ask(transport: httpx.ASGITransport, folder: Path, headers: Mapping[str, str]) -> int:
    (ledger,) = (p.name for p in (folder / "log").iterdir() if len(p.name) == 32)
    path, done = f"/v1/hospitals/{ledger}/datasets", 0
    async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
        for title in TITLES:
            keyed = {**headers, "Idempotency-Key": f"key-of-{title}-dataset"}
            answer = await client.post(path, json={**DATASET, "title": title}, headers=keyed)
            if answer.status_code == 201:
                done += 1
                keep(folder.parent / "receipts.jsonl", title, answer.json()["receipt"]["entry"])
    return done


def keep(receipts: Path, title: str, entry: str) -> None:
    with receipts.open("a", encoding="utf-8") as kept:
        print(json.dumps([title, entry]), file=kept)


def forked(act: Callable[[], int]) -> int:
    """Start `act` in a process of its own; its id."""
    pid = os.fork()
    if not pid:
        os._exit(_ended(act))
    return pid


def _ended(act: Callable[[], int]) -> int:
    # Asked by signal: a watchdog thread would be lost at the tracer's fork and waited for after it.
    faulthandler.register(signal.SIGUSR1)
    try:
        return act()
    except SandboxError as error:
        print(f"ended: {error.code}", file=sys.stderr)
        return TEMPORARY
    except BaseException as error:  # noqa: BLE001 - a process ends with a code
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 70


def ended(pid: int) -> int:
    """The exit code of a process; one that doesn't end is ended."""
    over = os.pidfd_open(pid)
    try:
        hung = not _told(over, PATIENCE_S)
        if hung:
            os.kill(pid, signal.SIGUSR1)  # it says where it stands
            _told(over, 1.0)
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(over)
    _, status = os.waitpid(pid, 0)
    return HUNG if hung else os.waitstatus_to_exitcode(status)


def _told(handle: int, patience_s: float) -> bool:
    """Whether there is something to read within that time."""
    return bool(select.select([handle], [], [], patience_s)[0])


@contextmanager
def standing(act: Callable[[Callable[[], None]], int]) -> Iterator[None]:
    """A process that calls what it is given when it is ready, as long as the body lasts.

    The one end of a pipe that is open in it says that it is not ready yet.
    """
    ready, tell = os.pipe()
    pid = forked(lambda: act(lambda: os.close(tell)))
    os.close(tell)
    _told(ready, 20.0)  # it is ready; or it is gone, and nobody holds the other end
    os.close(ready)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGTERM)
        ended(pid)


@contextmanager
def notarised(folder: Path, plan: Plan | None = None) -> Iterator[None]:
    """A notary, traced where there is a plan, as long as the body lasts."""
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "notary.sock").unlink(missing_ok=True)

    def act(ready: Callable[[], None]) -> int:
        if plan is None:
            return notary(folder, ready)
        return Tracer(plan).run(lambda: notary(folder, ready))

    with standing(act):
        yield


# --- one run -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Case:
    """A moment, and the process whose steps fail."""

    photograph: Photograph
    process: str
    server: PostgresServer | None = None

    @property
    def act(self) -> Callable[[Path], int]:
        if self.photograph.moment == "people":
            return lambda folder: server(folder, self.photograph.token)
        return worker

    def watched(self, folder: Path) -> tuple[str, ...]:
        """Folders in which a step counts: the notary's own, or everything but what passes."""
        names = ["notary"] if self.process == "notary" else ["blobs", "db", "exchange", "log", "serve", "vault"]  # fmt: skip
        return tuple(str((folder / name).resolve()) for name in names)

    def play(self, folder: Path, plan: Plan | None) -> int:
        """The work once, with what the plan says going wrong; the exit code of who works."""
        traced = plan if self.process == "notary" else None
        with notarised(folder, traced):
            if plan is None or traced:
                return ended(forked(lambda: self.act(folder)))
            return ended(forked(lambda: Tracer(plan).run(lambda: _ended(lambda: self.act(folder)))))


def run(case: Case, plan: Plan | None, tally: Tally, name: str) -> None:
    """One copy of the house, the fault, the work again, and the verdict."""
    with tempfile.TemporaryDirectory(prefix="anbiao-step-") as scratch:
        folder = Path(scratch) / "house"
        with copied(case, folder):
            _run_in(case, folder, plan, tally, name)


def _run_in(case: Case, folder: Path, plan: Plan | None, tally: Tally, name: str) -> None:
    plan = Plan(case.watched(folder), plan.at, plan.side, plan.fault, plan.times) if plan else None
    heads = [head(folder, case)]
    hung = case.play(folder, plan) == HUNG
    heads.append(head(folder, case))
    again = HUNG if hung else case.play(folder, None)
    judge(case, folder, heads, again, tally, name)


@contextmanager
def copied(case: Case, folder: Path) -> Iterator[None]:
    """A copy of the photograph as long as the body lasts, its database included."""
    shutil.copytree(case.photograph.folder, folder)
    if case.server is None or case.photograph.database is None:
        yield
        return
    made = case.server.empty(case.photograph.database)
    try:
        address = folder / "database"
        known = urlsplit(address.read_text(encoding="ascii").strip())
        moved = known._replace(path=f"/{made.name}").geturl()
        address.write_text(f"{moved}\n", encoding="ascii")
        setting = f"database_file = {json.dumps(str(address))}\n"
        (folder / "settings.toml").write_text(setting, encoding="utf-8")
        yield
    finally:
        case.server.drop(made)


def head(folder: Path, case: Case) -> bytes:
    """The checkpoint that is published now."""
    return (folder / "log" / case.photograph.ledger / "checkpoint").read_bytes()


def judge(
    case: Case, folder: Path, heads: Sequence[bytes], code: int, tally: Tally, name: str
) -> None:
    """Compare what is in the log with what must be, and count."""
    before = (tally.lost, tally.doubled, tally.forks, tally.unfinished)
    entries = read(case, folder, heads, tally)
    done = Counter(
        " ".join((str(e["action"]), *(e["objects"][kind] for kind in ONCE[e["action"]])))
        for e in entries
        if e["refusal"] is None and e["action"] in ONCE
    )
    tally.doubled += sum(count - 1 for count in done.values())
    action = WORK.get(case.photograph.moment, "")
    came = sum(key.startswith(f"{action} ") for key in done)
    tally.unfinished += code != 0 or (bool(action) and came != case.photograph.due)
    if not action:
        acknowledged(folder, entries, tally)
    if before != (tally.lost, tally.doubled, tally.forks, tally.unfinished):
        tally.bad.append(f"{name}: ended with {code}, {came} of {case.photograph.due} done")


def read(case: Case, folder: Path, heads: Sequence[bytes], tally: Tally) -> list[Json]:
    """The log's entries, if verifier and auditor find it sound and no head was gone back on."""
    log = folder / "log" / case.photograph.ledger
    pins = read_pins(case.photograph.vkeys.read_text().splitlines())
    try:
        raw = verify_log(Folder(log), pins).raw
    except (Broken, CannotTell):
        tally.forks += 1
        return []
    older = folder.parent / "older"
    for earlier in heads:
        older.write_bytes(earlier)
        tally.forks += audit("extends", log, older, log / "keys").code != 0
    return [json.loads(entry) for entry in raw]


def acknowledged(folder: Path, entries: Sequence[Json], tally: Tally) -> None:
    """Each receipt is in the log at its place, and each title came to one entry."""
    kept = folder.parent / "receipts.jsonl"
    receipts = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    for _title, text in receipts:
        told = json.loads(text)
        tally.lost += told["index"] >= len(entries) or entries[told["index"]] != told
    told_of = {title: {text for t, text in receipts if t == title} for title in TITLES}
    tally.unfinished += any(not texts for texts in told_of.values())
    tally.doubled += sum(len(texts) - 1 for texts in told_of.values() if texts)


# --- all of them ---------------------------------------------------------------------------------
def steps_of(case: Case) -> list[str]:
    """The steps of the work when nothing goes wrong, by name."""
    with tempfile.TemporaryDirectory(prefix="anbiao-step-") as scratch:
        folder, told = Path(scratch) / "house", Path(scratch) / "steps"
        with copied(case, folder), told.open("w", encoding="utf-8") as steps:
            code = case.play(folder, Plan(case.watched(folder), steps=steps))
        if code:
            raise SystemExit(f"{case.photograph.moment}: ends with {code} though nothing failed")
        return told.read_text(encoding="utf-8").splitlines()


def cases(
    photographs: Sequence[Photograph], moments: Sequence[str], server: PostgresServer | None
) -> Iterator[Case]:
    for photograph in photographs:
        if photograph.moment in moments:
            first = "server" if photograph.moment == "people" else "worker"
            yield Case(photograph, first, server)
            yield Case(photograph, "notary", server)


def besiege(case: Case, faults: Sequence[str], chosen: Callable[[int], bool]) -> Tally:
    """All chosen runs of one case."""
    began = time.monotonic()
    steps = steps_of(case)
    tally = Tally(case.photograph.moment, case.process, steps=len(steps))
    number = 0
    for at, step in enumerate(steps, start=1):
        for fault in faults:
            number += 1
            if chosen(number):
                side, error, times = FAULTS[fault]
                plan = Plan((), at, side, error, times)
                run(case, plan, tally, f"{fault} at {step}")
                tally.runs[fault] += 1
    tally.seconds = round(time.monotonic() - began)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="every_step.py", description=__doc__)
    parser.add_argument("place", type=Path, help="where the photographs are, or shall be")
    parser.add_argument("--moments", default=",".join(["people", *WORK]))
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--share", default="1/1", help="I/N: the I-th of N shares of the runs")
    parser.add_argument("--stride", type=int, default=1, help="every K-th run only")
    parser.add_argument("--postgresql", action="store_true", help="over PostgreSQL")
    given = parser.parse_args()
    part, parts = map(int, given.share.split("/"))
    given.place.mkdir(parents=True, exist_ok=True)
    built()
    with PostgresServer() if given.postgresql else nullcontext() as database:
        photographs = take(given.place, database)
        good = True
        for case in cases(photographs, given.moments.split(","), database):
            tally = besiege(
                case,
                given.faults.split(","),
                lambda n: not n % given.stride and n // given.stride % parts == part - 1,
            )
            good = good and tally.clean
            told = {"store": "postgresql" if database else "sqlite", **vars(tally)}
            print(json.dumps(told), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
