"""One bit, anywhere: named BROKEN, never SOUND, never a traceback.

Every byte of small files, a spread of large ones. `TORTURE_EVERY=N` takes every N-th byte of all.
The bit within a byte depends on its place, so that all eight are met.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from small_hospital import RELEASE, SmallHospital, hospital, zipped
from verdicts import BROKEN, SOUND, flipped, on_file, on_log, on_package, pins_of, positions

from crypto.note import MldsaSigner, signature_line
from crypto.verifier import Pins, read_pins

EVERY = int(os.environ.get("TORTURE_EVERY", "0"))


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital()


@pytest.fixture(scope="module")
def large() -> SmallHospital:
    return hospital(300)


def flips(octets: bytes, wanted: int) -> Iterator[tuple[int, bytes]]:
    for at in positions(len(octets), -(-len(octets) // EVERY) if EVERY else wanted):
        yield at, flipped(octets, at, (at * 5 + at // 8) % 8)


def survivors(
    octets: bytes, wanted: int, verdict: Callable[[bytes], tuple[int, str]]
) -> list[tuple[int, tuple[int, str]]]:
    """Flips that were not named BROKEN."""
    found = []
    for at, changed in flips(octets, wanted):
        said = verdict(changed)
        if said[0] != BROKEN:
            found.append((at, said))
    return found


def unpinned(found: list[tuple[int, tuple[int, str]]]) -> list[tuple[int, tuple[int, str]]]:
    """Without those where the origin became a log's whose key nobody pinned: nothing is proved."""
    return [(at, said) for at, said in found if not said[1].startswith("CANNOT TELL signer not")]


@pytest.mark.requirement("R69")
def test_each_flip_in_a_small_log_is_named(house):
    files, pins = house.files(), pins_of(house)

    for name, octets in files.items():
        found = survivors(octets, 15_000, lambda b, n=name: on_log({**files, n: b}, pins))
        assert unpinned(found) == [], name
        assert name == "checkpoint" or found == [], name


def test_flips_in_full_tiles_and_higher_levels_are_named(large):
    files, pins = large.files(), pins_of(large)
    assert {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000"} <= set(files)

    for name, octets in files.items():
        wanted = 500 if name.startswith("tile/") else 150
        found = survivors(octets, wanted, lambda b, n=name: on_log({**files, n: b}, pins))
        assert unpinned(found) == [], name


def test_each_flip_in_a_receipt_is_named(house):
    receipt, pins = house.receipt(12), pins_of(house)
    assert on_file(receipt, pins)[0] == SOUND

    found = survivors(receipt, 40_000, lambda octets: on_file(octets, pins))

    assert unpinned(found) == []


def test_flips_in_a_passport_are_named(house):
    passport, pins = house.passports[RELEASE], pins_of(house)

    found = survivors(passport, 1_500, lambda octets: on_file(octets, pins))

    assert unpinned(found) == []


def test_flips_in_a_package_are_named(house):
    files, pins = house.package(), pins_of(house)

    for name, octets in files.items():
        found = survivors(octets, 300, lambda b, n=name: on_package({**files, n: b}, pins))
        assert unpinned(found) == [], name


def test_flips_in_an_evidence_pack_are_named(house):
    pack, pins = house.pack(), pins_of(house)

    assert survivors(pack, 4_000, lambda octets: on_file(octets, pins)) == []


def test_flips_inside_members_are_named_though_the_archive_is_written_anew(house):
    files, pins = house.evidence(), pins_of(house)
    manifest = files.pop("manifest.json")
    assert on_file(zipped({**files, "manifest.json": manifest}), pins)[0] == SOUND

    def repacked(name: str, octets: bytes) -> bytes:
        changed = {**files, name: octets}
        return zipped({**changed, "manifest.json": house.manifest(changed)})

    for name, octets in files.items():
        found = survivors(octets, 120, lambda b, n=name: on_file(repacked(n, b), pins))
        assert unpinned(found) == [], name


def test_only_an_unpinned_witness_may_be_altered():
    house = hospital()
    seed = house.signers[1]._private
    witness = MldsaSigner("witness.example", seed)
    house.witnesses = [lambda text: signature_line(witness.vkey, witness.sign(text, 1))]
    files, pins = house.files(), pins_of(house)
    checkpoint = files["checkpoint"]
    start = checkpoint.index("— witness.example".encode())
    assert "1 cosignatures not checked" in on_log(files, pins)[1]

    found = survivors(checkpoint, 1_500, lambda b: on_log({**files, "checkpoint": b}, pins))
    pinned = Pins((*pins.keys, *read_pins([str(witness.vkey)]).keys))
    known = survivors(checkpoint, 900, lambda b: on_log({**files, "checkpoint": b}, pinned))

    assert [at for at, said in unpinned(found) if at < start] == []
    assert any(said[0] == SOUND for _, said in found)
    # Inside the name or id of a pinned witness the line becomes a stranger's: nothing is claimed.
    line = len("— witness.example ".encode()) + 8
    assert [at for at, _ in unpinned(known) if at >= start + line] == []
