"""The scenes of the demo, in order; each takes what the one before gave."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Final

from api.client import deposit, officer, permits
from api.client.errors import ClientError
from api.client.evidence import export
from api.client.http import Json, new_id
from api.client.labelling import ACCEPT, Project
from api.client.receipts import keep_receipt
from api.client.recipient import fetch, write
from api.client.voter import inspect, vote
from api.demo.cast import (
    CAST,
    OPERATOR,
    PURPOSE,
    STEWARD,
    Company,
    Person,
    first_account,
    found_hospital,
    give,
    invited,
    role_of,
    train,
)
from api.demo.material import Material
from api.demo.opinions import DOCUMENTS, opinion
from api.demo.stage import Stage
from crypto.verifier import Scope

Tell = Callable[[str, int, int], None]
"""Told how far a scene is: its name, how many are done, how many in all."""

SCENES: Final = (
    "people",
    "name",
    "seal",
    "send",
    "clean",
    "approve",
    "issue",
    "label",
    "review",
    "release",
    "compare",
)
_PATIENCE_S: Final = 300.0
_LABELLERS: Final = ("labeller-1", "labeller-2")


@dataclass
class Play:
    """The stage, who is on it, and what has come of it so far."""

    stage: Stage
    tell: Tell
    company: Company = field(default_factory=Company)
    dataset: str = ""
    project: str = ""
    release: str = ""
    items: list[Json] = field(default_factory=list)
    issued: int = 0
    seen: set[str] = field(default_factory=set)  # identifiers that the first firm's people saw
    other: str = ""  # the second firm's project
    seen_by_other: set[str] = field(default_factory=set)
    files_left: Sequence[Path] = ()

    @property
    def hospital(self) -> str:
        """Path of the hospital's routes."""
        return f"/hospitals/{self.company.ledger}"

    @property
    def set_path(self) -> str:
        """Path of the dataset's routes."""
        return f"{self.hospital}/datasets/{self.dataset}"

    def party(self, name: str) -> Path:
        """The folder of a party."""
        return self.stage.folder / "parties" / name

    def awaits(self, what: str, state: Callable[[], tuple[int, int]]) -> None:
        """Wait until as many are done as there are, telling how far it is.

        Raises:
            ClientError: `demo-stuck`: it took too long; `process-ended`.
        """
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            done, total = state()
            self.tell(what, done, total)
            if done >= total:
                return
            self.stage.check()
            time.sleep(0.15)
        raise ClientError("demo-stuck", f"{what} did not end")


def gather_people(play: Play) -> None:
    """Accounts, keys, the hospital's ledger, and roles signed by its steward."""
    company, total = play.company, len(CAST) + 3
    company.people[OPERATOR.name] = first_account(play.stage)
    for number, part in enumerate((STEWARD, *CAST), start=1):
        company.people[part.name] = invited(play.stage, company[OPERATOR.name], part)
        play.tell("people", number, total)
    found_hospital(play.stage, company)
    train(company, CAST)
    play.tell("people", total - 1, total)
    for part in CAST:
        if not part.in_project:
            give(company, role_of(company[part.name]))
    play.tell("people", total, total)


def make_dataset(play: Play) -> None:
    """The dataset, with all that the law wants said, and its intake key."""
    later = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    steward = play.company[STEWARD.name]
    described = {
        "title": "Imaging and reports",
        "owner": "Spring City Hospital",
        "contract": "EP-2026-017",
        "contract_expires_at": later,
        "ethics_approval": "IRB-2026-101",
        "ethics_expires_at": later,
        "legal_basis": "contract",
        "purpose": PURPOSE,
        "retain_until": later,
        "category": "general",
        "grade": 3,
        "recipe": "basic",
    }
    made = steward.door.create(f"{play.hospital}/datasets", described)
    play.dataset = str(made["dataset"])
    play.awaits("people", lambda: (int(_state(play) == "RECEIVING"), 1))


def hand_over(play: Play, material: Material) -> None:
    """The hospital seals its files here and deposits what was sealed."""
    person = play.company["depositor"]
    key = deposit.trusted_intake_key(
        person.door, play.company.ledger, play.dataset, play.company.worker, person.own
    )
    source = deposit.Source.of(material.folder, material.register)
    spool = play.party("hospital") / "spool"
    watch = deposit.Watch(play.tell)
    done = deposit.deposit_files(person.door, source, key, person.own, spool, watch)
    for answer in done.sent:
        keep_receipt(play.party("hospital") / "receipts", str(answer["deposit"]), answer)


def clean(play: Play) -> None:
    """The worker opens, checks and cleans every item."""
    door = play.company["depositor"].door

    def looked_at() -> tuple[int, int]:
        play.items = list(door.items(f"{play.set_path}/items"))
        return sum(item["state"] != "SEALED" for item in play.items), max(1, len(play.items))

    play.awaits("clean", looked_at)
    play.awaits("clean", lambda: (int(_state(play) != "CLEANING"), 1))


def approve(play: Play) -> None:
    """The officer opens a sample here, before and after, and signs for the batch.

    Raises:
        ClientError: `nothing-cleaned`: nothing is fit to be approved.
    """
    if not any(item["state"] == "CLEANED" for item in play.items):
        raise ClientError("nothing-cleaned", "every item was held or quarantined")
    person = play.company["officer"]
    sitting = officer.open_sitting(person.door, person.own, play.company.ledger, play.dataset)
    play.tell("approve", 1, 3)
    batch = officer.fetch_batch(person.door, sitting, play.company.worker, time.sleep)
    officer.write_samples(batch, play.party("hospital") / "officer" / "samples")
    play.tell("approve", 2, 3)
    answer = officer.sign(person.door, person.own, sitting, batch, "approve")
    keep_receipt(play.party("hospital") / "receipts", "approval", answer)
    play.tell("approve", 3, 3)


