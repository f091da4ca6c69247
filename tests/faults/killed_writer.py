"""A gate over one ledger, killed or failed at each of its steps in turn, and started again.

Usage: killed_writer.py PLACE COUNT [--stride K] [--postgresql]
with `tests/{auditor,gate,faults,storage}` on the path.

`every_step.py` plays whole houses, each step in a copy of its own. Here it is the writer of the log
alone, with real stores, over one ledger that grows all the while: each life opens the gate, does
two acts and ends; at one step of it, towards disk, notary or database, the fault strikes; then the
same two acts are asked for again, by a process that nobody helps. The faults take turns, so that
every step meets each fault, and two of three are kills:

- kill: SIGKILL before the step (which is SIGKILL after the step before);
- failed-not-persisted, failed-but-persisted: the call answers EIO, before or after its effect;
- lost-before-sending, lost-after-sending: the same of a connection, ECONNRESET.

In the end every acknowledged act is in the log where its receipt says, once, and nothing else is;
every checkpoint ever seen is of this history, by the regulator's verifier and by the Go auditor.
"""

# ruff: noqa: T201 - a program of its own

import argparse
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from auditor import audit, built
from every_step import HUNG, TEMPORARY, Losses, ended, forked, standing
from gate_house import LEDGER, PREFIX, Clock, House, Remark
from postgres_server import PostgresServer
from tracer import Plan, Tracer

from crypto import secretfile
from crypto.verifier import Broken, CannotTell, Folder, Pins, read_pins, verify_log
from sandbox.errors import Unavailable
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.notary_doors import UnixDoor, UnixWay
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer

FAULTS = {
    "kill": ("before", "kill"),
    "failed-not-persisted": ("before", "EIO"),
    "failed-but-persisted": ("after", "EIO"),
    "lost-before-sending": ("before", "ECONNRESET"),
    "lost-after-sending": ("after", "ECONNRESET"),
}
TURNS = [turn for name in list(FAULTS)[1:] for turn in ("kill", "kill", name)]
KILLED = int(signal.SIGKILL)
TWO = 2


@dataclass
class Tally(Losses):
    """What the lives came to."""

    killed: int = 0
    acknowledged: int = 0


