"""Copies of a whole house, each taken at a moment when one process has work before it.

The house is real and so is its play; only the worker is stopped at times, so that a copy holds the
work undone: a deposit that arrived, a project that waits for its items, a release that waits for
its package or its seal. `people` is the house before any of it.
"""

import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from postgres_server import PostgresServer
from siege import Siege, few_films

from api.client.http import Json
from api.client.intake import trusted_intake_key
from api.demo import material, scenes
from api.demo.cast import STEWARD

WORK = {
    "open": "item.clean",
    "issue": "item.issue",
    "screen": "release.screen",
    "seal": "release.seal",
}
"""Moment, and the act by which the worker does what is to be done then."""


@dataclass(frozen=True)
class Photograph:
    """One copy, the hospital's ledger in it, and what is to come of it."""

    moment: str
    folder: Path
    ledger: str
    token: str
    due: int
    database: str | None = None

    @property
    def vkeys(self) -> Path:
        """The pinned keys of the logs."""
        return self.folder / "parties" / "regulator" / "vkeys"


class Photographer:
    """Plays one play, stops the worker at the right times and copies the house."""

    def __init__(self, place: Path, server: PostgresServer | None) -> None:
        self.place, self.server = place, server
        self.home = server.empty() if server else None
        owner = self.home.owner.render_as_string(hide_password=False) if self.home else None
        self.house = Siege(place / "house", seed=0, owner=owner)
        self.taken: dict[str, Photograph] = {}
        self._lock = threading.Lock()  # labelling tells from two threads

    def session(self) -> list[Photograph]:
        """All photographs, in the order of the play."""
        try:
            self.house.found()
            few_films(self.place / "films")
            self._play()
        finally:
            self.house.end()
        return list(self.taken.values())

    def _play(self) -> None:
        play = self.house.round()
        play.tell = self._see
        scenes.make_dataset(play)
        who = play.company["depositor"]
        # Waits until the worker gave its keys: without them nothing is sealed.
        trusted_intake_key(
            who.door, play.company.ledger, play.dataset, play.company.worker, who.own
        )
        self._stop_worker()
        self._take("people", 0)
        scenes.hand_over(play, material.given(self.place / "films"))
        scenes.clean(play)
        scenes.approve(play)
        self._stop_worker()
        scenes.open_project(play)
        scenes.label(play)
        scenes.review(play)
        self._stop_worker()
        scenes.let_out(play)

    def _see(self, what: str, done: int, total: int) -> None:
        with self._lock:
            if what == "clean" and "open" not in self.taken:
                self._work("open", total)
            elif what == "issue" and "issue" not in self.taken:
                self._work("issue", total)
            elif (what, done) == ("release", 1):
                self._work("screen", 1)
            elif (what, done) == ("release", 2):
                self._stop_worker()
            elif (what, done) == ("release", 3):
                self._work("seal", 1)

    def _work(self, moment: str, due: int) -> None:
        self._take(moment, due)
        self.house.stage.start_one("worker")

    def _stop_worker(self) -> None:
        process = self.house.stage.process("worker")
        process.terminate()
        process.wait()

    def _take(self, moment: str, due: int) -> None:
        """Copy the house while it stands still, and wake all but the worker again."""
        stage, company = self.house.stage, self.house.company
        stage.stop()
        # What belongs to running processes is left out.
        passing = shutil.ignore_patterns("run", "rounds")
        shutil.copytree(stage.folder, self.place / moment, ignore=passing)
        token = company[STEWARD.name].door.token or ""
        copy = self.server.empty(self.home.name).name if self.server and self.home else None
        made = Photograph(moment, self.place / moment, company.ledger, token, due, copy)
        self.taken[moment] = made
        for name in ("notary", "serve"):
            stage.start_one(name)
        stage.appears("run/serve.json")


def take(place: Path, server: PostgresServer | None = None) -> list[Photograph]:
    """Photographs in `place`; without a database server they are taken once, then read."""
    album = place / "album.json"
    if server is not None:
        return Photographer(place, server).session()
    if not album.exists():
        made = Photographer(place, None).session()
        rows: list[Json] = [{**vars(one), "folder": one.folder.name} for one in made]
        album.write_text(json.dumps(rows), encoding="utf-8")
    rows = json.loads(album.read_text(encoding="utf-8"))
    return [Photograph(**{**row, "folder": place / row["folder"]}) for row in rows]
