"""A hospital's house without its doors: real ledgers, gate, notary, policy, vault and rooms."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from enclave_parts import (
    LEDGER,
    PREFIX,
    START,
    Clock,
    Member,
    Sealed,
    dataset_fields,
    new_id,
    sealed_bytes,
    text_of,
    training_record,
)

from api.client.manifest import (
    Entry,
    IntakeKey,
    inner_manifest,
    outer_manifest,
)
from api.client.officer import Sitting
from crypto import sealing
from crypto.roots import LocalRoot
from policies.decision import CasbinDecisionPoint
from policies.duties import conflicts
from policies.ruling import Ruling
from policies.vocabulary import Action, Purpose, Role
from sandbox.acts import Command, Receipt
from sandbox.clean.commands import OpenApproval, SignApproval
from sandbox.clean.engine import LocalEngine
from sandbox.clean.handlers import handlers as clean_handlers
from sandbox.clean.parting import Parting
from sandbox.clean.recipes import NAMES, recipe_named
from sandbox.clean.work import CleanWork
from sandbox.collect import work as collect_work
from sandbox.collect.arrival import Delivery, arrived, missing
from sandbox.collect.commands import CompleteDeposit, CreateDataset, OpenDeposit
from sandbox.collect.handlers import handlers as collect_handlers
from sandbox.enclave import Enclave
from sandbox.erasure.handlers import handlers as erasure_handlers
from sandbox.erasure.work import ErasureWork
from sandbox.gate import Gate
from sandbox.history import Histories
from sandbox.label.handlers import handlers as label_handlers
from sandbox.manifests import OuterManifest, parse_outer
from sandbox.people.commands import GrantMembership, IssuePermit, OpenLedger, RevokePermit
from sandbox.people.handlers import handlers as people_handlers
from sandbox.people.signed_terms import grant_terms, opening_terms, permit_terms
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher
from sandbox.records.deposits import Approval, Dataset, Deposit, Item
from sandbox.records.deposits import IntakeKey as IntakeRow
from sandbox.records.labels import Project, ProjectItem
from sandbox.serving import Serving
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.keystore import SqliteKeyStore
from sandbox.storage.sqlite import SqliteLedgers
from sandbox.vault import Vault

ERASED_WITHIN = timedelta(days=1)
IDLE = timedelta(seconds=300)
"""So long nothing was heard of a deposit that others may abandon."""


class AllowsAll:
    """A decision point that says yes to everything in the name of the policy in force."""

    digest = CasbinDecisionPoint().digest

    def rule_on(self, roles, domain, action, facts, epoch) -> Ruling:  # noqa: ARG002
        return Ruling(allowed=True, rule="default-allow", policy=self.digest, facts=facts)


class EnclaveHouse:
    """Everything of one hospital, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        for name in ("exchange", "vault"):
            (folder / name).mkdir(parents=True)
        self.ledgers = SqliteLedgers(folder / "db")
        self.blobs = FileBlobs(folder / "blobs")
        self.exchange = SqliteKeyStore(folder / "exchange" / "keys.sqlite")
        self.serve_store = SqliteKeyStore(folder / "serve" / "keys.sqlite")
        self.vault_store = SqliteKeyStore(folder / "vault" / "keys.sqlite")
        self.notary = NotaryState(folder / "notary", PREFIX, self.clock)
        self.gate = Gate(
            ledgers=self.ledgers,
            decision_point=CasbinDecisionPoint(),
            handlers={
                **people_handlers(conflicts),
                **collect_handlers(new_id, NAMES, IDLE),
                **clean_handlers(),
                **label_handlers(),
                **erasure_handlers(ERASED_WITHIN),
            },
            notary=self.notary,
            publisher=Publisher(folder / "log"),
            clock=self.clock,
            new_id=new_id,
        )
        serve_root = LocalRoot.create(folder / "serve" / "root.key")
        self.serving = Serving(serve_root, self.serve_store, self.exchange)
        self.worker = Member(purpose=None, purposes=tuple(Purpose))
        self.vault = Vault(
            LocalRoot.create(folder / "vault" / "root.key"),
            self.vault_store,
            self.worker.key,
            self.serving.public_bytes,
        )
        self.steward, self.depositor, self.officer = Member(), Member(), Member()
        self.ledgers.create(LEDGER)
        self._found()
        pins = folder / "vault" / "stewards.pins"
        pins.write_text(f"{text_of(self.steward.key.public_bytes)} the steward\n")
        self.histories = Histories(self.ledgers, self.notary, pins, folder / "vault" / "logs")
        self.enclave = Enclave(
            gate=self.gate,
            ledgers=self.ledgers,
            blobs=self.blobs,
            exchange=self.exchange,
            vault=self.vault,
            history=self.histories,
            actor=self.worker.actor,
            clock=self.clock,
            new_id=new_id,
        )
        self.work = CleanWork.over(self.enclave, LocalEngine(recipe_named))
        self.erasing = ErasureWork.over(self.enclave, Parting(self.enclave, self.work.opener))

    # --- acts ----------------------------------------------------------------------------------
    def perform(self, member: Member, command: Command) -> Receipt:
        return self.gate.perform(member.actor, command)

    def snapshot(self):
        return self.ledgers.open(LEDGER).snapshot()

    def items(self, dataset: str) -> list[Item]:
        with self.snapshot() as tables:
            return list(tables.of(Item).find(dataset=dataset))

    def dataset(self, dataset: str) -> Dataset:
        with self.snapshot() as tables:
            return tables.of(Dataset).require(dataset)

    def row(self, row_type: type, key: str):
        with self.snapshot() as tables:
            return tables.of(row_type).require(key)

    def change_behind_the_gate(self, row: object) -> None:
        """What someone with the database file can do: no act, no entry."""
        with self.ledgers.open(LEDGER).unit() as unit:
            unit.tables.of(type(row)).replace(row)
            unit.commit()

    def plant(self, row: object) -> None:
        """Likewise, a row that is not there yet."""
        with self.ledgers.open(LEDGER).unit() as unit:
            unit.tables.of(type(row)).insert(row)
            unit.commit()

    @contextmanager
    def lawless(self, handlers: Mapping[type[Command], object] | None = None) -> Iterator[Gate]:
        """A door that somebody replaced: it allows everything, by the policy's own name."""
        gate = Gate(
            ledgers=self.ledgers,
            decision_point=AllowsAll(),
            handlers={**people_handlers(conflicts), **(handlers or {})},
            notary=self.notary,
            publisher=Publisher(self.folder / "log"),
            clock=self.clock,
            new_id=new_id,
        )
        try:
            yield gate
        finally:
            gate.close()

    def run_worker(self, rounds: int = 20) -> int:
        """Do everything that is to be done; how many steps that took."""
        done = 0
        for _ in range(rounds):
            steps = [
                *self.erasing.steps(LEDGER),
                *collect_work.steps(self.enclave, LEDGER),
                *self.work.steps(LEDGER),
            ]
            if not steps and not self.serving.turn():
                return done
            for _, act in steps:
                act()
                done += 1
        raise AssertionError("the worker finds no end")

    def _found(self) -> None:
        terms = opening_terms(self.steward.key.public_bytes, None)
        objects = {"member": self.steward.member}
        self.perform(
            self.steward,
            OpenLedger(
                ledger=LEDGER,
                account=self.steward.account,
                member=self.steward.member,
                signing_key=self.steward.key.public_bytes,
                sealing_key=None,
                signed=self.steward.sign(Action.LEDGER_OPEN, objects, terms),
            ),
        )
        self.grant(self.depositor, Role.DEPOSITOR)
        self.grant(self.officer, Role.DEID_OFFICER)
        self.grant(self.worker, Role.WORKER, organisation="platform")

    def grant(
        self,
        member: Member,
        role: Role,
        organisation: str = "hospital",
        sealing_key: bytes | None = None,
    ) -> None:
        now = self.clock()
        record = training_record(self.steward, member, now, now + timedelta(days=1096))
        self.perform(self.steward, record)
        command = GrantMembership(
            ledger=LEDGER,
            account=member.account,
            member=member.member,
            membership=new_id(),
            role=role,
            granted_domain="hospital",
            organisation=organisation,
            signing_key=member.key.public_bytes,
            sealing_key=sealing_key,
            expires_at=None,
        )
        signed = self.steward.sign(Action.MEMBER_GRANT, command.objects(), grant_terms(command))
        self.perform(self.steward, replace(command, signed=signed))

    # --- deposits ------------------------------------------------------------------------------
    def create_dataset(self, **changes: object) -> str:
        command = CreateDataset(ledger=LEDGER, **(dataset_fields() | changes))
        return str(self.perform(self.steward, command).reply["dataset"])

    def receiving(self, **changes: object) -> str:
        """A dataset that has its intake key."""
        dataset = self.create_dataset(**changes)
        self.run_worker()
        return dataset

    def intake_key(self, dataset: str) -> IntakeKey:
        with self.snapshot() as tables:
            (row,) = tables.of(IntakeRow).find(dataset=dataset)
        return IntakeKey(LEDGER, dataset, row.id, row.public_key)

    def seal(
        self,
        dataset: str,
        files: Mapping[str, bytes],
        register: Sequence[Mapping[str, object]] = (),
        ids: Mapping[str, str] | None = None,
        subjects: Mapping[str, str] | None = None,
    ) -> "Sealed":
        key, deposit = self.intake_key(dataset), new_id()
        sealed, entries = Sealed(dataset, deposit, b"", {}), []
        sealed.subjects.update(subjects or {})
        for name, data in files.items():
            octets, row = sealed_bytes(data, key, deposit, (ids or {}).get(name) or new_id())
            sealed.objects[row.object_id] = octets
            sealed.names[name] = row.object_id
            entries.append(Entry(row, name, sealed.subjects.get(name)))
        inner = inner_manifest(dataset, deposit, entries, register)
        octets, row = sealed_bytes(inner, key, deposit, deposit)
        sealed.objects[deposit] = octets
        sealed.manifest = outer_manifest(key, deposit, row, [e.sealed for e in entries])
        return sealed

    def open_deposit(self, sealed: "Sealed") -> Receipt:
        digest = f"sha256:{sha256(sealed.manifest).hexdigest()}"
        objects = {"dataset": sealed.dataset, "deposit": sealed.deposit}
        signed = self.depositor.sign(Action.DEPOSIT_OPEN, objects, {"manifest": digest})
        return self.perform(
            self.depositor,
            OpenDeposit(
                ledger=LEDGER,
                dataset=sealed.dataset,
                deposit=sealed.deposit,
                manifest=sealed.manifest,
                signed=signed,
            ),
        )

    def put(self, deposit: str, object_id: str, octets: bytes) -> None:
        with self.delivery(deposit) as delivery:
            delivery.begin(object_id)
            delivery.write(octets)
            delivery.end()
            delivery.keep()

    def delivery(self, deposit: str) -> Delivery:
        return Delivery(LEDGER, self.announced(deposit), self.blobs, self.exchange)

    def announced(self, deposit: str) -> OuterManifest:
        return parse_outer(self.row(Deposit, deposit).manifest)

    def missing(self, deposit: str) -> list[str]:
        return missing(self.announced(deposit), LEDGER, self.blobs, self.exchange)

    def complete(self, sealed: "Sealed") -> Receipt:
        found = arrived(self.announced(sealed.deposit), LEDGER, self.blobs, self.exchange)
        command = CompleteDeposit(
            ledger=LEDGER, dataset=sealed.dataset, deposit=sealed.deposit, arrived=found
        )
        return self.perform(self.depositor, command)

    def deposit(
        self,
        dataset: str,
        files: Mapping[str, bytes],
        register: Sequence[Mapping[str, object]] = (),
    ) -> "Sealed":
        """Everything a depositor does."""
        sealed = self.seal(dataset, files, register)
        self.send(sealed)
        return sealed

    def send(self, sealed: "Sealed") -> None:
        self.open_deposit(sealed)
        for object_id, octets in sealed.objects.items():
            self.put(sealed.deposit, object_id, octets)
        self.complete(sealed)

    # --- approvals -----------------------------------------------------------------------------
    def cleaned(self, files: Mapping[str, bytes], register=()) -> str:
        """A dataset whose items were cleaned."""
        dataset = self.receiving()
        self.deposit(dataset, files, register)
        self.run_worker()
        return dataset

    def open_approval(self, dataset: str, officer: Member | None = None) -> Sitting:
        who = officer or self.officer
        sitting = Sitting(LEDGER, dataset, new_id(), sealing.generate())
        key = sitting.session.public_bytes
        objects = {"dataset": dataset, "approval": sitting.approval}
        signed = who.sign(Action.APPROVAL_OPEN, objects, {"session_key": text_of(key)})
        command = OpenApproval(
            ledger=LEDGER,
            dataset=dataset,
            approval=sitting.approval,
            session_key=key,
            signed=signed,
        )
        self.perform(who, command)
        return sitting

    def sampled(self, dataset: str) -> Sitting:
        sitting = self.open_approval(dataset)
        self.run_worker()
        return sitting

    def sign_approval(
        self, sitting: Sitting, verdict: str = "approve", officer: Member | None = None
    ) -> Receipt:
        who = officer or self.officer
        batch = self.row(Approval, sitting.approval).batch_digest or ""
        objects = {"dataset": sitting.dataset, "approval": sitting.approval}
        signed = who.sign(Action.APPROVAL_SIGN, objects, {"batch": batch, "verdict": verdict})
        command = SignApproval(
            ledger=LEDGER,
            dataset=sitting.dataset,
            approval=sitting.approval,
            verdict=verdict,
            batch=batch,
            signed=signed,
        )
        return self.perform(who, command)

    def approved(self, files: Mapping[str, bytes]) -> str:
        """A dataset whose items an officer approved."""
        dataset = self.cleaned(files)
        self.sign_approval(self.sampled(dataset))
        return dataset

    def project(self, dataset: str, overlap: int = 1, *, permitted: bool = True) -> str:
        """A labelling job on a dataset, by its row: what it asks for is another room's matter."""
        row = Project(
            id=new_id(),
            dataset=dataset,
            title="Nodules",
            firm="firm:one",
            guideline=b"{}",
            guideline_digest="sha256:" + "0" * 64,
            schema=b"{}",
            schema_digest="sha256:" + "0" * 64,
            lease_s=900,
            created_at=START,
            overlap=overlap,
        )
        self.plant(row)
        if permitted:
            self.permit(row.id, dataset)
        return row.id

    def permit(
        self,
        project: str,
        dataset: str,
        days: float = 3650,
        member: Member | None = None,
        gate: Gate | None = None,
    ) -> None:
        """The steward's permit for a project, from now on."""
        who, start = member or self.steward, self.clock()
        end = start + timedelta(days=days)
        objects = {"dataset": dataset, "project": project}
        signed = who.sign(Action.PERMIT_ISSUE, objects, permit_terms(start, end))
        (gate or self.gate).perform(
            who.actor,
            IssuePermit(ledger=LEDGER, valid_from=start, valid_until=end, signed=signed, **objects),
        )

    def end_permit(
        self, project: str, member: Member | None = None, gate: Gate | None = None
    ) -> None:
        """The steward's permit for a project ends."""
        who = member or self.steward
        signed = who.sign(Action.PERMIT_REVOKE, {"project": project}, {"reason": "over"})
        command = RevokePermit(ledger=LEDGER, project=project, signed=signed)
        (gate or self.gate).perform(who.actor, command)

    def issued(self, project: str) -> list[ProjectItem]:
        with self.snapshot() as tables:
            return list(tables.of(ProjectItem).find(project=project))

    def entries(self) -> list[dict]:
        found = self.ledgers.open(LEDGER).entries(0, 10**6)
        return [json.loads(entry) for entry in found]

    def close(self) -> None:
        self.gate.close()
        self.notary.close()
        self.ledgers.close()
        self.exchange.close()
        self.vault_store.close()
        self.serve_store.close()
