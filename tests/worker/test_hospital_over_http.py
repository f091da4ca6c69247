"""The hospital's people at the real door, with the real worker: deposit, approve, issue."""

import base64
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from town import Person, Town

from api.cli.main import run as run_cli
from api.client import deposit as depositing
from api.client import officer as approving
from api.client import session
from api.client.enrolment import Grant, grant
from api.client.errors import ClientError
from crypto import sealing
from crypto.signing import PersonKey, fingerprint
from sandbox import wiring
from sandbox.records.deposits import IntakeKey
from sandbox.vault import read_pin
from sandbox.worker import Worker, run

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()


@dataclass
class Ward:
    """A hospital with its people, its worker, and a dataset that receives."""

    town: Town
    ledger: str
    steward: Person
    depositor: Person
    officer: Person
    worker: Worker
    fingerprint: str
    dataset: str

    def work(self) -> None:
        while self.worker.turn():
            pass

    @property
    def path(self) -> str:
        return f"/hospitals/{self.ledger}/datasets/{self.dataset}"

    def items(self) -> list[dict]:
        return list(self.officer.door.items(f"{self.path}/items"))

    def seal(self, folder: Path, **given: object) -> list[Path]:
        key = depositing.trusted_intake_key(
            self.depositor.door, self.ledger, self.dataset, self.fingerprint, self.depositor.keys
        )
        source = depositing.Source.of(folder, **given)
        return depositing.seal_folder(source, key, self.depositor.keys, folder.parent / "spool")


def end(worker: Worker) -> None:
    worker.enclave.gate.close()
    worker.enclave.gate.notary.close()
    worker.close()


def _worker(town: Town, operator: Person, steward: Person, ledger: str) -> tuple[Worker, str]:
    """Pin everything that the worker must be told, and have the steward grant its role."""
    vault = town.folder / "vault"
    wiring.pin_serving_key(town.settings, read_pin(town.folder / "serve" / "identity.pub"))
    pin = base64.b64encode(steward.keys.signing.public_bytes).decode()
    (vault / "stewards.pins").write_text(f"{pin} stella\n")
    wiring.keep_worker_account(town.settings, "0" * 32)
    end(wiring.working(town.settings))
    public = read_pin(vault / "identity.pub")
    body = {"name": "worker", "public_key": base64.b64encode(public).decode()}
    body["purposes"] = ["research"]
    account = str(operator.door.create("/service-accounts", body)["account"])
    wiring.keep_worker_account(town.settings, account)
    given = Grant(account, "worker", "platform", fingerprint(public))
    grant(steward.door, steward.keys, ledger, given)
    return wiring.working(town.settings), fingerprint(public)


def dataset_body() -> dict[str, object]:
    until = (datetime.now(UTC) + timedelta(days=900)).isoformat()
    return {
        "title": "Chest films",
        "owner": "Radiology",
        "contract": "C-1",
        "contract_expires_at": until,
        "ethics_approval": "E-1",
        "ethics_expires_at": until,
        "legal_basis": "contract",
        "purpose": "research",
        "retain_until": until,
        "category": "general",
        "grade": 3,
        "recipe": "basic",
    }


@pytest.fixture
def ward(tmp_path) -> Iterator[Ward]:
    with ward_in(tmp_path / "house") as made:
        yield made


@contextmanager
def ward_in(folder: Path) -> Iterator[Ward]:
    town = Town(folder)
    operator = town.found()
    steward = town.enrolled(operator, "stella")
    ledger = town.hospital(operator, steward)
    people = [town.enrolled(operator, name) for name in ("dora", "oscar")]
    for person, role in zip(people, ("depositor", "deid-officer"), strict=True):
        town.grant(steward, ledger, person, role)
    worker, known_as = _worker(town, operator, steward, ledger)
    made = steward.door.create(f"/hospitals/{ledger}/datasets", dataset_body())
    ward = Ward(town, ledger, steward, *people, worker, known_as, str(made["dataset"]))
    ward.work()
    yield ward
    end(worker)
    town.close()


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "films"
    (made / "王小明").mkdir(parents=True)
    (made / "王小明" / "片 1.dcm").write_bytes(CT)
    (made / "b\udcff.dcm").write_bytes(CT + b"\0")
    (made / "link.dcm").symlink_to("/etc/hostname")
    return made


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R33")
def test_a_hospital_deposits_and_an_officer_approves(ward: Ward, folder: Path, tmp_path):
    for sealed in ward.seal(folder):
        depositing.send(ward.depositor.door, sealed)
    ward.work()
    states = {item["state"] for item in ward.items()}
    door, keys = ward.officer.door, ward.officer.keys
    sitting = approving.open_sitting(door, keys, ward.ledger, ward.dataset)
    batch = approving.fetch_batch(door, sitting, ward.fingerprint, lambda _s: ward.work())
    written = approving.write_samples(batch, tmp_path / "samples")
    answer = approving.sign(door, keys, sitting, batch, "approve")

    assert states == {"CLEANED"}
    assert {s.before for s in batch.samples} == {CT, CT + b"\0"}
    assert "王小明/片 1.dcm" in {s.name for s in batch.samples}
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    assert (answer["state"], answer["dataset_state"]) == ("APPROVED", "READY")
    shown = ward.officer.door.get(ward.path)
    assert (shown["state"], shown["items"]) == ("READY", {"APPROVED": 2})


