"""A whole house behind a real HTTP server, and people who come to its door.

The clock is the test's own; the server is uvicorn in a thread on a free loopback port.
"""

import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from api.app import create_app
from api.client import enrolment, permits, session
from api.client.http import Door, connect
from api.client.keys import PersonKeys, make_keys
from sandbox import wiring
from sandbox.settings import load

PASSWORD = "correct horse battery staple"
PURPOSE = "research"
SETTINGS = {"password_memory_kib": 19_456}


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)

    def seconds(self) -> float:
        return self.now.timestamp()


@dataclass
class Person:
    """An account and what its person holds."""

    account: str
    name: str
    secret: str
    recovery: list[str]
    door: Door
    codes: session.Authenticator
    keys: PersonKeys | None = None


class Town:
    """Settings, processes' parts, and an open door."""

    def __init__(self, folder: Path, **given: object) -> None:
        self.folder = folder
        self.clock = Clock()
        self.settings = load(folder, {}, {**SETTINGS, **given})
        self.trained: set[tuple[str, str]] = set()
        self.notary = wiring.notary(self.settings)
        self.notary.start()
        self.begin()

    def begin(self) -> None:
        self.house = wiring.serving(self.settings, self.clock)
        self.house.begin()
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(
            create_app(self.house),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listening],), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.door = connect(self.url)

    def end(self) -> None:
        self.door.http.close()
        self.server.should_exit = True
        self.thread.join()
        self.house.close()

    def restart(self) -> None:
        self.end()
        self.begin()

    def close(self) -> None:
        self.end()
        self.notary.close()

    def again(self, person: Person) -> Door:
        """The same token, after a restart at another port."""
        return self.door.with_token(person.door.token)

    def setup_code(self) -> str:
        return (self.folder / "serve" / "setup-code").read_text().strip()

    def found(self) -> Person:
        """The operator, by the setup code."""
        made = session.set_up(self.door, self.setup_code(), "root", PASSWORD)
        self.operator = self._confirmed(made)
        return self.operator

    def invite(self, operator: Person, name: str, organisation: str = "hospital") -> str:
        body = {"name": name, "organisation": organisation}
        return str(operator.door.create("/accounts", body)["invitation"])

    def person(self, operator: Person, name: str, organisation: str = "hospital") -> Person:
        invitation = self.invite(operator, name, organisation)
        return self._confirmed(session.accept(self.door, invitation, PASSWORD))

    def enrolled(self, operator: Person, name: str, organisation: str = "hospital") -> Person:
        """A person with keys of their own."""
        person = self.person(operator, name, organisation)
        person.keys = make_keys(self.folder / "parties" / name)
        enrolment.register_keys(person.door, person.keys)
        return person

    def hospital(self, operator: Person, steward: Person, name: str = "First Hospital") -> str:
        """A hospital whose ledger its steward opened."""
        body = {"name": name, "steward": steward.account}
        ledger = str(operator.door.create("/hospitals", body)["ledger"])
        enrolment.open_ledger(steward.door, steward.keys, ledger)
        return ledger

    def grant(self, steward: Person, ledger: str, holder: Person, role: str, **more: object):
        if (ledger, holder.account) not in self.trained and steward.account != holder.account:
            self.train(steward, ledger, holder)
        given = enrolment.Grant(
            account=holder.account,
            role=role,
            organisation=str(more.pop("organisation", "hospital")),
            fingerprint=holder.keys.fingerprint,
            **more,
        )
        return enrolment.grant(steward.door, steward.keys, ledger, given)

    def train(self, steward: Person, ledger: str, *holders: Person, days: float = 1096) -> None:
        """The steward tells that people passed the course that roles ask for."""
        now = self.clock()
        window = permits.Window(now, now + timedelta(days=days))
        accounts = [holder.account for holder in holders]
        permits.record_training(
            steward.door, steward.keys, ledger, accounts, permits.COURSE, window
        )
        self.trained |= {(ledger, account) for account in accounts}

    def permit(self, steward: Person, ledger: str, dataset: str, project: str) -> None:
        """The steward's permit for a project, from now on."""
        window = permits.Window(self.clock(), self.clock() + timedelta(days=3650))
        permits.issue_permit(steward.door, steward.keys, ledger, dataset, project, window)

    def entries(self, ledger: str = "platform") -> list[bytes]:
        store = self.house.ledgers.open(ledger)
        return store.entries(0, store.size())

    def _confirmed(self, made: dict) -> Person:
        codes = session.Authenticator(made["totp_secret"], self.clock.seconds)
        door = session.confirm(self.door, made["account"], PASSWORD, codes.code(), PURPOSE)
        return Person(
            made["account"], made["name"], made["totp_secret"], made["recovery_codes"], door, codes
        )
