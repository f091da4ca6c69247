"""The room of people over memory ledgers, a real gate, policy and notary."""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policies.decision import CasbinDecisionPoint
from policies.duties import conflicts
from sandbox.acts import PLATFORM
from sandbox.gate import Gate
from sandbox.people import totp
from sandbox.people.checks import Credentials
from sandbox.people.delays import Delays
from sandbox.people.desk import Desk, Limits
from sandbox.people.handlers import handlers
from sandbox.people.passwords import Hasher
from sandbox.people.presence import Presence
from sandbox.people.room import furnish
from sandbox.people.setup_code import SetupCode
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher
from sandbox.storage.memory import MemoryLedgers

PASSWORD = "correct horse battery staple"
DECISION_POINT = CasbinDecisionPoint()


class PlainSeal:
    """Seeds are kept in the open: sealing is tested where it lives."""

    def seal_seed(self, account: str, seed: bytes) -> bytes:
        return account.encode() + seed

    def open_seed(self, account: str, sealed: bytes) -> bytes:
        return sealed.removeprefix(account.encode())


class PeopleHouse:
    """The room, and a clock of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
        self.ledgers = MemoryLedgers()
        self.ledgers.create(PLATFORM)
        self.notary = NotaryState(folder / "notary", "test", self.clock)
        (folder / "log").mkdir()
        self.gate = Gate(
            ledgers=self.ledgers,
            decision_point=DECISION_POINT,
            handlers=handlers(conflicts),
            notary=self.notary,
            publisher=Publisher(folder / "log"),
            clock=self.clock,
            new_id=lambda: secrets.token_hex(16),
        )
        self.desk = Desk(
            gate=self.gate,
            hasher=Hasher(memory_kib=64, passes=1, at_once=1),
            delays=Delays(60),
            presence=Presence(folder / "presence.json", timedelta(hours=12)),
            setup_code=SetupCode(folder / "setup-code"),
            seal=PlainSeal(),
            invitation_key=bytes(32),
            limits=Limits(timedelta(minutes=30), timedelta(hours=12), timedelta(days=7)),
            clock=self.clock,
            new_id=lambda: secrets.token_hex(16),
        )
        self.people = furnish(self.desk)
        self.people.enrolments.offer_setup()
        self.folder = folder

    def clock(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)

    def found(self):
        code = (self.folder / "setup-code").read_text().strip()
        made = self.people.enrolments.set_up(code, "root", PASSWORD, "local")
        return made, self.people.entrance.confirm(self.typed("root", made), "")

    def typed(self, name: str, made, steps: int = 0) -> Credentials:
        secret = base64.b32decode(made.totp_secret)
        code = totp.code_at(secret, totp.step_at(self.now) + steps)
        return Credentials(name, PASSWORD, "local", code=code)

    def close(self) -> None:
        self.gate.close()
        self.notary.close()
