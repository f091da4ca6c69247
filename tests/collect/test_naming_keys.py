"""The naming key: for depositors alone, by the worker's signature alone."""

import base64
from collections.abc import Mapping
from dataclasses import replace

import pytest
from enclave_house import LEDGER, EnclaveHouse, Member

from api.client.errors import ClientError
from api.client.http import connect
from api.client.intake import trusted_intake_key
from api.client.keys import PersonKeys
from crypto import naming, sealing, signing
from crypto.errors import VerificationError
from crypto.sealing import SealingPrivateKey
from policies.vocabulary import Role
from sandbox.collect import work
from sandbox.errors import VerificationFailed
from sandbox.exchange import SIGNATURE_BYTES, naming_name
from sandbox.records.people import Membership


def enrolled(house: EnclaveHouse, role: Role = Role.DEPOSITOR) -> tuple[Member, SealingPrivateKey]:
    """Someone whose grant names a sealing key."""
    member, own = Member(), sealing.generate()
    house.grant(member, role, sealing_key=own.public_bytes)
    return member, own


def offer(house: EnclaveHouse, dataset: str, own: SealingPrivateKey) -> bytes | None:
    return house.exchange.get(naming_name(LEDGER, dataset, own.public_bytes))


def opened(house: EnclaveHouse, dataset: str, own: SealingPrivateKey) -> bytes:
    octets = offer(house, dataset, own) or b""
    signature, sealed = octets[:SIGNATURE_BYTES], octets[SIGNATURE_BYTES:]
    message = naming.offer_message(LEDGER, dataset, own.public_bytes, sealed)
    signing.verify(house.worker.key.public_bytes, message, signature)
    return sealing.open(own, naming.seal_info(LEDGER, dataset), sealed)


@pytest.mark.requirement("R19")
def test_depositors_of_a_dataset_get_one_key(house: EnclaveHouse):
    (_, one), (_, other) = enrolled(house), enrolled(house, Role.STEWARD)
    dataset, second = house.receiving(), house.receiving()

    assert opened(house, dataset, one) == opened(house, dataset, other)
    assert opened(house, dataset, one) != opened(house, second, one)


@pytest.mark.requirement("R19")
def test_nobody_else_gets_it(house: EnclaveHouse):
    _, officer = enrolled(house, Role.DEID_OFFICER)
    dataset = house.receiving()

    assert offer(house, dataset, officer) is None


@pytest.mark.requirement("R19")
def test_a_key_put_into_a_row_gets_nothing(house: EnclaveHouse):
    enrolled(house)
    thief = sealing.generate()
    with house.snapshot() as tables:
        (row,) = [m for m in tables.of(Membership).find() if m.sealing_key is not None]
    house.change_behind_the_gate(replace(row, sealing_key=thief.public_bytes))
    dataset = house.create_dataset()
    for _, act in work.steps(house.enclave, LEDGER):
        act()

    (step,) = [act for name, act in work.steps(house.enclave, LEDGER) if "naming" in name]
    with pytest.raises(VerificationFailed) as refused:
        step()

    assert refused.value.code == "depositor-unverified"
    assert offer(house, dataset, thief) is None


def test_who_comes_later_gets_it_later(house: EnclaveHouse):
    dataset = house.receiving()
    _, late = enrolled(house)
    before = offer(house, dataset, late)

    house.run_worker()

    assert before is None
    assert len(opened(house, dataset, late)) == 32


WORDS: Mapping[str, str | int | None] = {
    "dataset": "d",
    "name": "a.txt",
    "subject": None,
    "sha256": "sha256:00",
    "size": 1,
    "register": "r",
    "again": "",
    "number": 1,
}


