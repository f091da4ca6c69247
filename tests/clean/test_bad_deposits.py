"""Bad input through the deposit door: a code, the item quarantined, the batch goes on."""

from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from enclave_house import LEDGER, EnclaveHouse, Sealed, new_id, sealed_bytes
from pydicom.data import get_testdata_file

from api.client.manifest import (
    Entry,
    SealedObject,
    inner_manifest,
    outer_manifest,
    seal_object,
)
from crypto import chunked, sealing
from crypto.canonical import decode, encode
from crypto.padding import pad
from crypto.sealing import HEADER_SIZE, object_context, object_info, seal_header
from policies.vocabulary import DatasetState, ItemState
from sandbox.clean.codes import OPENING
from sandbox.clean.commands import RequeueItem
from sandbox.deid.reasons import REASONS
from sandbox.errors import DigestMismatch, Forbidden, NotFound
from sandbox.exchange import header_name
from sandbox.records.deposits import Deposit

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
BIG = CT * 3  # several chunks, so that there is something to move


def crafted(house: EnclaveHouse, dataset: str, craft, *, data: bytes = BIG) -> Sealed:
    """A deposit of one good file and one whose sealed octets `craft` made."""
    key, deposit = house.intake_key(dataset), new_id()
    sealed = Sealed(dataset, deposit, b"", {})
    good, good_row = sealed_bytes(CT, key, deposit, new_id())
    octets, row = craft(key, deposit, data)
    sealed.objects = {good_row.object_id: good, row.object_id: octets}
    sealed.names = {"good.dcm": good_row.object_id, "bad.dcm": row.object_id}
    entries = [Entry(good_row, "good.dcm", None), Entry(row, "bad.dcm", None)]
    inner, inner_row = sealed_bytes(
        inner_manifest(dataset, deposit, entries, ()), key, deposit, deposit
    )
    sealed.objects[deposit] = inner
    sealed.manifest = outer_manifest(key, deposit, inner_row, [good_row, row])
    return sealed


def rows(octets: bytes, row: SealedObject) -> SealedObject:
    """`row` for other octets: what a depositor who lies would announce."""
    header, body = octets[:HEADER_SIZE], octets[HEADER_SIZE:]
    return replace(
        row,
        body_sha256=f"sha256:{sha256(body).hexdigest()}",
        header_sha256=f"sha256:{sha256(header).hexdigest()}",
    )


def changed(change):
    """Seal rightly, then change the octets and announce the changed ones."""

    def craft(key, deposit, data):
        octets, row = sealed_bytes(data, key, deposit, new_id())
        octets = change(octets)
        return octets, rows(octets, row)

    return craft


def _chunk(number: int) -> slice:
    start = HEADER_SIZE + chunked.HEADER_SIZE + number * chunked.SEALED_CHUNK_SIZE
    return slice(start, start + chunked.SEALED_CHUNK_SIZE)


def swap_chunks(octets: bytes) -> bytes:
    first, second = octets[_chunk(0)], octets[_chunk(1)]
    return octets[: _chunk(0).start] + second + first + octets[_chunk(1).stop :]


def replay_chunk(octets: bytes) -> bytes:
    return octets[: _chunk(1).start] + octets[_chunk(0)] + octets[_chunk(1).stop :]


def flip(at: int):
    return lambda octets: octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def for_another(**place):
    """Sealed with the header or the body bound to another place."""

    def craft(key, deposit, data):
        sink, object_id = BytesIO(), new_id()
        other = replace(key, **{k: v for k, v in place.items() if k != "deposit"})
        row = seal_object(
            BytesIO(data), len(data), sink, other, place.get("deposit", deposit), object_id
        )
        return sink.getvalue(), row

    return craft


def wrong_promise(**promise):
    """The inner manifest promises other content than is sealed."""

    def craft(key, deposit, data):
        octets, row = sealed_bytes(data, key, deposit, new_id())
        return octets, replace(row, **promise)

    return craft


