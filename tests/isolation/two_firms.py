"""Two firms with a project each on one dataset, at the real door."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firm import CONTEXT, CONTROL
from room_texts import GUIDELINE, SCHEMA
from test_hospital_over_http import CT, Ward
from town import Person

from api.client import deposit as depositing
from api.client import officer as approving
from api.client.http import Json, new_id
from api.client.labelling import Project

REPORT = "胸部CT：未见异常。2024年3月17日"


@dataclass
class Firm:
    """A firm's people, and what its project has come to."""

    name: str
    ward: Ward
    project: str = field(default_factory=new_id)
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def at(self, role: str) -> Project:
        return Project(self.people[role].door, self.ward.ledger, self.project)

    def found(self) -> None:
        """Its people, each with one role in its project only."""
        town, own = self.ward.town, {"domain": f"project:{self.project}", "organisation": self.name}
        for role in ("project-lead", "labeller", "reviewer", "inspector"):
            person = town.enrolled(town.operator, f"{role} of {self.name[5:]}", self.name)
            town.grant(self.ward.steward, self.ward.ledger, person, role, **own)
            self.people[role] = person

    def open(self) -> None:
        documents = {"guideline": GUIDELINE, "schema": SCHEMA}
        ward = self.ward
        ward.town.permit(ward.steward, ward.ledger, ward.dataset, self.project)
        title = f"Effusions for {self.name}"
        ward = self.ward
        self.at("project-lead").create(ward.dataset, title, self.name, documents)
        ward.town.permit(ward.steward, ward.ledger, ward.dataset, self.project)

    def begin(self, recipient: str) -> None:
        """One label accepted and asked out; another one leased, and one in review."""
        accepted = self._label()
        self.at("reviewer").next_review(accepted["task"])
        self.at("reviewer").judge(accepted["task"], "accept")
        reviewed = self._label()
        self.at("reviewer").next_review(reviewed["task"])
        leased = self.at("labeller").next_task()
        assert leased is not None
        asked = self.at("project-lead").request_release(recipient, CONTEXT, CONTROL)
        self.ward.work()
        self.ids = {
            "project": self.project,
            "task": str(leased["task"]),
            "lease": str(leased["lease"]),
            "item": str(self.at("labeller").lease(str(leased["lease"]))["item"]),
            "release": str(asked["release"]),
        }

    def _label(self) -> Json:
        given = self.at("labeller").next_task()
        assert given is not None
        self.at("labeller").submit(given["task"], given["version"], ["effusion"])
        return given


@dataclass
class TwoFirms:
    """Both of them."""

    ward: Ward
    one: Firm
    two: Firm

    @classmethod
    def of(cls, ward: Ward, folder: Path) -> "TwoFirms":
        pair = cls(ward, Firm("firm:one", ward), Firm("firm:two", ward))
        town = ward.town
        recipient = town.enrolled(town.operator, "rita", "recipient:lab")
        more = {"organisation": "recipient:lab"}
        granted = town.grant(ward.steward, ward.ledger, recipient, "recipient", **more)
        deposit(ward, folder)
        for firm in (pair.one, pair.two):
            firm.found()
            firm.open()
        ward.work()
        for firm in (pair.one, pair.two):
            firm.begin(str(granted["member"]))
        return pair


def deposit(ward: Ward, folder: Path) -> None:
    """Three films and a report, approved."""
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.dcm").write_bytes(CT + bytes(2 * number))
    (folder / "a.txt").write_text(REPORT, encoding="utf-8")
    for sealed in ward.seal(folder):
        depositing.send(ward.depositor.door, sealed)
    ward.work()
    door, keys = ward.officer.door, ward.officer.keys
    sitting = approving.open_sitting(door, keys, ward.ledger, ward.dataset)
    batch = approving.fetch_batch(door, sitting, ward.fingerprint, lambda _s: ward.work())
    approving.sign(door, keys, sitting, batch, "approve")


def everything(answer: Any) -> set[str]:  # Any: JSON
    """Every string in a JSON answer."""
    if isinstance(answer, dict):
        return set().union(*map(everything, answer.values()), answer.keys())
    if isinstance(answer, list):
        return set().union(*map(everything, answer))
    return {answer} if isinstance(answer, str) else set()
