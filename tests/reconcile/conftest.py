"""A small world built at the real door, and copies of its database to change behind the gate."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

for folder in ("worker", "api", "journey"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from firm import Firm  # noqa: E402 - found on the path that was just set
from test_hospital_over_http import Ward, ward_in  # noqa: E402 - as above
from town import Town  # noqa: E402 - as above

from api.client import erasure, policy, session  # noqa: E402 - as above
from api.client.enrolment import register_keys  # noqa: E402 - as above
from api.client.errors import ClientError  # noqa: E402 - as above
from api.client.keys import make_keys  # noqa: E402 - as above
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
    root = town.operator
    if root.keys is None:
        root.keys = make_keys(town.folder / "parties" / root.name)
        register_keys(root.door, root.keys)
    policy.adopt(root.door)
    second = town.enrolled(root, "second", "platform")
    told = second.keys.fingerprint
    policy.grant_role(root.door, root.keys, second.account, "policy-admin", told)
    policy.propose(second.door, second.keys, [ROW], [])


def forget(ward: Ward) -> None:
    """One subject is erased, the keys' epoch rotated; what is left is put on hold."""
    with closing(sqlite3.connect(ward.town.folder / "db" / f"{ward.ledger}.sqlite")) as raw:
        ((subject,),) = raw.execute("SELECT DISTINCT subject FROM item").fetchall()
    door, keys = ward.steward.door, ward.steward.keys
    asked = erasure.Order(ward.dataset, "gdpr-17", subject=subject)
    erasure.order(door, keys, ward.ledger, asked, ward.fingerprint)
    clock = ward.worker.enclave.clock
    object.__setattr__(ward.worker.enclave, "clock", lambda: clock() + timedelta(hours=13))
    for _ in range(5):
        ward.work()
        ward.town.house.turn()
    erasure.place_hold(door, keys, ward.ledger, ward.dataset, "litigation")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every room has acted, and every table holds a row."""
    folder = tmp_path_factory.mktemp("world")
    with ward_in(folder / "house") as ward:
        firm = Firm.of(ward)
        firm.open(folder / "films")
        firm.release()
        forget(ward)
        govern(ward.town)
        with suppress(ClientError):
            session.log_in(ward.town.door, "lars", "no password of his", "000000", "research")
        ward.town.house.people.entrance.tick()
        ward.work()
        yield World(ward.town.folder, ward.ledger)


@pytest.fixture
def copy(world: World, tmp_path: Path) -> Copy:
    return world.copy(tmp_path / "db")
