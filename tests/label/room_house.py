"""A hospital's house with the rooms label and release: real gate, notary, policy, trust, vault.

Datasets and issued items are put beside the gate, as collecting and cleaning have their own
tests; everything from the project on goes through it.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from room_parts import (
    GUIDELINE,
    LEDGER,
    SCHEMA,
    Clock,
    Person,
    dataset_fields,
    new_id,
    training_record,
)

from crypto import chunked, padding
from crypto.keytree import MemoryKeyStore
from crypto.roots import LocalRoot
from crypto.sealing import generate
from crypto.signing import PersonKey
from policies.decision import CasbinDecisionPoint
from policies.duties import conflicts
from policies.pack import read_pack
from policies.vocabulary import (
    Action,
    DatasetState,
    ItemState,
    Purpose,
    Role,
    TaskState,
)
from sandbox.acts import HOSPITAL_DOMAIN, Command, Receipt, project_domain
from sandbox.clean.approvals import SAMPLED, Signing
from sandbox.clean.commands import SignApproval
from sandbox.collect.commands import CreateDataset
from sandbox.collect.datasets import Creating
from sandbox.dataset_keys import issued_key_name, record_key_name
from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.residue import find_residue
from sandbox.enclave import Enclave
from sandbox.exchange import issued_context, item_name, record_name
from sandbox.gate import Gate
from sandbox.history import Histories
from sandbox.label import commands as label
from sandbox.label import work as label_work
from sandbox.label.custody import IssuedKeys
from sandbox.label.desk import LabelDesk, LabelDraft, ProjectDraft
from sandbox.label.handlers import handlers as label_handlers
from sandbox.label.viewing import Viewing
from sandbox.people.commands import GrantMembership, IssuePermit, OpenLedger, RevokeMembership
from sandbox.people.handlers import handlers as people_handlers
from sandbox.people.signed_terms import grant_terms, opening_terms, permit_terms
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher
from sandbox.records.deposits import Approval, Dataset
from sandbox.records.labels import Label, Project, ProjectItem, Task
from sandbox.records.permits import Training
from sandbox.release.handlers import handlers as release_handlers
from sandbox.release.work import ReleaseWork
from sandbox.serving import Serving
from sandbox.storage.blobs_memory import MemoryBlobs
from sandbox.storage.memory import MemoryLedgers
from sandbox.vault import Vault

PREFIX = "anbiao.test"
REGISTER = Register((RegisterRow("1", name="张三丰", phone="13800138000"),))
SCAN = partial(find_residue, register=REGISTER)


class RoomHouse:
    """One hospital, one firm, one recipient."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.ledgers = MemoryLedgers()
        self.blobs = MemoryBlobs()
        self.exchange = MemoryKeyStore()
        self.notary = NotaryState(folder / "notary", PREFIX, self.clock)
        self.log = folder / "log"
        pack = read_pack()
        self.gate = Gate(
            ledgers=self.ledgers,
            decision_point=CasbinDecisionPoint(),
            handlers={
                **people_handlers(conflicts),
                CreateDataset: Creating(("basic",)),
                SignApproval: Signing(),
                **label_handlers(),
                **release_handlers(pack),
            },
            notary=self.notary,
            publisher=Publisher(self.log),
            clock=self.clock,
            new_id=new_id,
        )
        self.serving = Serving(LocalRoot(secrets.token_bytes(32)), MemoryKeyStore(), self.exchange)
        self.worker, self.steward = Person(purpose=None, purposes=tuple(Purpose)), Person()
        self.lead, self.labeller, self.reviewer = Person(), Person(), Person()
        self.officer = Person()
        self.checker, self.recipient = Person(), Person(sealing=generate())
        self.vault = Vault(
            LocalRoot(secrets.token_bytes(32)),
            MemoryKeyStore(),
            self.worker.key,
            self.serving.public_bytes,
        )
        self.project = new_id()
        self.ledgers.create(LEDGER)
        self._found(folder)
        self.keys = IssuedKeys(self.serving, self.blobs)
        self.desk = LabelDesk(self.ledgers, self.keys, SCAN)
        self.viewing = Viewing(self.ledgers, self.keys, self.clock)
        self.enclave = Enclave(
            gate=self.gate,
            ledgers=self.ledgers,
            blobs=self.blobs,
            exchange=self.exchange,
            vault=self.vault,
            history=Histories(
                self.ledgers, self.notary, folder / "stewards.pins", folder / "log-pins"
            ),
            actor=self.worker.actor,
            clock=self.clock,
            new_id=new_id,
        )
        self.releases = ReleaseWork.over(self.enclave, SCAN, pack)

    # --- people ----------------------------------------------------------------------------------
    def _found(self, folder: Path) -> None:
        key = self.steward.key.public_bytes
        terms, objects = opening_terms(key, None), {"member": self.steward.member}
        opening = OpenLedger(
            ledger=LEDGER,
            account=self.steward.account,
            member=self.steward.member,
            signing_key=key,
            sealing_key=None,
            signed=self.steward.sign(Action.LEDGER_OPEN, objects, terms),
        )
        self.perform(self.steward, opening)
        (folder / "stewards.pins").write_text(f"{base64.b64encode(key).decode()} steward\n")
        own = project_domain(self.project)
        self.grant(self.worker, Role.WORKER, organisation="platform")
        self.grant(self.lead, Role.PROJECT_LEAD, own, "firm:one")
        self.grant(self.labeller, Role.LABELLER, own, "firm:one")
        self.grant(self.reviewer, Role.REVIEWER, own, "firm:one")
        self.grant(self.officer, Role.DEID_OFFICER)
        self.grant(self.checker, Role.OUTPUT_CHECKER, organisation="platform")
        self.grant(self.recipient, Role.RECIPIENT, organisation="recipient:lab")

    def grant(
        self,
        person: Person,
        role: Role,
        domain: str = HOSPITAL_DOMAIN,
        organisation: str = "hospital",
        expires_at: datetime | None = None,
        *,
        trained: bool = True,
    ) -> str:
        if trained:
            self.train(person)
        command = GrantMembership(
            ledger=LEDGER,
            account=person.account,
            member=person.member,
            membership=new_id(),
            role=role,
            granted_domain=domain,
            organisation=organisation,
            signing_key=person.key.public_bytes,
            sealing_key=person.sealing.public_bytes if person.sealing else None,
            expires_at=expires_at,
        )
        signed = self.steward.sign(Action.MEMBER_GRANT, command.objects(), grant_terms(command))
        self.perform(self.steward, replace(command, signed=signed))
        return command.membership

    def train(self, person: Person, **span: float) -> None:
        """The course that roles ask for, passed a moment ago; once for each person."""
        with self.ledgers.open(LEDGER).snapshot() as tables:
            if tables.of(Training).count(account=person.account) and not span:
                return
        now = self.clock()
        self.perform(
            self.steward,
            training_record(self.steward, person, now, now + timedelta(**(span or {"days": 1096}))),
        )

    def permit(self, dataset: str, start: datetime | None = None, **span: float) -> None:
        """The steward's permit for the project, from now on unless `start` says otherwise."""
        start = start or self.clock()
        end = start + timedelta(**(span or {"days": 3650}))
        objects = {"dataset": dataset, "project": self.project}
        signed = self.steward.sign(Action.PERMIT_ISSUE, objects, permit_terms(start, end))
        self.perform(
            self.steward,
            IssuePermit(ledger=LEDGER, valid_from=start, valid_until=end, signed=signed, **objects),
        )

    def another(
        self,
        role: Role,
        domain: str = HOSPITAL_DOMAIN,
        organisation: str = "hospital",
        key: PersonKey | None = None,
    ) -> Person:
        """A further person with one role; `key` gives them somebody's signing key."""
        person = Person(key=key or PersonKey.generate())
        self.grant(person, role, domain, organisation)
        return person

    def revoke(self, membership: str) -> None:
        objects = {"membership": membership}
        signed = self.steward.sign(Action.MEMBER_REVOKE, objects, {"reason": "left"})
        command = RevokeMembership(ledger=LEDGER, membership=membership, signed=signed)
        self.perform(self.steward, command)

    # --- acts and rows -----------------------------------------------------------------------------
    def perform(self, person: Person, command: Command) -> Receipt:
        return self.gate.perform(person.actor, command)

    def row(self, row_type: type, key: str):
        with self.ledgers.open(LEDGER).snapshot() as tables:
            return tables.of(row_type).require(key)

    def rows(self, row_type: type, **equal: object) -> list:
        with self.ledgers.open(LEDGER).snapshot() as tables:
            return list(tables.of(row_type).find(**equal))

    def change_behind_the_gate(self, *rows: object) -> None:
        """What someone with the database can do: no act, no entry."""
        with self.ledgers.open(LEDGER).unit() as unit:
            for row in rows:
                records = unit.tables.of(type(row))
                (records.replace if records.get(row.id) else records.insert)(row)
            unit.commit()

    def entries(self) -> list[bytes]:
        store = self.ledgers.open(LEDGER)
        return store.entries(0, store.size())

    def work(self) -> int:
        """Do what the worker finds to do, once; how many steps."""
        steps = [*label_work.steps(self.enclave, LEDGER), *self.releases.steps(LEDGER)]
        for _, act in steps:
            act()
        return len(steps)

    # --- datasets, projects, items -------------------------------------------------------------------
    def dataset(self, **changes: object) -> str:
        """A dataset that is ready, by an officer's signature."""
        given = dataset_fields() | changes
        self.perform(self.steward, CreateDataset(ledger=LEDGER, **given))
        row = self.row(Dataset, str(given["dataset"]))
        self.change_behind_the_gate(replace(row, state=DatasetState.AWAITING_APPROVAL))
        self.approve(row.id)
        return row.id

    def approve(self, dataset: str) -> Receipt:
        """The officer's signature under a batch that nothing is in."""
        batch, approval = "sha256:" + "0" * 64, new_id()
        row = Approval(
            id=approval,
            dataset=dataset,
            officer=self.officer.account,
            session_key=bytes(32),
            state=SAMPLED,
            batch=(),
            batch_digest=batch,
            samples=(),
            opened_index=0,
            signed_index=None,
        )
        self.change_behind_the_gate(row)
        objects = {"dataset": dataset, "approval": approval}
        terms = {"batch": batch, "verdict": "approve"}
        signed = self.officer.sign(Action.APPROVAL_SIGN, objects, terms)
        command = SignApproval(
            ledger=LEDGER, **objects, batch=batch, verdict="approve", signed=signed
        )
        return self.perform(self.officer, command)

    def draft(self, dataset: str, **changes: object) -> ProjectDraft:
        draft = ProjectDraft(
            project=self.project,
            dataset=dataset,
            title="Effusions",
            firm="firm:one",
            guideline=GUIDELINE,
            schema=SCHEMA,
            lease_s=900,
        )
        return replace(draft, **changes)

    def create_project(self, dataset: str, **changes: object) -> Receipt:
        command = self.desk.create_project(LEDGER, self.draft(dataset, **changes), None)
        return self.perform(self.lead, command)

    def opened(
        self, items: int = 1, project: Mapping[str, object] | None = None, **changes: object
    ) -> str:
        """A dataset with its project and issued items; the dataset's id."""
        dataset = self.dataset(**changes)
        self.permit(dataset)
        self.create_project(dataset, **(project or {}))
        for _ in range(items):
            self.issue(b"A clear film.", "text", 0)
        return dataset

    def issue(self, content: bytes, kind: str, frames: int) -> str:
        """Issue one item as the worker does; the id of its task."""
        item, project = new_id(), self.row(Project, self.project)
        subject, keys = new_id(), self.vault.keys(LEDGER, project.dataset)
        key = keys.made(issued_key_name(item), subject)
        record = keys.made(record_key_name(item), subject)
        for name, own in ((item_name(item), key), (record_name(item), record)):
            self.exchange.put(name, self.vault.seal_for_serve(name, own))
        sealed = chunked.seal(key, issued_context(self.project, item), padding.pad(content))
        row = ProjectItem(
            id=item,
            project=self.project,
            source_item=new_id(),
            subject=subject,
            kind=kind,
            modality="",
            frames=frames,
            blob=self.blobs.put(sealed),
            commitment=secrets.token_hex(32),
            state=ItemState.ISSUED,
            issued_index=0,
        )
        tasks = [
            Task(new_id(), self.project, item, TaskState.OPEN, None, None, None, None, 0, slot)
            for slot in range(1, project.overlap + 1)
        ]
        self.change_behind_the_gate(row, *tasks)
        return tasks[0].id

    # --- labelling -----------------------------------------------------------------------------------
    def on_project(self) -> dict[str, str]:
        return {
            "ledger": LEDGER,
            "domain": project_domain(self.project),
            "project": self.project,
        }

    def open_task(self, who: Person, task: str | None = None, key: str | None = None) -> Receipt:
        command = label.OpenTask(**self.on_project(), lease=new_id(), task=task, request_key=key)
        return self.perform(who, command)

    def submit(
        self,
        who: Person,
        task: str,
        version: int = 0,
        value: Mapping[str, object] | None = None,
        comment: str = "",
        key: str | None = None,
    ) -> Receipt:
        chosen = {"classes": ["effusion"]} if value is None else value
        draft = LabelDraft(self.project, task, version, chosen, comment, label.Looked())
        return self.perform(who, self.desk.submit_label(LEDGER, draft, key))

    def open_review(self, who: Person, task: str | None = None) -> Receipt:
        return self.perform(who, label.OpenReview(**self.on_project(), lease=new_id(), task=task))

    def judge(
        self,
        who: Person,
        task: str,
        verdict: str,
        reason: str = "",
        value: Mapping[str, object] | None = None,
    ) -> Receipt:
        review = label.SubmitReview(
            **self.on_project(), task=task, review=new_id(), verdict=verdict
        )
        return self.perform(who, self.desk.submit_review(LEDGER, review, reason, value))

    def reopen(self, who: Person, task: str, reason: str) -> Receipt:
        reopening = label.ReopenTask(
            **self.on_project(),
            task=task,
            review=new_id(),
            lease=new_id(),
            reason_given=bool(reason.strip()),
        )
        return self.perform(who, self.desk.reopen(LEDGER, reopening, reason))

    def close_lease(self, who: Person, lease: str) -> Receipt:
        closing = label.CloseLease(**self.on_project(), lease=lease)
        return self.perform(who, self.desk.close_lease(closing))

    def label_one(self, who: Person | None = None) -> str:
        """The next task labelled; its id."""
        task = str(self.open_task(who or self.labeller).reply["task"])
        self.submit(who or self.labeller, task, self.row(Task, task).version)
        return task

    def accept_all(self) -> None:
        """Label and accept every open task."""
        for _ in self.rows(Task, state=TaskState.OPEN):
            task = self.label_one()
            self.open_review(self.reviewer, task)
            self.judge(self.reviewer, task, "accept")

    def labels(self, task: str) -> list[Label]:
        return sorted(self.rows(Label, task=task), key=lambda row: row.version)

    def close(self) -> None:
        self.gate.close()
        self.notary.close()
        self.ledgers.close()
