"""Everyone who takes part after the deposit, at the real door."""

from dataclasses import dataclass
from pathlib import Path

from room_texts import GUIDELINE, SCHEMA
from test_hospital_over_http import CT, Ward
from town import Person

from api.client import deposit as depositing
from api.client import officer as approving
from api.client import voter
from api.client.http import Json, new_id
from api.client.labelling import Project

CONTEXT = "Training of a triage model."
CONTROL = "Only class names leave; no free text."


@dataclass
class Firm:
    """A labelling firm with one project at one hospital."""

    ward: Ward
    project: str
    lead: Person
    labeller: Person
    reviewer: Person
    checker: Person
    recipient: Person
    regulator: Person
    recipient_member: str

    @classmethod
    def of(cls, ward: Ward) -> "Firm":
        town, project = ward.town, new_id()
        own = {"domain": f"project:{project}", "organisation": "firm:one"}
        roles = {
            "project-lead": ("lena", own),
            "labeller": ("lars", own),
            "reviewer": ("rosa", own),
            "output-checker": ("carl", {"organisation": "platform"}),
            "recipient": ("rita", {"organisation": "recipient:lab"}),
            "regulator": ("rex", {"organisation": "regulator"}),
        }
        operator = town.operator
        people, members = [], []
        for role, (name, more) in roles.items():
            person = town.enrolled(operator, name, "firm:one")
            granted = town.grant(ward.steward, ward.ledger, person, role, **more)
            people.append(person)
            members.append(str(granted["member"]))
        return cls(ward, project, *people, recipient_member=members[4])

    def at(self, person: Person) -> Project:
        return Project(person.door, self.ward.ledger, self.project)

    @property
    def hospital(self) -> str:
        return f"/hospitals/{self.ward.ledger}"

    def deposit(self, folder: Path) -> None:
        """Deposit one film, and have the officer approve it."""
        folder.mkdir()
        (folder / "film.dcm").write_bytes(CT)
        ward = self.ward
        for sealed in ward.seal(folder):
            depositing.send(ward.depositor.door, sealed)
        ward.work()
        door, keys = ward.officer.door, ward.officer.keys
        sitting = approving.open_sitting(door, keys, ward.ledger, ward.dataset)
        batch = approving.fetch_batch(door, sitting, ward.fingerprint, lambda _s: ward.work())
        approving.sign(door, keys, sitting, batch, "approve")

    def open(self, folder: Path) -> None:
        """A project with its items issued."""
        self.deposit(folder)
        ward = self.ward
        ward.town.permit(ward.steward, ward.ledger, ward.dataset, self.project)
        documents = {"guideline": GUIDELINE, "schema": SCHEMA}
        self.at(self.lead).create(self.ward.dataset, "Effusions", "firm:one", documents)
        self.ward.work()

    def label(self) -> Json:
        """The next task labelled and accepted; its lease as given."""
        given = self.at(self.labeller).next_task()
        assert given is not None
        self.at(self.labeller).submit(given["task"], given["version"], ["effusion"])
        self.at(self.reviewer).next_review(given["task"])
        self.at(self.reviewer).judge(given["task"], "accept")
        return given

    def request(self) -> str:
        asked = self.at(self.lead).request_release(self.recipient_member, CONTEXT, CONTROL)
        self.ward.work()
        return str(asked["release"])

    def vote(self, person: Person, release: str, verdict: str = "approve") -> Json:
        shown = voter.inspect(person.door, self.ward.ledger, release)
        return voter.vote(person.door, person.keys, shown, verdict)

    def release(self) -> str:
        """A label set all the way out."""
        self.label()
        release = self.request()
        self.vote(self.ward.steward, release)
        self.vote(self.checker, release)
        self.ward.work()
        return release

    def vkeys(self) -> list[str]:
        log = self.ward.town.folder / "log" / self.ward.ledger
        return (log / "keys").read_text().splitlines()
