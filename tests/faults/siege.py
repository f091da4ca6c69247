"""A house under siege: its processes are killed at random moments while the demo is played in it.

The parties play on as they would against any server that comes and goes: the client retries with
the same idempotency key. What they hold a receipt for is then looked for in the published log.
"""

import json
import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

from auditor import audit
from pydicom.data import get_testdata_file

from api.client.errors import ClientError
from api.client.http import Json
from api.client.regulator import verdict_on
from api.demo import material, scenes
from api.demo.cast import STEWARD
from api.demo.scenes import Play
from api.demo.stage import PROCESSES, Stage
from crypto.verifier import (
    Broken,
    Folder,
    Log,
    Note,
    Pins,
    check_attested,
    parse_note,
    read_pins,
    verify_log,
)
from policies.shipped import shipped_digest

ONCE: Mapping[str, tuple[str, ...]] = {
    "dataset.create": ("dataset",),
    "dataset.open-intake": ("dataset",),
    "deposit.open": ("deposit",),
    "deposit.complete": ("deposit",),
    "item.clean": ("item",),
    "approval.open": ("approval",),
    "approval.sample": ("approval",),
    "approval.sign": ("approval",),
    "project.create": ("project",),
    "item.issue": ("task",),
    "label.submit": ("task",),
    "review.submit": ("task",),
    "release.request": ("project",),
    "release.screen": ("release",),
    "release.seal": ("release",),
}
"""Acts that this play does once to the objects named; another such entry is a doubled act."""


_PATIENCE = 40
_EARLY = 0.2


class BesiegedStage(Stage):
    """A stage whose processes may be gone for a moment: somebody starts them again."""

    def check(self) -> None:
        """Nothing: a process that is gone is being started again."""


@dataclass
class Round(Play):
    """One play from deposit to release with a dataset of its own, its parties' papers apart."""

    number: int = 0

    def party(self, name: str) -> Path:
        return self.stage.folder / "rounds" / str(self.number) / name