def padding_with_a_tail(key, deposit, data):
    """Content hidden behind the padding."""
    object_id = new_id()
    padded = bytearray(pad(data))
    padded[-1] = 1
    head = encode({"object_id": object_id, "padded_size": len(padded)})
    context = object_context(key.dataset, object_id, f"sha256:{sha256(head).hexdigest()}")
    header = seal_header(key.public_key, object_info(key.dataset, deposit, key.id), b"k" * 32)
    octets = header + chunked.seal(b"k" * 32, context, bytes(padded))
    digest = f"sha256:{sha256(data).hexdigest()}"
    row = SealedObject(object_id, len(padded), "", "", digest, len(data))
    return octets, rows(octets, row)


def under_another_id(key, deposit, data):
    """The body of one object in the place of another."""
    octets, row = sealed_bytes(data, key, deposit, new_id())
    return octets, replace(rows(octets, row), object_id=new_id())


def with_another_size(key, deposit, data):
    """A row that announces another padded size than was sealed."""
    octets, row = sealed_bytes(data, key, deposit, new_id())
    return octets + bytes(16), replace(
        rows(octets + bytes(16), row), padded_size=row.padded_size + 16
    )


def with_the_wrong_key(key, deposit, data):
    """Sealed to a key that is not the dataset's."""
    other = replace(key, public_key=sealing.generate().public_bytes)
    return sealed_bytes(data, other, deposit, new_id())


def another_file_key(key, deposit, data):
    """A header that opens, and gives a key that the body was not sealed with."""
    octets, row = sealed_bytes(data, key, deposit, new_id())
    header = seal_header(key.public_key, object_info(key.dataset, deposit, key.id), b"o" * 32)
    octets = header + octets[HEADER_SIZE:]
    return octets, rows(octets, row)


def a_length_that_lies(key, deposit, data):
    """A length prefix that pads to another size."""
    object_id = new_id()
    padded = bytearray(pad(data))
    padded[:8] = (len(data) * 4).to_bytes(8, "big")
    head = encode({"object_id": object_id, "padded_size": len(padded)})
    context = object_context(key.dataset, object_id, f"sha256:{sha256(head).hexdigest()}")
    header = seal_header(key.public_key, object_info(key.dataset, deposit, key.id), b"k" * 32)
    octets = header + chunked.seal(b"k" * 32, context, bytes(padded))
    digest = f"sha256:{sha256(data).hexdigest()}"
    row = SealedObject(object_id, len(padded), "", "", digest, len(data))
    return octets, rows(octets, row)


BODY = HEADER_SIZE + chunked.HEADER_SIZE
BAD = {
    "wrong-key": (with_the_wrong_key, "seal-altered"),
    "another-file-key": (another_file_key, "context-mismatch"),
    "under-another-id": (under_another_id, "context-mismatch"),
    "with-another-size": (with_another_size, "context-mismatch"),
    "a-length-that-lies": (a_length_that_lies, "padding-invalid"),
    "salt-flipped": (changed(flip(HEADER_SIZE)), "context-mismatch"),
    "version-flipped": (changed(flip(4)), "seal-altered"),
    "suite-flipped": (changed(flip(5)), "seal-altered"),
    "chunks-reordered": (changed(swap_chunks), "chunk-altered"),
    "chunk-replayed": (changed(replay_chunk), "chunk-altered"),
    "last-bit-flipped": (changed(flip(-2)), "chunk-altered"),
    "commitment-flipped": (changed(flip(HEADER_SIZE + 30)), "context-mismatch"),
    "header-flipped": (changed(flip(100)), "seal-altered"),
    "magic-flipped": (changed(flip(0)), "seal-altered"),
    "for-another-dataset": (for_another(dataset=new_id()), "seal-altered"),
    "for-another-key": (for_another(id=new_id()), "seal-altered"),
    "for-another-deposit": (for_another(deposit=new_id()), "seal-altered"),
    "other-digest": (wrong_promise(content_sha256="sha256:" + "0" * 64), "digest-mismatch"),
    "other-size": (wrong_promise(content_size=7), "digest-mismatch"),
    "hidden-in-padding": (padding_with_a_tail, "padding-invalid"),
}


