"""What the running system writes is what this verifier reads: real gate, notary, rooms, worker."""

import io
import shutil

import pytest
from release_house import ReleaseHouse
from room_house import LEDGER
from small_hospital import SUMMARY, digest_of, hospital
from small_log import TABLE, named
from verdicts import BROKEN, flipped, positions

from crypto import canonical, verifier
from crypto.merkle import Tree, leaf_hash
from sandbox.provenance.evidence import Handout, Supplements, write_pack
from sandbox.provenance.receipts import Part, receipt_document
from sandbox.release.package import digest
from sandbox.release.statement import digest_of as statement_digest


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = ReleaseHouse(tmp_path_factory.mktemp("house"))
    made.released_id = made.released(items=2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def handed_over(house, tmp_path_factory):
    """Everything that leaves: the log, a pack, the passport, the package."""
    folder = tmp_path_factory.mktemp("handed")
    row = house.release(house.released_id)
    tables = folder / "tables"
    tables.mkdir()
    (tables / f"{TABLE.digest.removeprefix('sha256:')}.json").write_bytes(TABLE.encoded)
    sealed = house.download(house.recipient, row.id)
    package = house.open_sealed(house.recipient, row.id, sealed)
    (folder / "package").mkdir()
    for name, octets in {**package, "passport.json": row.passport}.items():
        (folder / "package" / name).write_bytes(octets)
    shutil.copytree(house.log / LEDGER, folder / "log")
    scope = verifier.Scope("dataset", row.dataset)
    (folder / "pack.zip").write_bytes(house.pack(house.steward, scope, tables))
    (folder / "passport.json").write_bytes(row.passport)
    return folder


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("what", ["log", "pack.zip", "passport.json", "package"])
def test_what_the_system_hands_over_is_sound(house, handed_over, what, capsys):
    for vkey in house.vkeys():
        assert verifier.main([str(handed_over / what), "--key", vkey]) == 0, capsys.readouterr()


def test_a_passport_tells_its_story(house, handed_over):
    pins = verifier.read_pins(house.vkeys())

    passport = verifier.check_passport((handed_over / "passport.json").read_bytes(), pins)

    told = [entry["action"] for entry in passport.entries]
    assert told[0] == "ledger.open"
    assert told[-4:] == ["release.request", "release.screen", "release.vote", "release.vote"]


def test_a_receipt_of_the_gate_is_sound(house, tmp_path):
    found = house.enclave.history(LEDGER).receipt(len(house.entries()) - 1)
    (tmp_path / "receipt.json").write_bytes(canonical.encode(found))

    assert verifier.main([str(tmp_path / "receipt.json"), "--key", house.vkeys()[0]]) == 0


def test_flips_in_what_the_system_hands_over_are_named(house, handed_over):
    pins = verifier.read_pins(house.vkeys())
    for name in ("pack.zip", "passport.json"):
        octets = (handed_over / name).read_bytes()
        for at in positions(len(octets), 200, seed=7):
            changed = flipped(octets, at, at % 8)
            verdict = verifier.judged(lambda b=changed: verifier._verify_file(b, "f", pins, None))
            assert verdict[0] == BROKEN or verdict[1].startswith("CANNOT TELL signer not"), at


def test_the_writers_pack_is_the_makers_pack(tmp_path):
    """Same log, same members: the two writers agree to the byte, but for the date."""
    log = hospital(300)
    log.export()
    for name, octets in log.files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(octets)
    sink = io.BytesIO()
    supplements = Supplements({TABLE.digest: TABLE.encoded}, log.passports, SUMMARY)
    handout = Handout(log.ledger, log.about, len(log.raw) - 1, log.now)
    write_pack(sink, handout, tmp_path, supplements)

    written = verifier.read_pack(sink.getvalue())
    made = verifier.read_pack(log.pack())

    # Hedged signatures differ from run to run; the checkpoint's stands in all proofs.
    proofs = {name for name in made if name.startswith("proofs/")}
    assert written.keys() == made.keys()
    assert {n for n in made if made[n] != written[n]} <= proofs | {
        "manifest.json",
        "log/checkpoint",
    }


def test_a_part_of_a_bulk_act_is_proved_by_its_path():
    parts = [bytes.fromhex(named(f"part {number}") * 2) for number in range(5)]
    tree = Tree()
    tree.extend(map(leaf_hash, parts))
    log = hospital()
    whole = {"root": tree.root().hex(), "count": len(parts)}
    entry = log.add("worker", "item.issue", {}, outcome={"parts": whole}, change=_allow)
    proof = log.proof(entry["index"])
    pins = verifier.read_pins(log.vkeys)

    def verdict(**change):
        document = receipt_document(log.raw[-1], proof, part) | {}
        document["part"] = {**document["part"], **change}
        octets = canonical.encode(document)
        return verifier.judged(lambda: verifier._verify_file(octets, "receipt", pins, None))

    for index, commitment in enumerate(parts):
        part = Part(index, commitment, tree.inclusion(index, len(parts)))
        assert verdict()[0] == 0
        assert f"part {index} of" in verdict()[1]
        for change in (
            {"index": (index + 1) % 5},
            {"index": 7},
            {"index": -1},
            {"index": bool(index)},
            {"index": str(index)},
            {"commitment": named("x") * 2},
            {"commitment": "x"},
            {"commitment": commitment.hex().upper()},
            {"path": []},
            {"path": [parts[0].hex()] * 3},
            {"path": "x"},
            {"path": [7]},
            {"more": 1},
        ):
            assert verdict(**change)[0] == BROKEN, change


def test_a_part_of_an_act_without_parts_is_named():
    log = hospital()
    part = Part(0, bytes(32), [])
    octets = canonical.encode(receipt_document(log.raw[3], log.proof(3), part))

    verdict = verifier.judged(
        lambda: verifier._verify_file(octets, "r", verifier.read_pins(log.vkeys), None)
    )

    assert verdict[1].startswith("BROKEN receipt-part-malformed")


def test_digests_of_packages_and_statements_agree():
    files = hospital().package()
    del files["passport.json"]

    assert verifier.package_digest(files) == digest(files)
    assert statement_digest(b"x") == digest_of(b"x") == verifier.digest_of(b"x")


def _allow(entry):
    entry["ruling"]["allowed"] = True
