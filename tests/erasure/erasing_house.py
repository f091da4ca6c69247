"""A house with two patients' reports, one of whom is to be erased; and who steals its backups."""

import shutil
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from enclave_house import LEDGER, EnclaveHouse, new_id
from enclave_parts import Member

from crypto import chunked, padding, sealing
from crypto.errors import VerificationError
from crypto.keytree import KeyTree
from crypto.roots import LocalRoot
from crypto.sealing import reference_info
from policies.vocabulary import Action
from sandbox.acts import Receipt
from sandbox.clean.masters import Kept, Place, take
from sandbox.dataset_keys import DatasetKeys
from sandbox.erasure.commands import LiftHold, OrderErasure, PlaceHold
from sandbox.erasure.orders import order_terms
from sandbox.errors import SandboxError
from sandbox.exchange import issued_context, item_name, record_name
from sandbox.records.deposits import IntakeKey, Item
from sandbox.records.erasures import Erasure
from sandbox.records.labels import Label, ProjectItem, Task
from sandbox.records.sealed_labels import LabelSecret, open_label, salted, seal_label
from sandbox.serving import Serving
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.keystore import SqliteKeyStore

ANNA, BEN = "MRN-4711", "MRN-0815"
REGISTER = (
    {"id": "row-a", "name": "Anna Quellwasser", "id_number": None, "mrn": ANNA, "phone": None},
    {"id": "row-b", "name": "Ben Steinbrecher", "id_number": None, "mrn": BEN, "phone": None},
)
FILES = {
    "a.txt": b"Patient: Anna Quellwasser\nFindings: a clear film of the chest.\n",
    "b.txt": b"Patient: Ben Steinbrecher\nFindings: a small effusion on the left.\n",
}
SUBJECTS = {"a.txt": ANNA, "b.txt": BEN}


@dataclass(frozen=True)
class World:
    """A dataset whose items were cleaned, approved, issued and labelled."""

    dataset: str
    project: str
    by_mrn: dict[str, Item]


class ErasingHouse(EnclaveHouse):
    """A house in which stewards order erasures."""

    def labelled(self) -> World:
        """Two patients' reports, issued to a project, with a label on each."""
        dataset = self.receiving()
        self.send(self.about(dataset, FILES, SUBJECTS))
        self.run_worker()
        self.sign_approval(self.sampled(dataset))
        project = self.project(dataset)
        self.run_worker()
        for row in self.issued(project):
            self.label(row)
        return World(dataset, project, self.by_mrn(dataset))

    def about(self, dataset: str, files, subjects):
        """A sealed deposit that says whom its files are about."""
        return self.seal(dataset, files, REGISTER, subjects=subjects)

    def by_mrn(self, dataset: str) -> dict[str, Item]:
        keys = self.vault.keys(LEDGER, dataset)
        names = {keys.subject_known(f"named:{mrn}"): mrn for mrn in (ANNA, BEN)}
        return {names[i.subject]: i for i in self.items(dataset) if i.subject in names}

    def label(self, row: ProjectItem) -> Label:
        """A label as the desk seals it, put beside the gate."""
        secret = LabelSecret(salted(b"{}"), salted(b"a remark"), salted(b"{}"))
        (task,) = self.rows(Task, item=row.id)
        label = new_id()
        made = Label(
            id=label,
            task=task.id,
            project=row.project,
            item=row.id,
            version=1,
            author=new_id(),
            sealed=seal_label(self.serving.key(record_name(row.id)), row.project, label, secret),
            commitment=secret.label.commitment.hex(),
            shown_commitment=secret.shown.commitment.hex(),
            made_by="person",
            index=row.issued_index + 1,
            saved_at=self.clock(),
        )
        with self.ledgers.open(LEDGER).unit() as unit:
            unit.tables.of(Label).insert(made)
            unit.commit()
        return made

    def rows(self, row_type: type, **equal: object) -> list:
        with self.snapshot() as tables:
            return list(tables.of(row_type).find(**equal))

    # --- orders ----------------------------------------------------------------------------------
    def sealed_reference(self, dataset: str, erasure: str, text: str) -> bytes:
        (key,) = self.rows(IntakeKey, dataset=dataset)
        info = reference_info(LEDGER, dataset, erasure)
        return sealing.seal(key.public_key, info, text.encode())

    def order(
        self,
        dataset: str,
        mrn: str | None = None,
        subject: str = "",
        by: Member | None = None,
        **changes: object,
    ) -> OrderErasure:
        """An order of the steward's: of the dataset unless a person is named."""
        erasure, who = new_id(), by or self.steward
        sealed = self.sealed_reference(dataset, erasure, mrn) if mrn else b""
        scope = "subject" if mrn or subject else "dataset"
        objects = {"dataset": dataset, "erasure": erasure}
        terms = order_terms(scope, subject, sealed, "gdpr-17")
        made = OrderErasure(
            ledger=LEDGER,
            scope=scope,
            subject=subject,
            sealed=sealed,
            ground="gdpr-17",
            signed=who.sign(Action.ERASURE_ORDER, objects, terms),
            **objects,
        )
        return replace(made, **changes)

    def ordered(self, dataset: str, mrn: str | None = None, subject: str = "") -> str:
        command = self.order(dataset, mrn, subject)
        self.perform(self.steward, command)
        return command.erasure

    def erased(self, dataset: str, mrn: str | None = None, subject: str = "") -> str:
        """An erasure whose keys are destroyed and whose rotation is not due yet."""
        erasure = self.ordered(dataset, mrn, subject)
        self.run_worker()
        return erasure

    def rotated(self) -> None:
        """Let half a day go by, and the worker rotate."""
        self.clock.now += timedelta(hours=13)
        self.run_worker()

    def erasure(self, erasure: str) -> Erasure:
        return self.row(Erasure, erasure)

    def hold(self, dataset: str, reason: str = "court-order") -> str:
        hold = new_id()
        objects = {"dataset": dataset, "hold": hold}
        signed = self.steward.sign(Action.HOLD_PLACE, objects, {"reason": reason})
        self.perform(self.steward, PlaceHold(ledger=LEDGER, signed=signed, **objects))
        return hold

    def lift(self, dataset: str, hold: str) -> Receipt:
        objects = {"dataset": dataset, "hold": hold}
        signed = self.steward.sign(Action.HOLD_LIFT, objects, {"reason": "case-closed"})
        return self.perform(self.steward, LiftHold(ledger=LEDGER, signed=signed, **objects))

    # --- what can be opened ----------------------------------------------------------------------
    def openable(self, world: World, mrn: str) -> set[str]:
        """What the house itself opens of one patient."""
        return readable(
            self.vault.keys(LEDGER, world.dataset), self.serving, self.rows_of(world), mrn
        )

    def rows_of(self, world: World) -> "Rows":
        issued = self.issued(world.project)
        labels = self.rows(Label, project=world.project)
        return Rows(world, issued, labels, self.blobs)

    def backup(self, folder: Path) -> "Backup":
        """A whole copy, of everything but the two providers' files."""
        names = ("root.key", "root.epochs")
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(*names))
        return Backup(folder)