def open_project(play: Play) -> None:
    """The firm's project; the worker issues each approved item to it under a new id."""
    lead = play.company["lead"]
    play.project = new_id()
    for part in CAST:
        if part.in_project:
            give(play.company, role_of(play.company[part.name], f"project:{play.project}"))
    title, firm = "Findings in images and reports", lead.part.organisation
    _seat(play, lead).create(play.dataset, title, firm, DOCUMENTS)
    permit(play, play.project)
    approved = sum(item["state"] == "CLEANED" for item in play.items)
    play.awaits("issue", lambda: (sum(_tasks(play).values()), approved))
    play.issued = approved


def permit(play: Play, project: str) -> None:
    """The steward's permit for a project, for a while."""
    steward, now = play.company[STEWARD.name], datetime.now(UTC)
    window = permits.Window(now - timedelta(minutes=1), now + timedelta(days=90))
    permits.issue_permit(
        steward.door, steward.own, play.company.ledger, play.dataset, project, window
    )


def label(play: Play) -> None:
    """Two labellers look at every item under a lease and say what they see."""
    stopped = Event()

    def work(person: Person) -> None:
        seat = _seat(play, person)
        while not stopped.is_set() and (given := seat.next_task()) is not None:
            said = opinion(seat, str(given["lease"]), play.seen)
            saved = seat.submit_value(str(given["task"]), int(given["version"]), said)
            keep_receipt(play.party("firm") / "receipts", f"label-{given['task']}", saved)
            play.tell("label", _labelled(play), play.issued)

    with ThreadPoolExecutor(len(_LABELLERS)) as pool:
        try:
            list(pool.map(work, [play.company[name] for name in _LABELLERS]))
        finally:  # an interrupt, or one labeller's failure, ends the work of both
            stopped.set()
    play.tell("label", play.issued, play.issued)


def review(play: Play) -> None:
    """Another person looks again and accepts."""
    seat, done = _seat(play, play.company["reviewer"]), 0
    while (given := seat.next_review()) is not None:
        opinion(seat, str(given["lease"]), play.seen)
        saved = seat.judge(str(given["task"]), ACCEPT)
        keep_receipt(play.party("firm") / "receipts", f"review-{given['task']}", saved)
        done += 1
        play.tell("review", done, play.issued)


def let_out(play: Play) -> None:
    """Request, screening, two votes of which one is the hospital's, sealing, opening."""
    company, steps = play.company, 6
    asked = _seat(play, company["lead"]).request_release(
        _pseudonym(play, company["recipient"]),
        "Labels for a triage study of the university.",
        "Classes and places only; no words of a report, no images, no dates.",
    )
    play.release = str(asked["release"])
    play.tell("release", 1, steps)
    _reach(play, "INDEPENDENT_REVIEW")
    for number, name in enumerate(("checker", STEWARD.name), start=2):
        person = company[name]
        package = inspect(person.door, company.ledger, play.release)
        cast = vote(person.door, person.own, package, "approve")
        keep_receipt(play.party(person.part.party) / "receipts", f"vote-{name}", cast)
        play.tell("release", number, steps)
    _reach(play, "RELEASED")
    play.tell("release", 4, steps)
    recipient = company["recipient"]
    pinned = [str(play.party("regulator") / "vkeys")]
    delivery = fetch(recipient.door, recipient.own, company.ledger, play.release, pinned)
    play.files_left = write(delivery, play.party("recipient") / "package")
    play.tell("release", 5, steps)
    target = play.party("regulator") / "evidence.zip"
    export(company["regulator"].door, company.ledger, Scope("dataset", play.dataset), target)
    play.tell("release", steps, steps)


def pin_trust(play: Play, policy: str) -> None:
    """The regulator's pinned keys and decision table, received before anything was done.

    They come from the notary's side on the day that the ledger opens; from then on a log is
    believed by these keys alone. `policy` is the digest of the table that ships.
    """
    target = play.party("regulator") / "vkeys"
    target.parent.mkdir(parents=True, exist_ok=True)
    ledgers = (play.company.ledger, "platform")
    target.write_bytes(b"".join(play.stage.appears(f"log/{name}/keys") for name in ledgers))
    (target.parent / "policy").write_text(f"{policy}\n", "ascii")


def _state(play: Play) -> str:
    return str(play.company[STEWARD.name].door.get(play.set_path)["state"])


def _tasks(play: Play) -> Mapping[str, int]:
    project = play.company["lead"].door.get(f"{play.hospital}/projects/{play.project}")
    tasks: Mapping[str, int] = project["tasks"]
    return tasks


def _labelled(play: Play) -> int:
    return play.issued - _tasks(play).get("OPEN", 0) - _tasks(play).get("LEASED", 0)


def _seat(play: Play, person: Person) -> Project:
    return Project(person.door, play.company.ledger, play.project)


def _pseudonym(play: Play, person: Person) -> str:
    steward = play.company[STEWARD.name]
    for membership in steward.door.items(f"{play.hospital}/members"):
        if membership.get("account") == person.account:
            return str(membership["member"])
    raise ClientError("member-unknown", "the recipient is no member")


def _reach(play: Play, wanted: str) -> None:
    """Wait until the release is in a state; a state from which it can't get there ends it."""
    door = play.company["lead"].door
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        state = str(door.get(f"{play.hospital}/releases/{play.release}")["state"])
        if state == wanted:
            return
        if state in {"BLOCKED", "REJECTED", "RETURNED", "FAILED"}:
            raise ClientError("release-stopped", f"the release is {state}")
        play.stage.check()
        time.sleep(0.1)
    raise ClientError("demo-stuck", f"the release did not become {wanted}")
