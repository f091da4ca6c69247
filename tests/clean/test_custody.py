"""Keys and plaintext: who can open what, and that nothing of a patient lies anywhere."""

import logging
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from enclave_house import LEDGER, EnclaveHouse, new_id
from pydicom.data import get_testdata_file

from crypto.keytree import MemoryKeyStore
from crypto.roots import LocalRoot
from crypto.sealing import HEADER_SIZE
from crypto.signing import PersonKey
from policies.vocabulary import ItemState
from sandbox.clean.masters import Kept, Place, read_record, take, unpack_master
from sandbox.errors import CustodyError, KeyDestroyed, VerificationFailed
from sandbox.exchange import exchange_info, header_name
from sandbox.serving import Serving, open_serving
from sandbox.vault import Vault, open_vault, pin_serve, read_pin

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
CANARY = "CANARYvon秘密"
REGISTER = [{"id": "p1", "name": CANARY, "id_number": None, "mrn": "MRN77123", "phone": None}]


def planted() -> bytes:
    file = pydicom.dcmread(BytesIO(CT))
    file.SpecificCharacterSet = "ISO_IR 192"
    file.PatientName, file.PatientID = CANARY, "MRN77123"
    out = BytesIO()
    file.save_as(out)
    return out.getvalue()


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


@pytest.mark.requirement("R66")
@pytest.mark.requirement("R83")
def test_a_planted_canary_is_found_nowhere(house: EnclaveHouse, caplog):
    caplog.set_level(logging.DEBUG)
    dataset = house.receiving()
    files = {f"{CANARY}/片.dcm": planted(), f"{CANARY}.txt": CANARY.encode(), f"{CANARY}.x": b""}

    house.deposit(dataset, files, REGISTER)
    house.run_worker()
    house.sign_approval(house.sampled(dataset))
    house.project(dataset)
    house.run_worker()

    disk, entries = everything_on_disk(house.folder), repr(house.entries())
    for secret in (CANARY, "CANARYvon", "MRN77123"):
        assert secret.encode() not in disk
        assert secret.encode("utf-16-le") not in disk
        assert secret not in entries
        assert secret not in caplog.text


@pytest.mark.requirement("R25")
def test_the_master_holds_nothing_of_the_register(house: EnclaveHouse):
    dataset = house.receiving()
    house.deposit(dataset, {"a.dcm": planted()}, REGISTER)
    house.run_worker()
    (item,) = house.items(dataset)
    place = Place(dataset, item.id, item.version)
    kept = Kept(item.blob, bytes.fromhex(item.master_commitment))

    packed = take("master", place, kept, house.vault.keys(LEDGER, dataset), house.blobs)
    master = unpack_master(packed).data

    assert CANARY.encode() not in master
    assert b"MRN77123" not in master
    assert pydicom.dcmread(BytesIO(master)).PatientIdentityRemoved == "YES"


@pytest.mark.requirement("R31")
def test_the_record_says_what_was_done_by_which_rules(house: EnclaveHouse):
    dataset = house.cleaned({"a.dcm": CT})
    (item,) = house.items(dataset)
    place = Place(dataset, item.id, item.version)
    kept = Kept(item.record_blob, bytes.fromhex(item.record_commitment))

    said = read_record(take("record", place, kept, house.vault.keys(LEDGER, dataset), house.blobs))

    assert (said["tool"], said["result"], said["residue"]) == ("anbiao", "cleaned", "none")
    assert said["recipe_digest"] == item.recipe_digest
    assert sum(said["actions"].values()) > 0


@pytest.mark.requirement("R31")
def test_a_held_item_has_a_record_and_no_master(house: EnclaveHouse):
    ultrasound = Path(get_testdata_file("examples_ybr_color.dcm", download=False)).read_bytes()
    dataset = house.cleaned({"us.dcm": ultrasound})
    (item,) = house.items(dataset)

    assert (item.state, item.reason) == (ItemState.HELD, "pixels-unchecked")
    assert item.record_blob is not None
    assert item.master_commitment is None


def test_headers_are_destroyed_once_the_worker_has_the_keys(house: EnclaveHouse):
    dataset = house.receiving()
    sealed = house.deposit(dataset, {"a.dcm": CT})
    before = list(house.exchange.names("deposit:"))

    house.run_worker()

    assert len(before) == len(sealed.objects)
    assert list(house.exchange.names("deposit:")) == []


