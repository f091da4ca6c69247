"""Deposits: the signed manifest, what arrives, and what is refused at the door."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from enclave_house import IDLE, LEDGER, EnclaveHouse, Member, Sealed, new_id

from crypto.canonical import decode, encode
from policies.vocabulary import Action, ItemState, Role
from sandbox.acts import Receipt
from sandbox.collect.commands import AbandonDeposit, CompleteDeposit, OpenDeposit
from sandbox.deid.forms import MAX_REGISTER_ROWS
from sandbox.errors import (
    Conflict,
    DigestMismatch,
    Forbidden,
    Malformed,
    NotFound,
    SandboxError,
    SignatureRequired,
    TooLarge,
    Unacceptable,
)
from sandbox.exchange import header_name
from sandbox.manifests import parse_inner, parse_outer
from sandbox.records.deposits import Deposit

FILES = {"一/报告.txt": b"first", "b.txt": b"second " * 9000}


def sealed_deposit(house: EnclaveHouse) -> Sealed:
    return house.seal(house.receiving(), FILES)


def open_signed(house: EnclaveHouse, sealed: Sealed, **changes: object) -> None:
    digest = f"sha256:{sha256(sealed.manifest).hexdigest()}"
    command = OpenDeposit(
        ledger=LEDGER, dataset=sealed.dataset, deposit=sealed.deposit, manifest=sealed.manifest
    )
    command = replace(command, **changes)
    signed = house.depositor.sign(Action.DEPOSIT_OPEN, command.objects(), {"manifest": digest})
    house.perform(house.depositor, replace(command, signed=signed))


@pytest.mark.requirement("R18")
def test_what_was_announced_arrives_and_becomes_sealed_items(house: EnclaveHouse):
    sealed = sealed_deposit(house)

    house.send(sealed)

    items = house.items(sealed.dataset)
    assert {item.state for item in items} == {ItemState.SEALED}
    assert {item.object_id for item in items} == set(sealed.names.values())
    entry = json.loads(house.ledgers.open(LEDGER).entries(0, 99)[-1])
    assert (entry["action"], entry["outcome"]["counts"]) == ("deposit.complete", {"items": 2})


@pytest.mark.requirement("R17")
@pytest.mark.requirement("R59")
def test_a_manifest_without_its_depositors_signature_opens_nothing(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    command = OpenDeposit(
        ledger=LEDGER, dataset=sealed.dataset, deposit=sealed.deposit, manifest=sealed.manifest
    )

    with pytest.raises(SignatureRequired):
        house.perform(house.depositor, command)


@pytest.mark.requirement("R18")
def test_another_manifest_than_the_signed_one_opens_nothing(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    outer = decode(sealed.manifest)
    outer["objects"][0]["padded_size"] += 1

    with pytest.raises(Unacceptable) as refused:
        open_signed(house, sealed, manifest=encode(outer))

    assert refused.value.code == "manifest-not-signed"


def test_a_manifest_of_another_dataset_opens_nothing(house: EnclaveHouse):
    sealed, other = sealed_deposit(house), house.receiving()

    with pytest.raises(Unacceptable) as refused:
        open_signed(house, sealed, dataset=other)

    assert refused.value.code == "manifest-misplaced"


@pytest.mark.requirement("R19")
def test_a_manifest_for_a_foreign_intake_key_opens_nothing(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    outer = decode(sealed.manifest)
    outer["intake_key"] = new_id()
    sealed.manifest = encode(outer)

    with pytest.raises(Unacceptable) as refused:
        open_signed(house, sealed)

    assert refused.value.code == "intake-key-unknown"


def test_a_deposit_is_opened_once(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)

    with pytest.raises(Conflict):
        open_signed(house, sealed)


@pytest.mark.parametrize("who", ["officer", "worker"])
def test_only_who_may_deposit_deposits(house: EnclaveHouse, who: str):
    sealed = sealed_deposit(house)
    member = getattr(house, who)
    digest = f"sha256:{sha256(sealed.manifest).hexdigest()}"
    objects = {"dataset": sealed.dataset, "deposit": sealed.deposit}
    signed = member.sign(Action.DEPOSIT_OPEN, objects, {"manifest": digest})
    command = OpenDeposit(
        ledger=LEDGER,
        dataset=sealed.dataset,
        deposit=sealed.deposit,
        manifest=sealed.manifest,
        signed=signed,
    )

    with pytest.raises(Forbidden):
        house.perform(member, command)


def put_changed(house: EnclaveHouse, sealed: Sealed, octets: bytes) -> None:
    house.put(sealed.deposit, sealed.names["b.txt"], octets)


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: o[:-1], "object-truncated"),
        (lambda o: o[:0], "object-truncated"),
        (lambda o: o + b"x", "object-too-large"),
        (lambda o: b"\x00" + o[1:], "object-altered"),
        (lambda o: o[:-1] + bytes([o[-1] ^ 1]), "object-altered"),
    ],
)
def test_what_differs_from_the_manifest_does_not_arrive(house: EnclaveHouse, change, code: str):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)

    with pytest.raises((DigestMismatch, TooLarge)) as refused:
        put_changed(house, sealed, change(sealed.objects[sealed.names["b.txt"]]))

    assert refused.value.code == code
    assert sealed.names["b.txt"] in house.missing(sealed.deposit)
    assert house.exchange.get(header_name(LEDGER, sealed.deposit, sealed.names["b.txt"])) is None


def test_an_object_comes_in_any_pieces_and_any_number_of_times(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)
    object_id = sealed.names["b.txt"]
    octets = sealed.objects[object_id]

    for size in (1, 1000, 10**6):
        with house.delivery(sealed.deposit) as delivery:
            delivery.begin(object_id)
            for start in range(0, len(octets), size):
                delivery.write(octets[start : start + size])
            delivery.end()
            delivery.keep()

    assert object_id not in house.missing(sealed.deposit)
    assert len(list(house.blobs.digests())) == 1


def test_an_object_that_nobody_announced_is_not_found(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)

    with pytest.raises(NotFound):
        house.put(sealed.deposit, new_id(), b"x")


def test_a_deposit_with_objects_missing_is_not_complete(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)
    house.put(sealed.deposit, sealed.names["b.txt"], sealed.objects[sealed.names["b.txt"]])

    with pytest.raises(Conflict) as refused:
        house.complete(sealed)

    assert refused.value.code == "objects-missing"
    assert not house.items(sealed.dataset)


def test_a_deposit_is_completed_once(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    house.send(sealed)

    with pytest.raises(Conflict):
        house.complete(sealed)

    assert len(house.items(sealed.dataset)) == len(FILES)


def test_nobody_completes_anothers_deposit(house: EnclaveHouse):
    sealed, other = sealed_deposit(house), Member()
    house.grant(other, Role.DEPOSITOR)
    open_signed(house, sealed)
    command = CompleteDeposit(
        ledger=LEDGER,
        dataset=sealed.dataset,
        deposit=sealed.deposit,
        arrived=tuple(sealed.objects),
    )

    with pytest.raises(Forbidden):
        house.perform(other, command)


def outer_with(house: EnclaveHouse, change) -> bytes:
    outer = decode(sealed_deposit(house).manifest)
    change(outer)
    return encode(outer)


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o.update(v=2),
        lambda o: o.update(extra=1),
        lambda o: o.pop("inner"),
        lambda o: o.update(objects=[]),
        lambda o: o.update(objects="x"),
        lambda o: o["objects"].reverse(),
        lambda o: o["objects"].append(o["objects"][-1]),
        lambda o: o["objects"][0].update(padded_size=-1),
        lambda o: o["objects"][0].update(padded_size=True),
        lambda o: o["objects"][0].update(padded_size="9"),
        lambda o: o["objects"][0].update(padded_size=2**40),
        lambda o: o["objects"][0].update(object_id="../../etc"),
        lambda o: o["objects"][0].update(body_sha256="sha256:00"),
        lambda o: o["inner"].update(object_id=new_id()),
        lambda o: o["inner"].update(padded_size=2**29),
    ],
)
def test_an_outer_manifest_of_another_form_is_refused(house: EnclaveHouse, change):
    manifest = outer_with(house, change)

    with pytest.raises((Malformed, TooLarge)):
        parse_outer(manifest)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"v": 1}', b"x" * (2**25 + 1)])
def test_no_octets_break_the_readers_of_manifests(data: bytes):
    for read in (parse_outer, parse_inner):
        with pytest.raises(SandboxError):
            read(data)


def test_a_manifest_with_a_register_over_its_rows_is_refused_before_they_are_read():
    rows = b",".join([b"0"] * (MAX_REGISTER_ROWS + 1))
    fields = b'{"dataset":"","deposit":"","files":[],"register":[%b],"v":1}' % rows

    with pytest.raises(TooLarge) as refused:
        parse_inner(fields)

    assert refused.value.code == "register-too-large"


def abandon(
    house: EnclaveHouse, sealed: Sealed, member: Member, heard_at: datetime | None = None
) -> Receipt:
    command = AbandonDeposit(
        ledger=LEDGER, dataset=sealed.dataset, deposit=sealed.deposit, heard_at=heard_at
    )
    return house.perform(member, command)


def sealed_again(house: EnclaveHouse, sealed: Sealed) -> Sealed:
    """The same files under the same ids, as another client seals them."""
    return house.seal(sealed.dataset, FILES, ids=sealed.names)


@pytest.mark.requirement("R18")
def test_files_of_an_open_deposit_are_not_announced_twice(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)

    with pytest.raises(Conflict) as refused:
        open_signed(house, sealed_again(house, sealed))

    assert refused.value.code == "objects-announced"


@pytest.mark.requirement("R18")
def test_files_that_the_dataset_has_are_not_announced_again(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    house.send(sealed)

    with pytest.raises(Conflict) as refused:
        open_signed(house, sealed_again(house, sealed))

    assert refused.value.code == "objects-deposited"
    assert len(house.items(sealed.dataset)) == len(FILES)


def test_another_dataset_may_have_the_same_ids(house: EnclaveHouse):
    sealed, other = sealed_deposit(house), house.receiving()
    house.send(sealed)

    house.send(house.seal(other, FILES, ids=sealed.names))

    assert len(house.items(other)) == len(FILES)


def test_an_abandoned_deposit_gives_its_files_free(house: EnclaveHouse):
    sealed, other = sealed_deposit(house), Member()
    house.grant(other, Role.DEPOSITOR)
    open_signed(house, sealed)
    house.put(sealed.deposit, sealed.names["b.txt"], sealed.objects[sealed.names["b.txt"]])

    house.clock.now += IDLE
    receipt = abandon(house, sealed, other)
    house.send(sealed_again(house, sealed))

    entry = json.loads(receipt.entry)
    assert (entry["action"], entry["outcome"]["states"]) == (
        "deposit.abandon",
        {"deposit": "ABANDONED"},
    )
    assert len(house.items(sealed.dataset)) == len(FILES)


@pytest.mark.parametrize("end", ["abandoned", "complete"])
def test_a_deposit_that_ended_takes_nothing_more(house: EnclaveHouse, end: str):
    sealed = sealed_deposit(house)
    if end == "abandoned":
        open_signed(house, sealed)
        for object_id, octets in sealed.objects.items():
            house.put(sealed.deposit, object_id, octets)
        abandon(house, sealed, house.depositor)
    else:
        house.send(sealed)

    with pytest.raises(Conflict) as completed:
        house.complete(sealed)
    with pytest.raises(Conflict) as left:
        abandon(house, sealed, house.depositor)

    assert {completed.value.code, left.value.code} == {f"deposit-{end}"}
    assert len(house.items(sealed.dataset)) == (len(FILES) if end == "complete" else 0)


@pytest.mark.parametrize("who", ["officer", "worker"])
def test_only_who_may_deposit_abandons(house: EnclaveHouse, who: str):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)

    with pytest.raises(Forbidden):
        abandon(house, sealed, getattr(house, who))

    assert house.row(Deposit, sealed.deposit).state == "OPEN"


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("who", [Role.DEPOSITOR, Role.STEWARD])
def test_nobody_abandons_anothers_deposit_while_its_client_lives(house: EnclaveHouse, who: Role):
    sealed, other = sealed_deposit(house), Member()
    house.grant(other, who)
    open_signed(house, sealed)
    opened_at = house.row(Deposit, sealed.deposit).opened_at

    house.clock.now = opened_at + IDLE - timedelta(seconds=1)
    with pytest.raises(Forbidden) as early:
        abandon(house, sealed, other)
    house.clock.now += timedelta(seconds=5)
    with pytest.raises(Forbidden) as heard:
        abandon(house, sealed, other, heard_at=opened_at + timedelta(seconds=10))

    assert {early.value.code, heard.value.code} == {"deposit-in-use"}
    assert house.entries()[-1]["ruling"]["rule"] == "deposit.abandon/in-use"
    assert house.row(Deposit, sealed.deposit).state == "OPEN"


@pytest.mark.requirement("R17")
def test_silence_counts_from_the_last_piece_that_came(house: EnclaveHouse):
    sealed, other = sealed_deposit(house), Member()
    house.grant(other, Role.DEPOSITOR)
    open_signed(house, sealed)
    heard_at = house.row(Deposit, sealed.deposit).opened_at + timedelta(hours=1)

    house.clock.now = heard_at + IDLE
    abandon(house, sealed, other, heard_at=heard_at)

    assert house.row(Deposit, sealed.deposit).state == "ABANDONED"


def test_ones_own_deposit_is_abandoned_at_once(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)

    abandon(house, sealed, house.depositor, heard_at=house.clock())

    assert house.row(Deposit, sealed.deposit).state == "ABANDONED"


def test_a_deposit_of_another_dataset_is_not_abandoned(house: EnclaveHouse):
    sealed = sealed_deposit(house)
    open_signed(house, sealed)
    sealed.dataset = house.receiving()

    with pytest.raises(NotFound):
        abandon(house, sealed, house.depositor)
