"""A small world built at the real door, and copies of its database to change behind the gate."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

for folder in ("worker", "api", "journey"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from firm import Firm  # noqa: E402 - found on the path that was just set
from test_hospital_over_http import ward_in  # noqa: E402 - as above
from town import Town  # noqa: E402 - as above

from api.client import policy, session  # noqa: E402 - as above
from api.client.errors import ClientError  # noqa: E402 - as above
from sandbox.reconcile.house import reconcile  # noqa: E402 - as above
from sandbox.reconcile.ledger import Agreement, Finding, LedgerCheck  # noqa: E402 - as above
from sandbox.reconcile.published import PublishedLog  # noqa: E402 - as above
from sandbox.storage.rows import ROWS_OF, kind_of  # noqa: E402 - as above
from sandbox.storage.survey import SqliteSurveyor  # noqa: E402 - as above

ROW = (
    "p, agreement.read/privacy-officer, privacy-officer, hospital, agreement.read, "
    "not-a-labeller, allow, R41"
)


@dataclass
class World:
    """A house at rest: its databases, its published logs, and the logs' keys."""

    folder: Path
    hospital: str

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def pins(self) -> dict[str, list[str]]:
        keys = self.logs.glob("*/keys")
        return {path.parent.name: path.read_text().splitlines() for path in keys}

    def copy(self, place: Path) -> "Copy":
        place.mkdir(parents=True)
        for path in (self.folder / "db").glob("*.sqlite"):
            copied = sqlite3.connect(place / path.name)
            with closing(sqlite3.connect(path)) as source, closing(copied) as target:
                source.backup(target)
        return Copy(self, place)


@dataclass
class Copy:
    """The world's database, to be changed behind the gate."""

    world: World
    folder: Path

    def change(self, ledger: str, text: str, *values: object) -> int:
        """How many rows a statement met, the guards of the log put aside."""
        with closing(sqlite3.connect(self.folder / f"{ledger}.sqlite")) as raw:
            for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
                raw.execute(f"DROP TRIGGER {name}")
            with raw:
                return raw.execute(text, values).rowcount

    def ask(self, ledger: str, text: str, *values: object) -> list[tuple]:
        with closing(sqlite3.connect(self.folder / f"{ledger}.sqlite")) as raw:
            return raw.execute(text, values).fetchall()

    def reconciled(self, pins: dict[str, list[str]] | None = None) -> tuple[int, list[Finding]]:
        """Exit code and findings over all ledgers."""
        told: list[Finding | Agreement] = []
        surveyor = SqliteSurveyor(self.folder)
        pinned = self.world.pins if pins is None else pins
        code = reconcile(surveyor, self.world.logs, pinned, told.append, 0)
        return code, [one for one in told if isinstance(one, Finding)]

    def findings(self, ledger: str) -> list[Finding]:
        """What does not agree in one ledger."""
        log = PublishedLog(self.world.logs / ledger, self.world.pins[ledger])
        surveyor = SqliteSurveyor(self.folder)
        return list(LedgerCheck(surveyor, ledger, log, ROWS_OF[kind_of(ledger)], 0).findings())


def govern(town: Town) -> None:
    """The policy is adopted, and a change of it proposed."""
    policy.adopt(town.operator.door)
    second = town.enrolled(town.operator, "second", "platform")
    policy.grant_role(town.operator.door, second.account, "policy-admin")
    policy.propose(second.door, second.keys, [ROW], [])


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every room has acted, and every table holds a row."""
    folder = tmp_path_factory.mktemp("world")
    with ward_in(folder / "house") as ward:
        firm = Firm.of(ward)
        firm.open(folder / "films")
        firm.release()
        govern(ward.town)
        with suppress(ClientError):
            session.log_in(ward.town.door, "lars", "no password of his", "000000", "research")
        ward.town.house.people.entrance.tick()
        ward.work()
        yield World(ward.town.folder, ward.ledger)


@pytest.fixture
def copy(world: World, tmp_path: Path) -> Copy:
    return world.copy(tmp_path / "db")