def test_one_patient_is_one_subject_and_two_are_two(house: EnclaveHouse):
    other = pydicom.dcmread(BytesIO(CT))
    other.PatientID = "another"
    out = BytesIO()
    other.save_as(out)

    dataset = house.cleaned({"a.dcm": CT, "b.dcm": CT + b"\0", "c.dcm": out.getvalue()})

    subjects = [item.subject for item in house.items(dataset)]
    assert len(set(subjects)) == 2


def test_destroying_a_subject_takes_its_items_with_it(house: EnclaveHouse):
    dataset = house.cleaned({"a.dcm": CT})
    (item,) = house.items(dataset)
    keys = house.vault.keys(LEDGER, dataset)
    place = Place(dataset, item.id, item.version)
    kept = Kept(item.blob, bytes.fromhex(item.master_commitment))

    keys.destroy(f"subject:{item.subject}")

    with pytest.raises(KeyDestroyed):
        take("master", place, kept, keys, house.blobs)


@pytest.mark.requirement("R19")
def test_what_serve_holds_opens_no_deposit_and_no_master(house: EnclaveHouse):
    dataset = house.receiving()
    sealed = house.deposit(dataset, {"a.dcm": CT})
    header = house.exchange.get(header_name(LEDGER, sealed.deposit, sealed.names["a.dcm"]))
    assert len(header) == HEADER_SIZE

    # All that `serve` has: its own custody, the exchange, rows and blobs. No vault root, no seed.
    foreign = Vault(
        LocalRoot(b"r" * 32), MemoryKeyStore(), PersonKey.generate(), house.serving.public_bytes
    )
    key = house.intake_key(dataset)
    with pytest.raises(CustodyError):
        foreign.open_header(LEDGER, dataset, sealed.deposit, key.id, header)
    with pytest.raises(CustodyError):
        house.serving.key(header_name(LEDGER, sealed.deposit, sealed.names["a.dcm"]))


def test_a_seal_for_serve_opens_with_its_key_under_its_name_only(house: EnclaveHouse):
    name = f"item:{new_id()}"
    sealed = house.vault.seal_for_serve(name, b"k" * 32)
    house.exchange.put(name, sealed)
    house.exchange.put("item:other", sealed)
    stranger = Serving(LocalRoot(b"s" * 32), MemoryKeyStore(), house.exchange)

    assert house.serving.key(name) == b"k" * 32
    for serving, asked in ((house.serving, "item:other"), (stranger, name)):
        with pytest.raises(VerificationFailed):
            serving.key(asked)
    assert exchange_info("a") != exchange_info("b")


def test_a_vault_keeps_its_identity_and_refuses_to_open_without_a_pin(tmp_path):
    with pytest.raises(VerificationFailed) as unpinned:
        open_vault(tmp_path, MemoryKeyStore())
    serving = open_serving(tmp_path / "serve", MemoryKeyStore(), MemoryKeyStore())
    pin_serve(tmp_path, serving.public_bytes)

    one, two = (open_vault(tmp_path, MemoryKeyStore()) for _ in range(2))

    assert unpinned.value.code == "pin-missing"
    assert one.identity_public == two.identity_public == read_pin(tmp_path / "identity.pub")


def test_a_pin_that_is_not_base64_is_refused(tmp_path):
    (tmp_path / "serve.pin").write_text("not base64!\n")

    with pytest.raises(VerificationFailed) as refused:
        read_pin(tmp_path / "serve.pin")

    assert refused.value.code == "pin-malformed"


def test_a_root_that_others_may_read_is_refused(tmp_path):
    open_serving(tmp_path, MemoryKeyStore(), MemoryKeyStore())
    (tmp_path / "root.key").chmod(0o644)

    with pytest.raises(VerificationFailed):
        open_serving(tmp_path, MemoryKeyStore(), MemoryKeyStore())


def test_a_seed_opens_for_its_own_account_only(house: EnclaveHouse):
    sealed = house.serving.seal_seed("one", b"seed")

    assert house.serving.open_seed("one", sealed) == b"seed"
    with pytest.raises(VerificationFailed):
        house.serving.open_seed("two", sealed)


def test_another_key_does_not_take_the_place_of_one_that_is_kept(house: EnclaveHouse):
    keys = house.vault.keys(LEDGER, new_id())
    keys.taken("source:x", b"a" * 32)
    keys.taken("source:x", b"a" * 32)

    with pytest.raises(VerificationFailed):
        keys.taken("source:x", b"b" * 32)
    with pytest.raises(VerificationFailed):
        keys.key("source:unknown")