@dataclass(frozen=True)
class Rows:
    """Rows of the world, as they were at some time, and blobs."""

    world: World
    issued: list[ProjectItem]
    labels: list[Label]
    blobs: FileBlobs


@dataclass(frozen=True)
class Backup:
    """A copy of a house's stores, under whatever providers somebody has."""

    folder: Path
    opened: list[SqliteKeyStore] = field(default_factory=list)

    def readable(self, rows: Rows, providers: Path, mrn: str) -> set[str]:
        """What can be opened of one patient with this copy and the providers in `providers`."""
        vault = self._store("vault"), LocalRoot.open(providers / "vault" / "root.key")
        tree = KeyTree(vault[1], vault[0])
        serving = Serving(
            LocalRoot.open(providers / "serve" / "root.key"),
            self._store("serve"),
            self._store("exchange"),
        )
        keys = DatasetKeys(tree, LEDGER, rows.world.dataset)
        found = readable(keys, serving, replace(rows, blobs=FileBlobs(self.folder / "blobs")), mrn)
        for store in self.opened:
            store.close()
        self.opened.clear()
        return found

    def _store(self, name: str) -> SqliteKeyStore:
        store = SqliteKeyStore(self.folder / name / "keys.sqlite")
        self.opened.append(store)
        return store


def readable(keys: DatasetKeys, serving: Serving, rows: Rows, mrn: str) -> set[str]:
    """Names of all that opens of one patient: source, master, record, item, label, keys."""
    item = rows.world.by_mrn[mrn]
    tries = {
        "source": lambda: keys.key(f"source:{item.id}"),
        "master": lambda: take("master", _place(item), _master(item), keys, rows.blobs),
        "record": lambda: take("record", _place(item), _record(item), keys, rows.blobs),
        "inner": lambda: keys.key(f"inner:{item.deposit}"),
    }
    for issued in rows.issued:
        if issued.source_item == item.id:
            tries["item"] = lambda row=issued: _item(serving, row, rows.blobs)
            tries["item-in-vault"] = lambda row=issued: keys.key(f"issued:{row.id}")
            tries["record-in-vault"] = lambda row=issued: keys.key(f"record-key:{row.id}")
            for label in rows.labels:
                if label.item == issued.id:
                    tries["label"] = lambda row=label: _label(serving, row)
    found = set()
    for name, attempt in tries.items():
        try:
            attempt()
        except (SandboxError, VerificationError):
            continue
        found.add(name)
    return found


def _place(item: Item) -> Place:
    return Place(item.dataset, item.id, item.version)


def _master(item: Item) -> Kept:
    return Kept(item.blob or "", bytes.fromhex(item.master_commitment or ""))


def _record(item: Item) -> Kept:
    return Kept(item.record_blob or "", bytes.fromhex(item.record_commitment or ""))


def _item(serving: Serving, row: ProjectItem, blobs: FileBlobs) -> bytes:
    key = serving.key(item_name(row.id))
    context = issued_context(row.project, row.id)
    return padding.unpad(chunked.open_all(key, context, blobs.read(row.blob)))


def _label(serving: Serving, label: Label) -> LabelSecret:
    return open_label(serving.key(record_name(label.item)), label.project, label.id, label.sealed)


EVERYTHING = {
    "source", "master", "record", "inner", "item", "item-in-vault", "record-in-vault", "label",
}  # fmt: skip