CUTS = {
    "within the magic": 2,
    "behind the magic": 4,
    "within the header": 600,
    "behind the header": HEADER_SIZE,
    "behind the salt": HEADER_SIZE + chunked.SALT_SIZE,
    "behind the commitment": BODY,
    "within the first tag": BODY + chunked.CHUNK_SIZE + 3,
    "behind the first chunk": BODY + chunked.SEALED_CHUNK_SIZE,
    "behind the second chunk": BODY + 2 * chunked.SEALED_CHUNK_SIZE,
    "before the last tag": -chunked.TAG_SIZE,
    "before the last octet": -1,
}


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("end", CUTS.values(), ids=CUTS.keys())
def test_an_object_cut_at_any_boundary_does_not_arrive(house: EnclaveHouse, end: int):
    dataset = house.receiving()
    sealed = house.seal(dataset, {"a.dcm": BIG})
    house.open_deposit(sealed)
    object_id = sealed.names["a.dcm"]

    with pytest.raises(DigestMismatch) as refused:
        house.put(sealed.deposit, object_id, sealed.objects[object_id][:end])

    assert refused.value.code == "object-truncated"
    assert not list(house.blobs.digests())


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R20")
@pytest.mark.parametrize("end", [v for v in CUTS.values() if v > HEADER_SIZE or v < 0])
def test_an_object_cut_and_announced_so_does_not_open(house: EnclaveHouse, end: int):
    """Even a server that keeps what it should refuse gives the worker nothing to believe."""
    dataset = house.receiving()
    sealed = house.deposit(dataset, {"a.dcm": BIG})
    (item,) = house.items(dataset)
    path = house.folder / "blobs" / item.source_blob[:2] / item.source_blob[2:]
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[: end - HEADER_SIZE if end > 0 else end])

    house.run_worker()

    (item,) = house.items(dataset)
    assert sealed.names
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "blob-altered")


@pytest.mark.requirement("R18")
def test_objects_of_two_deposits_can_not_be_swapped(house: EnclaveHouse):
    dataset = house.receiving()
    first, second = (house.seal(dataset, {"a.dcm": BIG}) for _ in range(2))
    for one in (first, second):
        house.open_deposit(one)
    foreign = second.objects[second.names["a.dcm"]]

    with pytest.raises(DigestMismatch):
        house.put(first.deposit, first.names["a.dcm"], foreign)
    with pytest.raises(NotFound):
        house.put(first.deposit, second.names["a.dcm"], foreign)


@pytest.mark.requirement("R18")
def test_a_header_of_another_deposit_is_not_taken(house: EnclaveHouse):
    dataset = house.receiving()
    first, second = (house.deposit(dataset, {"a.dcm": BIG}) for _ in range(2))
    names = [header_name(LEDGER, one.deposit, one.names["a.dcm"]) for one in (first, second)]
    headers = [house.exchange.get(name) for name in names]
    for name, header in zip(names, reversed(headers), strict=True):
        house.exchange.put(name, header)

    house.run_worker()

    assert {item.reason for item in house.items(dataset)} == {"header-altered"}


