"""Several objects in one request: all of them are kept, or none."""

import pytest
from enclave_house import LEDGER, EnclaveHouse, Sealed, new_id

from crypto.sealing import HEADER_SIZE
from sandbox.collect.arrival import ID_BYTES, MOST_IN_PARCEL, Parcel
from sandbox.errors import DigestMismatch, NotFound, SandboxError, TooLarge
from sandbox.exchange import header_name

FILES = {"a.txt": b"first", "b.txt": b"second " * 9000, "c.txt": b"third"}


@pytest.fixture
def sealed(house: EnclaveHouse) -> Sealed:
    made = house.seal(house.receiving(), FILES)
    house.open_deposit(made)
    return made


def parcel(sealed: Sealed) -> bytes:
    return b"".join(bytes.fromhex(one) + octets for one, octets in sealed.objects.items())


def put(house: EnclaveHouse, sealed: Sealed, octets: bytes, piece: int = 4096) -> int:
    with house.delivery(sealed.deposit) as delivery:
        taking = Parcel(delivery)
        for start in range(0, len(octets), piece):
            taking.write(octets[start : start + piece])
        taking.end()
        return delivery.keep()


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("piece", [1, 17, 1000, 10**6])
def test_a_parcel_comes_in_any_pieces(house: EnclaveHouse, sealed: Sealed, piece: int):
    kept = put(house, sealed, parcel(sealed), piece)

    assert kept == len(sealed.objects)
    assert house.missing(sealed.deposit) == []


def test_a_parcel_comes_any_number_of_times(house: EnclaveHouse, sealed: Sealed):
    for _ in range(3):
        put(house, sealed, parcel(sealed))

    assert house.missing(sealed.deposit) == []
    assert len(list(house.blobs.digests())) == len(sealed.objects)


CUTS = {
    "within the first id": 7,
    "behind the first id": ID_BYTES,
    "within the first header": ID_BYTES + 100,
    "behind the first header": ID_BYTES + HEADER_SIZE,
    "within the last body": -5,
    "before the last octet": -1,
}


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_parcel_that_was_cut_brings_nothing(house: EnclaveHouse, sealed: Sealed, cut: int):
    with pytest.raises(DigestMismatch) as refused:
        put(house, sealed, parcel(sealed)[:cut])

    assert refused.value.code == "object-truncated"
    nothing_came(house, sealed)


WRONG = {
    "a flipped header": (lambda o: flipped(o, ID_BYTES + 3), DigestMismatch),
    "a flipped body": (lambda o: flipped(o, -1), DigestMismatch),
    "an id that nobody announced": (lambda o: o + b"\x00" * ID_BYTES + b"x", NotFound),
    "an octet too many": (lambda o: o + b"x", DigestMismatch),
    "another object's id": (lambda o: o[ID_BYTES : 2 * ID_BYTES] + o[ID_BYTES:], SandboxError),
}


def flipped(octets: bytes, at: int) -> bytes:
    return octets[:at] + bytes([octets[at] ^ 1]) + (octets[at + 1 :] if at != -1 else b"")


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("how", WRONG)
def test_one_wrong_object_keeps_its_parcel_out(house: EnclaveHouse, sealed: Sealed, how: str):
    change, error = WRONG[how]

    with pytest.raises(error):
        put(house, sealed, change(parcel(sealed)))

    nothing_came(house, sealed)


def test_a_parcel_has_its_limit(house: EnclaveHouse, sealed: Sealed):
    one = next(iter(sealed.objects))
    again = (bytes.fromhex(one) + sealed.objects[one]) * (MOST_IN_PARCEL + 1)
    different = house.seal(
        house.receiving(), {f"{n}.txt": b"%d" % n for n in range(MOST_IN_PARCEL + 1)}
    )
    house.open_deposit(different)

    with pytest.raises(TooLarge) as refused:
        put(house, different, parcel(different))

    assert refused.value.code == "parcel-too-large"
    assert put(house, sealed, again) == 1  # the same one, time and again


def test_octets_without_an_object_are_refused(house: EnclaveHouse, sealed: Sealed):
    with house.delivery(sealed.deposit) as delivery, pytest.raises(NotFound):
        delivery.write(b"x")
    with house.delivery(sealed.deposit) as delivery, pytest.raises(NotFound):
        delivery.end()


def nothing_came(house: EnclaveHouse, sealed: Sealed) -> None:
    assert set(house.missing(sealed.deposit)) == {sealed.deposit, *sealed.objects}
    assert not list(house.blobs.digests())
    assert not any((house.folder / "blobs" / "staging").iterdir())
    one = header_name(LEDGER, sealed.deposit, next(iter(sealed.objects)))
    assert house.exchange.get(one) is None
    assert house.exchange.get(header_name(LEDGER, new_id(), new_id())) is None