def test_links_are_not_taken_and_odd_names_are(folder: Path):
    source = depositing.Source.of(folder)

    assert [found.name for found in source.files] == ["b\\xff.dcm", "王小明/片 1.dcm"]


def test_a_cut_deposit_is_gone_on_with(ward: Ward, folder: Path):
    (sealed,) = ward.seal(folder)
    objects = sorted((sealed / "objects").iterdir())
    kept = objects[0].read_bytes()
    objects[0].write_bytes(kept[:-1])
    with pytest.raises(ClientError) as cut:
        depositing.send(ward.depositor.door, sealed)
    objects[0].write_bytes(kept)

    first = depositing.send(ward.depositor.door, sealed)
    again = depositing.send(ward.depositor.door, sealed)

    assert cut.value.code == "spool-damaged"
    assert first["receipt"]["entry"] == again["receipt"]["entry"]
    assert len(ward.items()) == 2


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("signer", ["the thief's own", "none"])
def test_a_server_with_an_intake_key_of_its_own_gets_nothing(ward: Ward, folder: Path, signer: str):
    thief, identity = sealing.generate(), PersonKey.generate()
    store = ward.town.house.ledgers.open(ward.ledger)
    with store.snapshot() as tables:
        (row,) = tables.of(IntakeKey).find(dataset=ward.dataset)
    forged = replace(row, public_key=thief.public_bytes)
    if signer == "the thief's own":
        forged = replace(forged, identity_key=identity.public_bytes, signature=identity.sign(b"x"))
    with store.unit() as unit:
        unit.tables.of(IntakeKey).replace(forged)
        unit.commit()

    with pytest.raises(ClientError) as refused:
        ward.seal(folder)

    expected = {"the thief's own": "fingerprint-differs", "none": "intake-key-not-signed"}
    assert refused.value.code == expected[signer]
    assert not (folder.parent / "spool").exists()


def test_a_server_that_shows_another_batch_gets_no_signature(ward: Ward, folder: Path):
    for sealed in ward.seal(folder):
        depositing.send(ward.depositor.door, sealed)
    ward.work()
    door, keys = ward.officer.door, ward.officer.keys
    sitting = approving.open_sitting(door, keys, ward.ledger, ward.dataset)
    ward.work()

    class Liar:
        """The officer's door, but for the list that is to be signed."""

        def get(self, path: str) -> dict:
            state = door.get(path)
            listed = base64.b64decode(state["batch"]).replace(b'"version":1', b'"version":2')
            return {**state, "batch": base64.b64encode(listed).decode()}

        def get_bytes(self, path: str) -> bytes:
            return door.get_bytes(path)

    with pytest.raises(ClientError) as refused:
        approving.fetch_batch(Liar(), sitting, ward.fingerprint, lambda _s: None)

    assert refused.value.code == "batch-differs"


@pytest.mark.requirement("R17")
def test_the_missing_field_is_named_at_the_door(ward: Ward):
    body = {k: v for k, v in dataset_body().items() if k != "ethics_approval"}

    with pytest.raises(ClientError) as refused:
        ward.steward.door.create(f"/hospitals/{ward.ledger}/datasets", body)

    assert (refused.value.code, refused.value.field) == ("dataset-incomplete", "ethics_approval")


def test_an_upload_to_anothers_deposit_is_not_found(ward: Ward, folder: Path):
    (sealed,) = ward.seal(folder)
    ward.town.grant(ward.steward, ward.ledger, ward.officer, "depositor")
    depositing.send(ward.depositor.door, sealed)
    object_id = next((sealed / "objects").iterdir()).name

    with pytest.raises(ClientError) as foreign:
        ward.officer.door.put(
            f"{ward.path}/deposits/{sealed.name}/objects/{object_id}", lambda: [b"x"]
        )
    with pytest.raises(ClientError) as late:
        ward.depositor.door.put(
            f"{ward.path}/deposits/{sealed.name}/objects/{object_id}", lambda: [b"x"]
        )

    assert (foreign.value.status, late.value.code) == (404, "deposit-complete")


def test_the_commands_do_what_the_client_does(ward: Ward, folder: Path, tmp_path, capsys):
    for person in (ward.depositor, ward.officer):
        home = ward.town.folder / "parties" / person.name
        session.keep_session(home, ward.town.url, person.door)
    homes = ward.town.folder / "parties"
    place = ["--ledger", ward.ledger, "--dataset", ward.dataset, "--worker", ward.fingerprint]

    deposited = run_cli(["deposit", str(folder), "--home", str(homes / "dora"), *place])
    ward.work()
    usage = run_cli(["deposit", "--home", str(homes / "dora")])
    unpinned = run_cli(
        ["officer", "--home", str(homes / "oscar"), "--out", str(tmp_path / "o"), *place[:4]]
    )

    said = capsys.readouterr()
    assert (deposited, usage, unpinned) == (3, 64, 64)
    assert "2 items sealed and received" in said.out
    assert "1 name left out:\n  link.dcm: a link" in said.err
    assert not any(path.is_dir() for path in (homes / "dora" / "spool").iterdir())


