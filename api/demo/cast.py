"""Who plays: accounts with passwords and second factors, keys that stay on the person's side."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from api.client import permits, policy, session
from api.client.enrolment import Grant, grant, open_ledger, register_keys
from api.client.http import Door, connect
from api.client.keys import PersonKeys, make_keys
from api.client.session import Authenticator
from api.demo.stage import Stage


@dataclass(frozen=True)
class Part:
    """A part in the play: who, of which organisation, in which role, in which folder."""

    name: str
    organisation: str
    role: str
    party: str
    in_project: bool = False


CAST: Final = (
    Part("depositor", "hospital", "depositor", "hospital"),
    Part("officer", "hospital", "deid-officer", "hospital"),
    Part("lead", "firm:qilu-labelling", "project-lead", "firm", in_project=True),
    Part("labeller-1", "firm:qilu-labelling", "labeller", "firm", in_project=True),
    Part("labeller-2", "firm:qilu-labelling", "labeller", "firm", in_project=True),
    Part("reviewer", "firm:qilu-labelling", "reviewer", "firm", in_project=True),
    Part("checker", "platform", "output-checker", "platform"),
    Part("recipient", "recipient:spring-city-university", "recipient", "recipient"),
    Part("regulator", "regulator", "regulator", "regulator"),
)
PURPOSE: Final = "model-training"
"""What the contract of the demo's dataset is for; everybody's session declares it."""
STEWARD: Final = Part("steward", "hospital", "steward", "hospital")
OPERATOR: Final = Part("operator", "platform", "operator", "platform")


@dataclass
class Person:
    """A person with an open session and, but for the operator, keys of their own."""

    part: Part
    account: str
    door: Door
    folder: Path
    keys: PersonKeys | None = None

    @property
    def own(self) -> PersonKeys:
        """The person's keys."""
        assert self.keys is not None  # noqa: S101 - everyone but the operator has keys
        return self.keys


@dataclass
class Company:
    """All persons by name, the worker's fingerprint, and the hospital's ledger."""

    people: dict[str, Person] = field(default_factory=dict)
    worker: str = ""
    ledger: str = ""

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def close(self) -> None:
        """Close all connections."""
        for person in self.people.values():
            person.door.http.close()


def first_account(stage: Stage) -> Person:
    """The operator, by the one-time code that `serve` left in its folder."""
    code = stage.appears("serve/setup-code").decode("ascii").strip()
    door = connect(stage.url, certificates=stage.certificates)
    password = secrets.token_urlsafe(18)
    told = session.set_up(door, code, OPERATOR.name, password)
    return _entered(stage, OPERATOR, door, told, password)


def invited(stage: Stage, operator: Person, part: Part) -> Person:
    """A person who took up the operator's invitation and made keys."""
    body = {"name": part.name, "organisation": part.organisation}
    made = operator.door.create("/accounts", body)
    door, password = connect(stage.url, certificates=stage.certificates), secrets.token_urlsafe(18)
    told = session.accept(door, str(made["invitation"]), password)
    person = _entered(stage, part, door, told, password)
    person.keys = make_keys(person.folder)
    register_keys(person.door, person.keys)
    return person


def _entered(
    stage: Stage, part: Part, door: Door, told: dict[str, object], password: str
) -> Person:
    code = Authenticator(str(told["totp_secret"])).code()
    account = str(told["account"])
    opened = session.confirm(door, account, password, code, PURPOSE)
    folder = stage.folder / "parties" / part.party / part.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Person(part, account, opened, folder)


def found_hospital(stage: Stage, company: Company) -> None:
    """The hospital's ledger: opened by its steward, believed by the worker through a pin.

    The pins are written where the worker's installer writes them: the steward's key reaches
    that machine by hand, not by the API.
    """
    operator, steward = company["operator"], company["steward"]
    policy.adopt(operator.door)
    identity = stage.appears("vault/identity.pub").decode("ascii").strip()
    asked = {"name": "worker", "public_key": identity, "purposes": [PURPOSE]}
    service = operator.door.create("/service-accounts", asked)
    public = base64.b64encode(steward.own.signing.public_bytes).decode()
    stage.hand("vault/stewards.pins", f"{public} demo hospital\n")
    stage.hand("vault/serve.pin", stage.appears("serve/identity.pub").decode("ascii"))
    stage.hand("vault/account", f"{service['account']}\n")
    hospital = {"name": "Spring City Hospital", "steward": steward.account}
    company.ledger = str(operator.door.create("/hospitals", hospital)["ledger"])
    open_ledger(steward.door, steward.own, company.ledger)
    card = operator.door.get(f"/accounts/{service['account']}")
    company.worker = str(card["fingerprint"])
    give(company, Grant(str(service["account"]), "worker", "platform", company.worker))


def give(company: Company, given: Grant) -> None:
    """A role, signed by the steward."""
    steward = company["steward"]
    grant(steward.door, steward.own, company.ledger, given)


def train(company: Company, parts: Sequence[Part]) -> None:
    """The steward tells, in one act, that everybody passed the course their roles ask for."""
    steward, now = company["steward"], datetime.now(UTC)
    window = permits.Window(now - timedelta(days=1), now + timedelta(days=365))
    accounts = [company[part.name].account for part in parts]
    permits.record_training(
        steward.door, steward.own, company.ledger, accounts, permits.COURSE, window
    )


def role_of(person: Person, domain: str = "hospital") -> Grant:
    """The role of a person's part, by the fingerprint that the person tells."""
    part = person.part
    return Grant(
        person.account, part.role, part.organisation, person.own.fingerprint, domain=domain
    )