@dataclass
class Tally:
    """What a siege came to."""

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    forks: int = 0
    unanswered: int = 0
    entries: int = 0

    def add(self, other: "Tally") -> None:
        """Count another siege in."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.forks)


class Siege:
    """Kills processes of a house, plays in it meanwhile, and judges what came of it."""

    def __init__(self, folder: Path, seed: int, owner: str | None = None) -> None:
        self.stage = BesiegedStage(folder, owner=owner)
        self.random = random.Random(seed)  # noqa: S311 - moments, no secrets
        self.tally = Tally()
        self.company = Play(self.stage, _silent).company
        self.receipts: list[Json] = []
        self.titles: dict[str, bool] = {}
        self.checkpoints: set[bytes] = set()

    def found(self) -> None:
        """Start the house and its people, in peace."""
        self.stage.start()
        first = Play(self.stage, _silent, self.company)
        scenes.gather_people(first)
        scenes.pin_trust(first, shipped_digest())

    def besiege(self, source: Path, most: int | None = None) -> Round:
        """One play while processes are killed, `most` times; it has to reach its end."""
        round_ = self.round()
        with self._killing(most), self._hurried():
            scenes.make_dataset(round_)
            scenes.hand_over(round_, material.given(source))
            for scene in (scenes.clean, scenes.approve, scenes.open_project):
                scene(round_)
            for scene in (scenes.label, scenes.review, scenes.let_out):
                scene(round_)
        return round_

    def round(self) -> Round:
        """The next play, not yet begun."""
        made = Round(self.stage, _silent, self.company, number=self.tally.rounds)
        pins = made.party("regulator") / "vkeys"
        pins.parent.mkdir(parents=True)
        pins.write_bytes((self.stage.folder / "parties" / "regulator" / "vkeys").read_bytes())
        self.tally.rounds += 1
        return made

    def kill(self, name: str) -> None:
        """Kill one process as it stands and start it again at once."""
        self.stage.process(name).kill()
        self.stage.process(name).wait()
        self.stage.start_one(name)
        self.tally.kills[name] += 1

    @contextmanager
    def _killing(self, most: int | None) -> Iterator[None]:
        over = threading.Event()

        def kill_now_and_then() -> None:
            done = 0
            # Few kills may follow each other closely: the play has its time when they are over.
            longest_s = 2.0 if most is None else 0.4
            while not over.wait(self.random.uniform(0.05, longest_s)) and done != most:
                # In turns, so that a few kills meet every process.
                name = PROCESSES[done % len(PROCESSES)]
                self.kill(name)
                if not over.wait(self.random.uniform(0, longest_s)):
                    if self.random.random() < _EARLY:
                        self.kill(name)  # perhaps before it has come up again
                    if most is None:
                        self._await(name, over)
                self.see_checkpoint()
                done += 1

        with _thread(kill_now_and_then, over):
            yield

    def _await(self, name: str, over: threading.Event) -> None:
        """Until the process that was started last says that it runs: nobody can work before."""
        note, pid = self.stage.folder / "run" / f"{name}.json", self.stage.process(name).pid
        while not over.wait(0.02):
            with suppress(OSError, ValueError):
                if json.loads(note.read_bytes())["pid"] == pid:
                    return

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        """Somebody else does many short acts meanwhile, so that kills fall into the midst."""
        over = threading.Event()

        def create() -> None:
            while not over.wait(0.02):
                self.create(f"short {len(self.titles)}")

        with _thread(create, over):
            yield

    def create(self, title: str) -> None:
        """One short act, acknowledged or not."""
        self.titles[title] = False
        door = self.company[STEWARD.name].door
        with suppress(ClientError):
            answer = door.create(
                f"/hospitals/{self.company.ledger}/datasets", {**DATASET, "title": title}
            )
            self.titles[title] = True
            self.receipts.append(answer["receipt"])

    def see_checkpoint(self) -> None:
        """Remember the checkpoint that is published now."""
        path = self.stage.folder / "log" / self.company.ledger / "checkpoint"
        self.checkpoints.add(path.read_bytes())

    def judge(self) -> Tally:
        """Compare receipts and checkpoints with the published log, and titles with the list."""
        folder, tally = self.stage.folder, self.tally
        vkeys = (folder / "parties" / "regulator" / "vkeys").read_text().splitlines()
        pins = read_pins(vkeys)
        self.see_checkpoint()  # before the log is read: afterwards it may have grown
        log = self._settled(pins)
        tally.acknowledged = tally.lost = tally.forks = 0
        for receipt in self._kept():
            attested = check_attested(receipt, pins, "receipt")
            tally.acknowledged += 1
            index = attested.entry["index"]
            tally.lost += index >= len(log.raw) or log.raw[index].decode() != receipt["entry"]
            tally.forks += not _same(log, attested.note)
        for checkpoint in self.checkpoints:
            tally.forks += not _same(log, parse_note(checkpoint, "checkpoint"))
        tally.entries = len(log.raw)
        self._judge_doubles(log)
        return tally

    def _settled(self, pins: Pins) -> Log:
        """The published log; while it still grows, tiles are there before their checkpoint is.

        Raises:
            Broken: it is not in order even when nothing happens any more.
        """
        published = Folder(self.stage.folder / "log" / self.company.ledger)
        for left in reversed(range(_PATIENCE)):
            try:
                return verify_log(published, pins)
            except Broken:
                if not left:
                    raise
            threading.Event().wait(0.25)
        raise AssertionError

    def _judge_doubles(self, log: Log) -> None:
        done = _doings([json.loads(entry) for entry in log.raw])
        path = f"/hospitals/{self.company.ledger}/datasets"
        listed = Counter(
            str(entry["title"])
            for entry in self.company[STEWARD.name].door.items(path)
            if str(entry["title"]) in self.titles
        )
        self.tally.doubled = sum(count - 1 for count in (done + listed).values() if count > 1)
        self.tally.lost += sum(
            acknowledged and not listed[title] for title, acknowledged in self.titles.items()
        )
        self.tally.unanswered = sum(not answered for answered in self.titles.values())

    def _kept(self) -> Iterator[Json]:
        yield from self.receipts
        for path in sorted((self.stage.folder / "rounds").rglob("receipts/*.json")):
            yield json.loads(path.read_bytes())

    def verdict(self) -> tuple[int, str]:
        """What the regulator's own program says of the published log, and the Go auditor."""
        parties = self.stage.folder / "parties"
        self._settled(read_pins((parties / "regulator" / "vkeys").read_text().splitlines()))
        pins = [str(parties / "regulator" / "vkeys")]
        log = self.stage.folder / "log" / self.company.ledger
        said, independent = verdict_on(log, pins), audit("log", log, log / "keys")
        return max(said.code, independent.code), f"{said.said}; {independent.said}"

    def end(self) -> None:
        """End the house."""
        self.company.close()
        self.stage.stop()


def _doings(entries: Sequence[Json]) -> Counter[str]:
    done: Counter[str] = Counter()
    for entry in entries:
        action, objects = str(entry["action"]), entry["objects"]
        if entry["refusal"] is not None:
            continue
        if action in ONCE:
            done[" ".join((action, *(objects[kind] for kind in ONCE[action])))] += 1
        elif action == "release.vote":
            done[f"{action} {objects['release']} {entry['actor']}"] += 1
    return done


def _same(log: Log, note: Note) -> bool:
    try:
        log.check_same(note, "checkpoint")
    except Broken:
        return False
    return True


@contextmanager
def _thread(act: Callable[[], None], over: threading.Event) -> Iterator[None]:
    """Run beside the body; what goes wrong in it is raised at the end."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - told to the body's thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def _silent(_what: str, _now: int, _total: int) -> None:
    return


def few_films(folder: Path) -> None:
    """Three scans and a report."""
    folder.mkdir(parents=True)
    for name in ("CT_small.dcm", "MR_small_RLE.dcm", "rtplan.dcm"):
        shutil.copyfile(str(get_testdata_file(name, download=False)), folder / name)
    (folder / "report.txt").write_text("Findings: a nodule in the left upper lobe.\n")


DATASET = {
    "owner": "Spring City Hospital",
    "contract": "EP-2026-017",
    "contract_expires_at": "2099-01-01T00:00:00Z",
    "ethics_approval": "IRB-2026-101",
    "ethics_expires_at": "2099-01-01T00:00:00Z",
    "legal_basis": "contract",
    "purpose": "model-training",
    "retain_until": "2099-01-01T00:00:00Z",
    "category": "general",
    "grade": 3,
    "recipe": "basic",
}
