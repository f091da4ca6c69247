"""A small hospital whose items are issued one by one, looked at under leases, and asked about."""

import hashlib
import hmac

from small_files import digest_of
from small_hospital import OWN, SmallHospital
from small_log import DATASET, PROJECT, Change, Entry, named

from crypto import canonical

SUBJECTS = ("subject 0", "subject 1")


def salt_of(subject: str) -> bytes:
    """The salt under which the log commits to what is about a subject."""
    return hashlib.sha256(f"salt {subject}".encode()).digest()


def bound(whose: str, /, **named_thing: str) -> str:
    """What the log holds of it, written anew from docs/spec/evidence.md, clause 7."""
    payload = canonical.encode({"what": "subject-of", **named_thing})
    return hmac.digest(salt_of(whose), payload, "sha256").hex()


def owner(number: int) -> str:
    """The subject of item `number`: the second one has the odd items."""
    return SUBJECTS[number % 2]


class SeenHospital(SmallHospital):
    """Each step says what the real rooms say of items, leases and subjects."""

    def clean(self, items: int = 4, verdict: str = "approve") -> None:
        for number in range(items):
            self.clean_one(number)
        self.approve(verdict)

    def clean_one(self, number: int) -> Entry:
        subject = named(owner(number))
        objects = {"dataset": DATASET, "deposit": named("deposit"), "item": named(f"item {number}")}
        commitments = {
            "master": named(f"m{number}") * 2,
            "subject": bound(owner(number), subject=subject),
        }
        outcome = {
            "commitments": commitments,
            "objects": {"subject": subject},
            "states": {"item": "CLEANED"},
        }
        return self._on("worker", "item.clean", objects, outcome=outcome, stage="SEALED")

    def approve(self, verdict: str = "approve") -> None:
        objects = {"dataset": DATASET, "approval": named("approval")}
        opening = {"session_key": "AA=="}
        signing = {"batch": digest_of(b"batch"), "verdict": verdict}
        self._on("officer", "approval.open", objects, terms=opening, stage="NONE", own=True)
        self._on("worker", "approval.sample", objects, stage="OPEN", own=True)
        self.view_sample(1)
        self._on("officer", "approval.sign", objects, terms=signing, stage="SAMPLED", own=True)

    def view_sample(self, number: int) -> Entry:
        objects = {
            "dataset": DATASET, "approval": named("approval"), "item": named(f"item {number}"),
        }  # fmt: skip
        return self._on("officer", "approval.view", objects, stage="SAMPLED", own=True)

    def open_project(self) -> None:
        objects = {"dataset": DATASET, "project": PROJECT}
        self._on("lead", "project.create", objects, domain=OWN, guideline_complete=True)
        self.permit()

    def issue(self, number: int, change: Change | None = None) -> Entry:
        item = named(f"issued {number}")
        objects = {
            "dataset": DATASET, "project": PROJECT, "project_item": item,
            "task": named(f"task {number}"),
        }  # fmt: skip
        commitments = {
            "issued": named(f"i{number}") * 2,
            "subject": bound(owner(number), project_item=item),
        }
        return self._on(
            "worker", "item.issue", objects, outcome={"commitments": commitments},
            stage="APPROVED", approved=True, change=change,
        )  # fmt: skip

    def look(self, number: int, by: str = "labeller", change: Change | None = None) -> Entry:
        """Lease a task: who has it may look at its item."""
        outcome = {
            "objects": {
                "item": named(f"issued {number}"),
                "lease": named(f"lease {by} {number}"),
                "task": named(f"task {number}"),
            },
            "commitments": {"item": named(f"i{number}") * 2},
            "counts": {"frames": 3, "seconds": 900, "version": 0},
        }
        facts = {"stage": "OPEN", "assigned_other": False, "labelled_already": False}
        action = "task.open"
        if by == "reviewer":
            action, facts = (
                "review.open",
                {"stage": "SUBMITTED", "own_label": False, "all_in": True},
            )
        return self._on(
            by, action, {"project": PROJECT}, domain=OWN, outcome=outcome, change=change, **facts
        )

    def save(self, number: int, shown: int = 2) -> Entry:
        objects = {
            "project": PROJECT, "task": named(f"task {number}"), "label": named(f"label {number}"),
        }  # fmt: skip
        outcome = {
            "objects": {
                "item": named(f"issued {number}"),
                "lease": named(f"lease labeller {number}"),
            },
            "counts": {"version": 1, "shown": shown, "views": shown + 1, "seconds": 60},
        }
        held = {"own_lease": True, "lease_live": True}
        return self._on(
            "labeller", "label.submit", objects, domain=OWN, outcome=outcome, stage="LEASED", **held
        )

    def close(self, number: int, by: str = "worker", counted: str = "all") -> Entry:
        """A lease ends without work: by the worker, when nobody counted."""
        objects = {"project": PROJECT, "lease": named(f"lease labeller {number}")}
        counts = {"seconds": 900} | ({"shown": 1} if counted == "exact" else {})
        outcome = {"counts": counts, "codes": {"counted": counted}}
        facts = {"expired": by == "worker", "own": by != "worker"}
        return self._on(by, "lease.close", objects, domain=OWN, outcome=outcome, **facts)

    def fetch(self, change: Change | None = None) -> Entry:
        facts = {"stage": "RELEASED", "own": True}
        return self._on(
            "recipient", "release.download", self._release(), domain=OWN, change=change, **facts
        )

    def label(self, by: str = "labeller") -> None:
        """Four items: one labelled and reviewed, one labelled, one left, one never looked at."""
        assert by == "labeller"
        self.open_project()
        for number in range(4):
            self.issue(number)
        self.look(0)
        self.save(0)
        self.look(1)
        self.save(1, shown=3)
        self.look(2)
        self.close(2)
        self.look(0, by="reviewer")


def seen(entries: int = 0, **about: str) -> SeenHospital:
    """The whole story, up to the recipient's download and the regulator's export."""
    made = SeenHospital()
    made.enrol()
    made.collect()
    made.clean()
    made.label()
    made.release()
    made.fetch()
    made.export(**about)
    made.fill(entries)
    return made