@pytest.mark.requirement("R33")
def test_the_officers_command_shows_samples_and_signs(ward: Ward, folder: Path, tmp_path, capsys):
    for sealed in ward.seal(folder):
        depositing.send(ward.depositor.door, sealed)
    home, out, stop = ward.town.folder / "parties" / "oscar", tmp_path / "out", threading.Event()
    session.keep_session(home, ward.town.url, ward.officer.door)
    working = threading.Thread(target=run, args=(ward.worker, stop, 0.05))
    working.start()
    while any(item["state"] == "SEALED" for item in ward.items()):
        stop.wait(0.05)

    place = ["--ledger", ward.ledger, "--dataset", ward.dataset, "--worker", ward.fingerprint]
    code = run_cli(
        ["officer", "--home", str(home), "--out", str(out), "--verdict", "approve", *place]
    )
    stop.set()
    working.join()

    assert code == 0
    assert "approve: approval APPROVED, dataset READY" in capsys.readouterr().out
    assert len(list(out.iterdir())) == 4


def test_lists_and_states_are_for_members_with_a_reason(ward: Ward, folder: Path):
    for sealed in ward.seal(folder):
        depositing.send(ward.depositor.door, sealed)
    ward.work()
    steward, officer = ward.steward.door, ward.officer.door
    item = ward.items()[0]["item"]

    listed = list(steward.items(f"/hospitals/{ward.ledger}/datasets"))
    again = officer.create(f"{ward.path}/items/{item}/requeue", {})
    with pytest.raises(ClientError) as early:
        steward.create(f"{ward.path}/suspend", {})
    with pytest.raises(ClientError) as idle:
        steward.create(f"{ward.path}/resume", {})
    with pytest.raises(ClientError) as hidden:
        ward.officer.door.get(f"{ward.path}/intake-key")

    assert [one["dataset"] for one in listed] == [ward.dataset]
    assert again["state"] == "SEALED"
    assert {e.value.status for e in (early, idle, hidden)} == {403}


@pytest.mark.requirement("R18")
def test_a_depositor_learns_what_the_dataset_has_and_nobody_else_does(ward: Ward, folder: Path):
    (sealed,) = ward.seal(folder)
    ids = [path.name for path in (sealed / "objects").iterdir() if path.name != sealed.name]
    path, door = f"{ward.path}/objects", ward.depositor.door

    unknown = door.get(path, ids=",".join(ids))
    depositing.send(door, sealed)
    known = door.get(path, ids=",".join([*ids, "0" * 32]))
    with pytest.raises(ClientError) as hidden:
        ward.officer.door.get(path, ids=ids[0])

    assert unknown == {"deposited": [], "announced": []}
    assert known == {"deposited": sorted(ids), "announced": []}
    assert hidden.value.status == 403


@pytest.mark.parametrize(
    "ids", ["", "x", "0" * 31, "0" * 32 + ",", "../" * 11, ",".join(["0" * 32] * 501)]
)
def test_what_is_no_list_of_ids_is_refused(ward: Ward, ids: str):
    with pytest.raises(ClientError) as refused:
        ward.depositor.door.get(f"{ward.path}/objects", ids=ids)

    assert (refused.value.status, refused.value.field) == (422, "ids")


def test_an_unknown_dataset_and_a_foreign_deposit_are_not_found(ward: Ward):
    elsewhere = f"/hospitals/{ward.ledger}/datasets/{'0' * 32}"

    with pytest.raises(ClientError) as unknown:
        ward.depositor.door.get(f"{elsewhere}/objects", ids="0" * 32)
    with pytest.raises(ClientError) as nothing:
        ward.depositor.door.create(f"{ward.path}/deposits/{'0' * 32}/abandon", {})

    assert (unknown.value.status, nothing.value.status) == (404, 404)


def test_an_open_deposit_is_told_until_it_is_abandoned(ward: Ward, folder: Path):
    (sealed,) = ward.seal(folder)
    objects = sorted(path for path in (sealed / "objects").iterdir() if path.name != sealed.name)
    objects[0].write_bytes(b"damaged")
    with pytest.raises(ClientError):
        depositing.send(ward.depositor.door, sealed)

    answer = ward.depositor.door.get(f"{ward.path}/objects", ids=objects[0].name)
    ended = ward.depositor.door.create(f"{ward.path}/deposits/{sealed.name}/abandon", {})
    after = ward.depositor.door.get(f"{ward.path}/objects", ids=objects[0].name)
    with pytest.raises(ClientError) as late:
        depositing.send(ward.depositor.door, sealed)

    (told,) = answer["announced"]
    assert (told["deposit"], told["own"], told["objects"]) == (sealed.name, True, [objects[0].name])
    assert told["idle_s"] >= 0
    assert ended["state"] == "ABANDONED"
    assert after["announced"] == []
    assert late.value.code == "deposit-abandoned"