@pytest.mark.parametrize("word", WORDS)
def test_an_id_tells_equal_from_different_and_needs_the_key(word: str):
    changed = {**WORDS, word: 2 if isinstance(WORDS[word], int) else "other"}
    one = naming.object_id(b"k" * 32, WORDS)

    assert naming.object_id(b"k" * 32, dict(WORDS)) == one
    assert naming.object_id(b"k" * 32, changed) != one
    assert naming.object_id(b"l" * 32, WORDS) != one
    assert len(bytes.fromhex(one)) == naming.ID_BYTES


class Server:
    """A door that answers what it is told to."""

    def __init__(self, answer: Mapping[str, object]) -> None:
        self.answer, self.pauses = answer, 0

    def get(self, _path: str) -> Mapping[str, object]:
        return self.answer

    def pause(self, _seconds: float) -> None:
        self.pauses += 1


def text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def answer(house: EnclaveHouse, dataset: str, octets: bytes | None) -> dict[str, object]:
    key = house.intake_key(dataset)
    found = house.vault.new_intake(LEDGER, dataset, key.id)
    parts = octets and {
        "signature": text(octets[:SIGNATURE_BYTES]),
        "sealed": text(octets[SIGNATURE_BYTES:]),
    }
    return {
        "intake_key": key.id,
        "public_key": text(found.public_key),
        "identity_key": text(found.identity_key),
        "signature": text(found.signature),
        "naming": parts,
    }


def ask(house: EnclaveHouse, server: Server, dataset: str, own: SealingPrivateKey) -> bytes:
    keys = PersonKeys(signing.PersonKey.generate(), own)
    worker = house.worker.key.fingerprint
    return trusted_intake_key(server, LEDGER, dataset, worker, keys).naming


@pytest.mark.requirement("R19")
def test_a_client_takes_the_workers_naming_key_and_no_other(house: EnclaveHouse):
    (_, own), (_, other) = enrolled(house), enrolled(house)
    dataset, second = house.receiving(), house.receiving()
    thief = signing.PersonKey.generate()
    sealed = sealing.seal(own.public_bytes, naming.seal_info(LEDGER, dataset), b"t" * 32)
    message = naming.offer_message(LEDGER, dataset, own.public_bytes, sealed)
    wrong = {
        "another depositor's": offer(house, dataset, other),
        "another dataset's": offer(house, second, own),
        "the server's own": thief.sign(message) + sealed,
        "an altered one": (offer(house, dataset, own) or b"")[:-1] + b"\x00",
    }

    taken = ask(house, Server(answer(house, dataset, offer(house, dataset, own))), dataset, own)
    refused = {}
    for name, octets in wrong.items():
        with pytest.raises(ClientError) as caught:
            ask(house, Server(answer(house, dataset, octets)), dataset, own)
        refused[name] = caught.value.code

    assert taken == opened(house, dataset, own)
    assert set(refused.values()) == {"naming-key-not-signed"}


def test_a_worker_that_never_gives_one_is_not_waited_for_for_ever(house: EnclaveHouse):
    dataset = house.receiving()
    server = Server(answer(house, dataset, None))

    with pytest.raises(ClientError) as refused:
        ask(house, server, dataset, sealing.generate())

    assert (refused.value.code, refused.value.exit_code) == ("naming-key-missing", 69)
    assert 0 < server.pauses < 100


def test_a_seal_for_one_dataset_opens_for_no_other():
    own = sealing.generate()
    sealed = sealing.seal(own.public_bytes, naming.seal_info(LEDGER, "a"), b"k" * 32)

    with pytest.raises(VerificationError):
        sealing.open(own, naming.seal_info(LEDGER, "b"), sealed)


def test_an_unreachable_server_gives_no_key():
    door = connect("http://127.0.0.1:9")
    quick = replace(door, attempts=2, pause=lambda _s: None)
    keys = PersonKeys(signing.PersonKey.generate(), sealing.generate())

    with pytest.raises(ClientError) as refused:
        trusted_intake_key(quick, LEDGER, "d", "sha256:00", keys)
    door.http.close()

    assert refused.value.code == "unreachable"