class Writer:
    """The writer of one ledger in a folder, alive for a moment at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receipts = folder / "receipts"
        self.watched = tuple(str((folder / name).resolve()) for name in ("db", "log"))
        self.tally = Tally()
        self.heads: set[bytes] = set()
        self.told = folder / "steps"
        self._steps: list[str] = []
        self._lives = 0

    def life(self, slots: tuple[str, ...], plan: Plan | None = None) -> int:
        """Open the gate, do the acts, end; the exit code."""

        def act() -> int:
            return self._act(slots)

        if plan is None:
            return ended(forked(act))
        with self.told.open("w", encoding="utf-8") as steps:
            traced = Plan(self.watched, plan.at, plan.side, plan.fault, plan.times, steps)
            return ended(forked(lambda: abs(Tracer(traced).run(act))))

    def _act(self, slots: tuple[str, ...]) -> int:
        notary = NotaryClient(UnixWay(self.folder / "notary.sock"))
        try:
            house = House(self.folder, notary=notary)
            for slot in slots:
                receipt = house.keep(slot, request_key=slot)
                with self.receipts.open("a", encoding="ascii") as kept:
                    print(slot, receipt.index, file=kept, flush=True)
            house.close()
        except Unavailable as error:
            print(f"ended: {error.code}", file=sys.stderr)
            return TEMPORARY
        return 0

    def found(self) -> int:
        """Open the ledger, in peace."""

        def act() -> int:
            house = House(self.folder, notary=NotaryClient(UnixWay(self.folder / "notary.sock")))
            house.found()
            house.close()
            return 0

        return ended(forked(act))

    def besiege(self, lives: int, stride: int = 1) -> None:
        """So many lives that a fault struck; each fault takes the steps that it fits in turn."""
        self._go_on("nothing", Plan(()))
        places, turns = dict.fromkeys(FAULTS, 0), cycle(TURNS)
        while sum(self.tally.runs.values()) < lives:
            fault = next(turns)
            side, error = FAULTS[fault]
            steps = self.steps()
            self.tally.steps = max(self.tally.steps, len(steps))
            fitting = [
                at
                for at, step in enumerate(steps, start=1)
                if error == "kill" or step.endswith(" socket") == (error == "ECONNRESET")
            ]
            turn, place = divmod(places[fault] * stride, len(fitting))
            at = fitting[(place + turn) % len(fitting)]
            places[fault] += 1
            self._go_on(f"{fault} at {steps[at - 1]}", Plan((), at, side, error))
            # A life may be a step or two shorter than the longest: then nothing struck it.
            self.tally.runs[fault] += len(self.told.read_text("utf-8").splitlines()) >= at

    def steps(self) -> list[str]:
        """The steps of a life to which nothing happened, or the longest since."""
        known = self.told.read_text(encoding="utf-8").splitlines()
        if len(known) >= len(self._steps):
            self._steps = known
        return self._steps

    def _go_on(self, name: str, plan: Plan) -> None:
        slots = slots_of(self._lives)
        self._lives += 1
        struck = self.life(slots, plan)
        self.tally.killed += struck == KILLED
        code = self.life(slots) if struck != HUNG else HUNG
        if code:
            self.tally.unfinished += 1
            self.tally.bad.append(f"{name}: ended with {code}")
        self.heads.add((self.folder / "log" / LEDGER / "checkpoint").read_bytes())

    def judge(self) -> None:
        """Compare log, receipts and checkpoints."""
        log, tally = self.folder / "log" / LEDGER, self.tally
        pins = read_pins((log / "keys").read_text().splitlines())
        receipts = [line.split() for line in self.receipts.read_text().splitlines()]
        acknowledged = {slot: int(index) for slot, index in receipts}
        tally.acknowledged = len(acknowledged)
        slots = self._slots(log, pins)
        done = Counter(slots[1:])
        tally.lost = sum(slots[i : i + 1] != [slot] for slot, i in acknowledged.items())
        tally.lost += sum(done[slot] == 0 for n in range(self._lives) for slot in slots_of(n))
        tally.doubled = sum(times - 1 for times in done.values())
        tally.doubled += len({(slot, i) for slot, i in map(tuple, receipts)}) - len(acknowledged)

    def _slots(self, log: Path, pins: Pins) -> list[str]:
        """What each entry is about, if verifier and auditor find the log sound and unforked."""
        try:
            found = verify_log(Folder(log), pins)
        except (Broken, CannotTell) as error:
            self.tally.forks += 1
            self.tally.bad.append(str(error))
            return []
        older = self.folder / "older"
        for head in self.heads:
            older.write_bytes(head)
            self.tally.forks += audit("extends", log, older, log / "keys").code != 0
        return [json.loads(raw)["objects"].get("dataset", "") for raw in found.raw]


def slots_of(number: int) -> tuple[str, ...]:
    """What the acts of one life are about."""
    return tuple(f"{TWO * number + n:032x}" for n in range(TWO))


@contextmanager
def notarised(folder: Path) -> Iterator[None]:
    """A notary in a process of its own."""

    def act(ready: Callable[[], None]) -> int:
        state = NotaryState(folder / "notary", PREFIX, Clock())
        server = NotaryServer(UnixDoor(folder / "notary.sock"), state)
        server.start()
        ready()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.sigwait({signal.SIGTERM})
        server.close()
        state.close()
        return 0

    with standing(act):
        yield


def run(place: Path, lives: int, stride: int, server: PostgresServer | None) -> Tally:
    """All lives over one store."""
    began = time.monotonic()
    place.mkdir(parents=True, exist_ok=True)
    if server is not None:
        address = server.emptied([Remark]).application.render_as_string(hide_password=False)
        secretfile.write(place / "database", address.encode())
    writer = Writer(place)
    with notarised(place):
        if writer.found():
            raise SystemExit("the ledger could not be opened")
        writer.besiege(lives, stride)
    writer.judge()
    writer.tally.seconds = round(time.monotonic() - began)
    return writer.tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="killed_writer.py", description=__doc__)
    parser.add_argument("place", type=Path)
    parser.add_argument("count", type=int, help="lives with a fault")
    parser.add_argument("--stride", type=int, default=1, help="every K-th step only")
    parser.add_argument("--postgresql", action="store_true", help="over PostgreSQL")
    given = parser.parse_args()
    built()
    make: Callable[[], object] = PostgresServer if given.postgresql else nullcontext
    with make() as server:
        tally = run(given.place, given.count, given.stride, server)
    told = {"store": "postgresql" if given.postgresql else "sqlite", **vars(tally)}
    print(json.dumps(told), flush=True)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