FIELDS = {
    "dataset": lambda inner: inner.update(dataset=new_id()),
    "deposit": lambda inner: inner.update(deposit=new_id()),
    "object_id": lambda inner: inner["files"][0].update(object_id=new_id()),
    "sha256": lambda inner: inner["files"][0].update(sha256="sha256:" + "1" * 64),
    "size": lambda inner: inner["files"][0].update(size=inner["files"][0]["size"] + 1),
    "files": lambda inner: inner.update(files=[]),
    "doubled": lambda inner: inner["files"].append(inner["files"][0]),
    "version": lambda inner: inner.update(v=2),
    "extra": lambda inner: inner.update(more=1),
    "missing": lambda inner: inner.pop("register"),
    "name": lambda inner: inner["files"][0].update(name=""),
    "long name": lambda inner: inner["files"][0].update(name="n" * 1025),
    "no name": lambda inner: inner["files"][0].update(name=7),
    "subject": lambda inner: inner["files"][0].update(subject=""),
    "negative size": lambda inner: inner["files"][0].update(size=-1),
    "true size": lambda inner: inner["files"][0].update(size=True),
    "register": lambda inner: inner["register"].append({"id": "1"}),
    "register id": lambda inner: inner["register"].append(
        {"id": None, "name": None, "id_number": None, "mrn": None, "phone": None}
    ),
}


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("member", FIELDS)
def test_an_inner_manifest_that_disagrees_in_any_member_is_found_out(
    house: EnclaveHouse, member: str
):
    dataset = house.receiving()
    key, deposit = house.intake_key(dataset), new_id()
    octets, row = sealed_bytes(CT, key, deposit, new_id())
    inner = decode(inner_manifest(dataset, deposit, [Entry(row, "a.dcm", None)], ()))
    FIELDS[member](inner)
    listed, inner_row = sealed_bytes(encode(inner), key, deposit, deposit)
    manifest = outer_manifest(key, deposit, inner_row, [row])

    house.send(Sealed(dataset, deposit, manifest, {row.object_id: octets, deposit: listed}))
    house.run_worker()

    (item,) = house.items(dataset)
    assert item.state is ItemState.QUARANTINED
    assert item.reason in {"manifest-mismatch", "manifest-malformed", "digest-mismatch"}


NAMES = [
    "../../../../etc/cron.d/x.dcm",
    "/etc/passwd",
    "C:\\Windows\\x.dcm",
    "..",
    "a/../../b",
    "nul\x00byte.dcm",
    "line\nbreak.dcm",
    "\x1b[2Jclear.dcm",
    "\u202etxt.mcd",
    "~/.ssh/id",
    "CON",
    "n" * 1024,
]


@pytest.mark.requirement("R20")
def test_no_name_leads_anywhere(house: EnclaveHouse):
    dataset = house.receiving()
    before = {path for path in house.folder.rglob("*") if path.is_dir()}

    house.deposit(dataset, dict.fromkeys(NAMES, CT))
    house.run_worker()

    assert {item.state for item in house.items(dataset)} == {ItemState.CLEANED}
    made = {path for path in house.folder.rglob("*") if path.is_dir()} - before
    assert {path.parent.name for path in made} <= {"blobs", "tile", "vault", "log"}
    octets = b"".join(house.ledgers.open(LEDGER).entries(0, 999))
    assert not any(name.encode() in octets for name in NAMES if len(name) > 3)


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", BAD)
def test_a_lying_deposit_is_quarantined_and_the_batch_goes_on(house: EnclaveHouse, name: str):
    craft, code = BAD[name]
    dataset = house.receiving()
    sealed = crafted(house, dataset, craft)

    house.send(sealed)
    house.run_worker()

    by_object = {item.object_id: item for item in house.items(dataset)}
    bad, good = (by_object[sealed.names[n]] for n in ("bad.dcm", "good.dcm"))
    assert (bad.state, bad.reason) == (ItemState.QUARANTINED, code)
    assert good.state is ItemState.CLEANED
    assert code in OPENING
    assert house.dataset(dataset).state is DatasetState.AWAITING_APPROVAL


FILES = {
    "empty.dcm": (b"", "empty-file"),
    "cut.dcm": (CT[:600], None),
    "not.dcm": (b"plain words, no image", "not-dicom"),
    "program.bin": (b"\x7fELF" + bytes(200), "executable"),
    "preamble.dcm": (b"MZ" + CT[2:], "preamble-executable"),
    "../../outside.dcm": (CT, None),
    "多.csv": (b"id,name\n1,x\n", "kind-unsupported"),
}


@pytest.mark.requirement("R20")
def test_hostile_files_are_set_apart_with_a_code_each(house: EnclaveHouse):
    dataset = house.receiving()
    sealed = house.deposit(dataset, {name: data for name, (data, _) in FILES.items()})

    house.run_worker()

    by_object = {item.object_id: item for item in house.items(dataset)}
    for name, (_, code) in FILES.items():
        item = by_object[sealed.names[name]]
        if code is not None:
            assert (item.state, item.reason) == (ItemState.QUARANTINED, code)
        if item.reason is not None:
            assert item.reason in REASONS
    assert by_object[sealed.names["../../outside.dcm"]].state is ItemState.CLEANED


