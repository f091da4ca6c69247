"""A whole story in a small log: enrolment, a deposit, labels, a release, and what comes of it.

Each step is a method, so that a test can leave one out, do it twice, or have it told wrongly.
"""

import hashlib
from collections.abc import Mapping, Sequence

from small_files import FILES, digest_of, package_digest, zipped
from small_log import (
    DATASET,
    ON_DATASET,
    PROJECT,
    TABLE,
    Change,
    Entry,
    Files,
    Person,
    SmallLog,
    b64,
    named,
)

from crypto import canonical, dsse
from policies.training import training_in_force

OWN = f"project:{PROJECT}"
RELEASE = named("release")
RECIPIENT = named("recipient")
SUMMARY = {"summary.html": b"<p>told</p>", "summary.pdf": b"%PDF-told"}
GRANTS = (
    ("worker", "worker", "hospital", "platform"),
    ("officer", "deid-officer", "hospital", "hospital"),
    ("lead", "project-lead", OWN, "firm:one"),
    ("labeller", "labeller", OWN, "firm:one"),
    ("reviewer", "reviewer", OWN, "firm:one"),
    ("checker", "output-checker", "hospital", "platform"),
    ("privacy", "privacy-officer", "hospital", "hospital"),
    ("recipient", "recipient", "hospital", "recipient:lab"),
    ("regulator", "regulator", "hospital", "regulator"),
)


TRAINED = {str(role) for role in training_in_force()}