def test_an_inner_manifest_of_another_deposit_quarantines_all(house: EnclaveHouse):
    dataset, other = house.receiving(), new_id()
    key, deposit, object_id = house.intake_key(dataset), new_id(), new_id()
    octets, row = sealed_bytes(CT, key, deposit, object_id)
    listed = inner_manifest(dataset, other, [Entry(row, "a.dcm", None)], ())
    inner, inner_row = sealed_bytes(listed, key, deposit, deposit)
    manifest = outer_manifest(key, deposit, inner_row, [row])
    sealed = Sealed(dataset, deposit, manifest, {object_id: octets, deposit: inner})

    house.send(sealed)
    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "manifest-mismatch")


@pytest.mark.parametrize("listed", [b"", b"{}", b"\xff\xfe", b'{"v":1}'])
def test_an_inner_manifest_that_is_none_quarantines_all(house: EnclaveHouse, listed: bytes):
    dataset = house.receiving()
    key, deposit, object_id = house.intake_key(dataset), new_id(), new_id()
    octets, row = sealed_bytes(CT, key, deposit, object_id)
    inner, inner_row = sealed_bytes(listed, key, deposit, deposit)
    manifest = outer_manifest(key, deposit, inner_row, [row])
    sealed = Sealed(dataset, deposit, manifest, {object_id: octets, deposit: inner})

    house.send(sealed)
    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "manifest-malformed")


def test_an_object_that_the_inner_manifest_does_not_list_is_quarantined(house: EnclaveHouse):
    dataset = house.receiving()
    key, deposit, object_id = house.intake_key(dataset), new_id(), new_id()
    octets, row = sealed_bytes(CT, key, deposit, object_id)
    inner, inner_row = sealed_bytes(inner_manifest(dataset, deposit, [], ()), key, deposit, deposit)
    manifest = outer_manifest(key, deposit, inner_row, [row])

    house.send(Sealed(dataset, deposit, manifest, {object_id: octets, deposit: inner}))
    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "manifest-mismatch")


@pytest.mark.requirement("R18")
def test_a_manifest_changed_in_its_row_is_not_believed(house: EnclaveHouse):
    dataset = house.receiving()
    sealed = house.deposit(dataset, {"a.dcm": CT})
    row = house.row(Deposit, sealed.deposit)
    house.change_behind_the_gate(replace(row, manifest=row.manifest + b" "))

    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "manifest-not-signed")


@pytest.mark.requirement("R75")
def test_a_source_altered_on_disk_is_quarantined(house: EnclaveHouse):
    dataset = house.receiving()
    house.deposit(dataset, {"a.dcm": CT})
    (item,) = house.items(dataset)
    path = next(p for p in (house.folder / "blobs").rglob("*") if item.source_blob[2:] in p.name)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")

    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "blob-altered")


def test_a_quarantined_item_can_be_sent_back_and_cleaned(house: EnclaveHouse):
    dataset = house.receiving()
    sealed = house.deposit(dataset, {"a.dcm": CT})
    name = header_name(LEDGER, sealed.deposit, sealed.names["a.dcm"])
    header = house.exchange.get(name)
    house.exchange.destroy(name)
    house.run_worker()
    (quarantined,) = house.items(dataset)

    house.exchange.put(name, header)
    house.perform(house.officer, RequeueItem(ledger=LEDGER, dataset=dataset, item=quarantined.id))
    house.run_worker()

    (item,) = house.items(dataset)
    assert (quarantined.reason, item.state) == ("header-missing", ItemState.CLEANED)


def test_only_an_officer_sends_items_back(house: EnclaveHouse):
    dataset = house.cleaned({"a.dcm": CT})
    (item,) = house.items(dataset)

    with pytest.raises(Forbidden):
        house.perform(house.depositor, RequeueItem(ledger=LEDGER, dataset=dataset, item=item.id))