class SmallHospital(SmallLog):
    """A log and its people, from the first entry to the evidence pack."""

    def __init__(self, grade: int = 3, category: str = "general", **log: str) -> None:
        super().__init__(**log)
        self.facts = ON_DATASET | {"grade": grade, "category": category}
        self.passports: Files = {}
        self.statements: Files = {}
        self.voted: list[Person] = []
        self.trained: set[str] = set()
        self.release_id = RELEASE
        self.exported: int | None = None
        self.about: dict[str, str] = {}
        self.contract_ends = "2097-01-01T00:00:00.000000Z"

    # --- people --------------------------------------------------------------------------------
    def found(self, change: Change | None = None) -> Entry:
        steward = self.person("steward")
        terms = {
            "organisation": "hospital",
            "role": "steward",
            "signing_key": b64(steward.key.public_bytes),
            "sealing_key": "",
        }
        entry = self.add(
            "steward",
            "ledger.open",
            {"member": steward.member},
            facts={"founding": True},
            outcome={"objects": {"member": steward.member}},
            terms=terms,
            change=change,
        )
        steward.grants.append(("steward", "hospital", "hospital", 0))
        return entry

    def grant(  # noqa: PLR0917 - a grant has that many words
        self,
        name: str,
        role: str,
        domain: str = "hospital",
        organisation: str = "hospital",
        expires_at: str = "",
        by: str = "steward",
        change: Change | None = None,
    ) -> Entry:
        who = self.person(name)
        if role in TRAINED and name not in self.trained:
            self.train(name)
        terms = {
            "role": role,
            "domain": domain,
            "organisation": organisation,
            "signing_key": b64(who.key.public_bytes),
            "sealing_key": "",
            "expires_at": expires_at,
        }
        membership = named(f"membership {len(self.raw)}")
        entry = self.add(
            by,
            "member.grant",
            {"member": who.member, "membership": membership},
            facts={
                "role": role,
                "domain": domain,
                "self": False,
                "conflicting": False,
                "trained": True,
            },
            outcome={"objects": {"membership": membership}},
            terms=terms,
            change=change,
        )
        who.grants.append((role, domain, organisation, entry["index"]))
        return entry

    def train(self, *names: str, by: str = "steward", change: Change | None = None) -> Entry:
        """That people passed the course, from this moment on."""
        self.trained |= set(names)
        terms = {
            "course": "data-handling",
            "members": ",".join(self.person(name).member for name in names),
            "passed_at": f"{self.now:%Y-%m-%dT%H:%M:%S.%f}Z",
            "expires_at": "2096-01-01T00:00:00.000000Z",
        }
        objects = {"training": named(f"training {len(self.raw)}")}
        facts = {"self": False, "own_firm": True}
        return self.add(by, "training.record", objects, facts=facts, terms=terms, change=change)

    def permit(self, change: Change | None = None) -> Entry:
        """The steward's permit for the project, from this moment on."""
        terms = {
            "valid_from": f"{self.now:%Y-%m-%dT%H:%M:%S.%f}Z",
            "valid_until": "2096-01-01T00:00:00.000000Z",
        }
        objects = {"dataset": DATASET, "project": PROJECT}
        return self._on("steward", "permit.issue", objects, terms=terms, change=change)

    def revoke(self, membership: str, change: Change | None = None) -> Entry:
        objects = {"membership": membership}
        terms, facts = {"reason": "left"}, {"self": False}
        return self.add(
            "steward", "member.revoke", objects, facts=facts, terms=terms, change=change
        )

    def enrol(self) -> None:
        self.found()
        self.train(*(name for name, role, *_ in GRANTS if role in TRAINED))
        for grant in GRANTS:
            self.grant(*grant)

    # --- data ----------------------------------------------------------------------------------
    def collect(self) -> None:
        grade, category = self.facts["grade"], self.facts["category"]
        self.add(
            "steward",
            "dataset.create",
            {"dataset": DATASET},
            facts={"complete": True, "grade": grade, "category": category},
            outcome={
                "counts": {"grade": grade},
                "codes": {
                    "category": category,
                    "purpose": "research",
                    "contract_expires_at": self.contract_ends,
                    "ethics_expires_at": "2096-01-01T00:00:00.000000Z",
                },
                "states": {"dataset": "DRAFT"},
            },
        )
        self._on("worker", "dataset.open-intake", {"dataset": DATASET}, stage="DRAFT")
        objects = {"dataset": DATASET, "deposit": named("deposit")}
        terms = {"manifest": digest_of(b"manifest")}
        self._on("steward", "deposit.open", objects, stage="RECEIVING", own=True, terms=terms)
        self._on("steward", "deposit.complete", objects, stage="RECEIVING", own=True)

    def clean(self, items: int = 3, verdict: str = "approve") -> None:
        for number in range(items):
            objects = {"dataset": DATASET, "item": named(f"item {number}")}
            outcome = {"commitments": {"master": named(f"m{number}") * 2}, "counts": {"kept": 7}}
            self._on("worker", "item.clean", objects, outcome=outcome, stage="SEALED")
        objects = {"dataset": DATASET, "approval": named("approval")}
        opening = {"session_key": b64(bytes(32))}
        signing = {"batch": digest_of(b"batch"), "verdict": verdict}
        self._on("officer", "approval.open", objects, terms=opening, stage="NONE", own=True)
        self._on("worker", "approval.sample", objects, stage="OPEN", own=True)
        self._on("officer", "approval.sign", objects, terms=signing, stage="SAMPLED", own=True)

    def label(self, by: str = "labeller") -> None:
        objects = {"dataset": DATASET, "project": PROJECT}
        facts = {"guideline_complete": True}
        self._on("lead", "project.create", objects, domain=OWN, **facts)
        self.permit()
        parts = {"root": named("parts") * 2, "count": 3}
        self._on(
            "worker", "item.issue", objects, outcome={"parts": parts}, stage="APPROVED",
            approved=True,
        )  # fmt: skip
        task = {"project": PROJECT, "task": named("task")}
        self._on(
            by,
            "task.open",
            task,
            domain=OWN,
            stage="OPEN",
            assigned_other=False,
            labelled_already=False,
        )
        self.submit(by)
        review = task | {"review": named("review")}
        held = {"own_label": False, "own_lease": True, "lease_live": True}
        self._on(
            "reviewer",
            "review.open",
            task,
            domain=OWN,
            stage="SUBMITTED",
            own_label=False,
            all_in=True,
        )
        self._on("reviewer", "review.submit", review, domain=OWN, stage="IN_REVIEW", **held)

    def submit(self, by: str, change: Change | None = None) -> Entry:
        objects = {"project": PROJECT, "task": named("task"), "label": named(f"label {by}")}
        held = {"own_lease": True, "lease_live": True}
        outcome = {
            "commitments": {"label": named("label") * 2},
            "counts": {"version": 1},
            "objects": {"item": named("item 0")},
        }
        return self._on(
            by, "label.submit", objects, domain=OWN, outcome=outcome, change=change,
            stage="LEASED", **held,
        )  # fmt: skip

    def refuse(self) -> None:
        """Acts that were not done: by rule, by a room, and one without facts."""
        task = {"project": PROJECT, "task": named("task")}
        facts = {"stage": "OPEN", "assigned_other": False, "labelled_already": False}
        self._on("recipient", "task.open", task, domain=OWN, refusal="forbidden", **facts)
        self._on("labeller", "task.open", task, domain=OWN, refusal="task-taken", **facts)
        self.add("nobody", "log.read", {}, refusal="forbidden")
        self.add("labeller", "task.open", task, domain=OWN, refusal="not-found", change=_unruled)

    def fill(self, count: int) -> None:
        """Readings of the log, until it has `count` entries."""
        while len(self.raw) < count:
            self.add("regulator", "log.read", {})

    # --- releases --------------------------------------------------------------------------------
    def request(self, by: str = "lead", change: Change | None = None, **facts: object) -> Entry:
        return self.add(
            by,
            "release.request",
            self._release(recipient=RECIPIENT),
            facts=self.facts | {"controls_given": True, "stage": "NONE"} | facts,
            outcome={"digests": {"request": digest_of(b"request")}, "counts": {"labels": 1}},
            domain=OWN,
            change=change,
        )

    def statement(self, **predicate: object) -> bytes:
        return canonical.encode(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [
                    {"name": n, "digest": {"sha256": hashlib.sha256(FILES[n]).hexdigest()}}
                    for n in sorted(FILES)
                ],
                "predicateType": "urn:anbiao:release-passport:v1",
                "predicate": {
                    "release": self.release_id,
                    "project": PROJECT,
                    "dataset": DATASET,
                    "ledger": self.ledger,
                    "recipient": RECIPIENT,
                    "grade": self.facts["grade"],
                    "category": self.facts["category"],
                    "package": package_digest(FILES),
                    "guideline": digest_of(FILES["guideline.json"]),
                    "schema": digest_of(FILES["schema.json"]),
                    "labels": 1,
                    "controls": ["class-names-only"],
                    "witness": "unwitnessed",
                }
                | predicate,
            }
        )

    def screen(self, change: Change | None = None, **predicate: object) -> Entry:
        self.statements[self.release_id] = self.statement(**predicate)
        self.voted = []
        digests = {
            "package": package_digest(FILES),
            "statement": digest_of(self.statements[self.release_id]),
            "ciphertext": digest_of(b"ciphertext"),
        }
        return self._on(
            "worker", "release.screen", self._release(), domain=OWN, change=change,
            outcome={"digests": digests, "counts": {"labels": 1}}, stage="SCREENING",
        )  # fmt: skip

    def vote(
        self,
        by: str,
        verdict: str = "approve",
        change: Change | None = None,
        **terms: str,
    ) -> Entry:
        said = {
            "package": package_digest(FILES),
            "statement": digest_of(self.statements[self.release_id]),
            "verdict": verdict,
        }
        facts = {"requester": False, "labeller_of": False, "voted": False}
        entry = self._on(
            by, "release.vote", self._release(), terms=said | terms, domain=OWN, change=change,
            outcome={"codes": {"verdict": verdict}}, stage="INDEPENDENT_REVIEW", **facts,
        )  # fmt: skip
        self.voted.append(self.person(by))
        return entry

    def seal(self, change: Change | None = None, by: str = "worker") -> Entry:
        """The passport first, as its digest stands in the entry."""
        self.passports[self.release_id] = self.passport()
        digests = {
            "package": package_digest(FILES),
            "sealed": digest_of(b"sealed"),
            "passport": digest_of(self.passports[self.release_id]),
        }
        facts = {"quorum": True, "requester_voted": False, "hospital_voted": True}
        return self._on(
            by, "release.seal", self._release(), domain=OWN, change=change,
            outcome={"digests": digests, "objects": {"recipient": RECIPIENT}},
            stage="SEALING", **facts,
        )  # fmt: skip

    def passport(
        self,
        leave_out: Sequence[int] = (),
        signers: Sequence[Person] | None = None,
        statement: bytes | None = None,
    ) -> bytes:
        said = self.statements[self.release_id] if statement is None else statement
        signers = [*self.voted, self.person("worker")] if signers is None else signers
        envelope = dsse.sign_envelope(dsse.IN_TOTO, said, [who.key for who in signers])
        evidence = [self.attested(i) for i in self._rests_on() if i not in leave_out]
        return canonical.encode({"envelope": envelope, "evidence": evidence})

    def _rests_on(self) -> list[int]:
        mine = (e for e in self.entries if e["objects"].get("release") == self.release_id)
        wanted = {e["index"] for e in mine}
        rested = {"approval.sign", "witness.require"}
        wanted |= {e["index"] for e in self.entries if e["action"] in rested}
        wanted |= {grant[3] for grant in self.person("recipient").grants}
        found: set[int] = {0}
        while wanted:
            index = wanted.pop()
            found.add(index)
            wanted |= set(self.entries[index]["granted_by"]) - found
        return sorted(found)

    def release(self, voters: Sequence[str] = ("steward", "checker")) -> None:
        self.request()
        self.screen()
        for voter in voters:
            self.vote(voter)
        self.seal()

    def _release(self, **more: str) -> dict[str, str]:
        return {"project": PROJECT, "release": self.release_id, **more}

    def _on(self, name: str, action: str, objects: Mapping[str, str], **told: object) -> Entry:
        """An act on the dataset: what is not a word of `add` is a fact."""
        words = {"outcome", "terms", "domain", "refusal", "change"}
        kept = {word: value for word, value in told.items() if word in words}
        facts = {word: value for word, value in told.items() if word not in words}
        return self.add(name, action, objects, facts=self.facts | facts, **kept)  # type: ignore[arg-type]

    # --- what leaves -------------------------------------------------------------------------------
    def package(self) -> Files:
        return {**FILES, "passport.json": self.passports[self.release_id]}

    def evidence(self, change: "Change | None" = None, /, **manifest: object) -> Files:
        """Members of an evidence pack; `change` is made before the manifest is written."""
        files = {f"log/{name}": data for name, data in self.files().items()}
        for entry in self.entries:
            index = entry["index"]
            rests = entry["action"] in {"approval.sign", "release.seal"} and not entry["refusal"]
            if rests or index == self.exported:
                files[f"proofs/{index}.tlog-proof"] = self.proof(index).encode()
        files[f"policy/{TABLE.digest.removeprefix('sha256:')}.json"] = TABLE.encoded
        for release, passport in self.passports.items():
            files[f"packages/{release}/passport.json"] = passport
        if self.exported is not None:
            files |= SUMMARY
        if change is not None:
            change(files)
        return {**files, "manifest.json": self.manifest(files, **manifest)}

    def manifest(self, files: Files, /, **changed: object) -> bytes:
        listed = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in files.items()
        }
        fields = {
            "v": 1,
            "ledger": self.ledger,
            "dataset": DATASET,
            "created_at": "2026-07-02T00:00:00.000000Z",
            "files": listed,
        }
        if self.exported is not None:
            fields.pop("dataset")
            fields |= {"v": 2, "about": self.about, "export": self.exported}
        return canonical.encode(fields | changed)

    def export(self, change: Change | None = None, **about: str) -> Entry:
        """Hand out a pack with a summary; without words, about the dataset."""
        self.about = about or {"kind": "dataset", "dataset": DATASET}
        self.exported = len(self.raw)
        kind = self.about["kind"]
        codes = {"about": kind} | {n: v for n, v in about.items() if n in {"from", "until"}}
        digests = {name.partition(".")[2]: digest_of(data) for name, data in SUMMARY.items()}
        return self.add(
            "regulator",
            "evidence.export",
            {} if kind == "period" else {kind: self.about[kind]},
            outcome={"counts": {"entries": self.exported}, "codes": codes, "digests": digests},
            change=change,
        )

    def pack(self, change: "Change | None" = None) -> bytes:
        return zipped(self.evidence(change))


def _unruled(entry: Entry) -> None:
    entry["ruling"], entry["facts"] = None, {}


def hospital(entries: int = 0, **given: object) -> SmallHospital:
    """The whole story; at least `entries` entries."""
    made = SmallHospital(**given)  # type: ignore[arg-type]
    made.enrol()
    made.collect()
    made.clean()
    made.label()
    made.refuse()
    made.release()
    made.add("regulator", "evidence.export", {"dataset": DATASET})
    made.fill(entries)
    return made


def before_release(**given: object) -> SmallHospital:
    """The story up to the point where a release could be asked for."""
    made = SmallHospital(**given)  # type: ignore[arg-type]
    made.enrol()
    made.collect()
    made.clean()
    made.label()
    return made


def screened(**given: object) -> SmallHospital:
    """The story up to the point where votes are cast."""
    made = before_release(**given)
    made.request()
    made.screen()
    return made
