"""A worker that dies at any step goes on; a restored copy brings nothing back; who may not, can't."""

import json
from dataclasses import replace

import pytest
from enclave_house import LEDGER
from erasing_house import ANNA, BEN, EVERYTHING, ErasingHouse

from crypto.keytree import KeyTree
from crypto.verifier import Broken, Erasures
from policies.vocabulary import DatasetState, ErasureState
from sandbox.erasure.certificates import Certificates
from sandbox.errors import (
    Conflict,
    Forbidden,
    NotFound,
    SandboxError,
    SignatureRequired,
    Unacceptable,
    VerificationFailed,
)
from sandbox.provenance.publishing import Publisher

PARTED = EVERYTHING - {"inner"}


class Killed(BaseException):
    """The process ends here: no handler sees it."""


class DyingStore:
    """A key store in whose process something dies at a given write."""

    def __init__(self, store, box):
        self._store, self._box = store, box

    def __getattr__(self, name):
        act = getattr(self._store, name)
        if name not in {"put", "put_all", "add", "destroy"}:
            return act

        def counted(*arguments):
            self._box[0] -= 1
            if self._box[0] == 0:
                raise Killed
            return act(*arguments)

        return counted


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R85")
@pytest.mark.parametrize("writes", range(1, 31, 2))
def test_a_worker_killed_at_any_write_of_keys_ends_the_erasure_later(tmp_path, writes):
    house = ErasingHouse(tmp_path / "house")
    world = house.labelled()
    erasure, box = house.ordered(world.dataset, ANNA), [writes]
    tree, exchange = house.vault._tree, house.enclave.exchange
    house.vault._tree = KeyTree(tree._root, DyingStore(tree._store, box))
    object.__setattr__(house.enclave, "exchange", DyingStore(exchange, box))
    try:
        house.run_worker()
        house.rotated()
    except Killed:
        assert house.openable(world, BEN) >= PARTED - {"item", "label"}
    box[0] = -1

    house.run_worker()
    house.rotated()

    assert house.erasure(erasure).state is ErasureState.FINAL
    assert house.openable(world, ANNA) == set()
    assert house.openable(world, BEN) == PARTED
    house.close()


@pytest.mark.requirement("R76")
@pytest.mark.requirement("R91")
def test_keys_that_a_restore_brought_back_go_again_before_anything_else(house):
    world = house.labelled()
    kept = {n: dict(_all(s)) for n, s in stores(house).items()}
    house.erased(world.dataset, ANNA)
    assert house.erasing.replay(LEDGER) == 0
    for name, store in stores(house).items():
        store.put_all(kept[name])
    assert "source" in house.openable(world, ANNA)

    again = house.erasing.replay(LEDGER)

    assert again == 1
    assert house.openable(world, ANNA) == set()
    assert house.openable(world, BEN) >= PARTED
    assert house.erasing.replay(LEDGER) == 0


@pytest.mark.requirement("R91")
def test_a_key_store_from_before_a_rotation_is_noticed_and_nothing_is_done(house):
    world = house.labelled()
    old = dict(_all(house.vault_store))
    house.erased(world.dataset, ANNA)
    house.rotated()
    for name in list(house.vault_store.names("")):
        house.vault_store.destroy(name)
    house.vault_store.put_all(old)

    assert not house.vault.epoch_lives(LEDGER)
    with pytest.raises(VerificationFailed, match="key-store-outdated"):
        house.erasing.replay(LEDGER)


@pytest.mark.requirement("R76")
def test_rows_changed_behind_the_gate_erase_nobody_else(house):
    world = house.labelled()
    erasure = house.ordered(world.dataset, ANNA)
    house.erasing.begin(LEDGER, house.erasure(erasure))
    row = house.erasure(erasure)
    house.change_behind_the_gate(replace(row, subjects=(world.by_mrn[BEN].subject or "",)))

    with pytest.raises(VerificationFailed, match="erasure-not-signed"):
        house.erasing.complete(LEDGER, house.erasure(erasure))

    assert house.openable(world, BEN) == EVERYTHING


@pytest.mark.requirement("R77")
def test_a_legal_hold_stops_an_order_and_what_was_ordered_until_it_is_lifted(house):
    world = house.labelled()
    erasure = house.ordered(world.dataset, ANNA)
    hold = house.hold(world.dataset)
    house.run_worker()
    assert house.erasure(erasure).state is ErasureState.ORDERED
    with pytest.raises(Forbidden):
        house.ordered(world.dataset)
    with pytest.raises(Forbidden):
        house.erasing.begin(LEDGER, house.erasure(erasure))
    assert house.dataset(world.dataset).state is not DatasetState.CLOSED

    house.lift(world.dataset, hold)
    house.run_worker()

    assert house.erasure(erasure).state is ErasureState.ERASED
    with pytest.raises(Conflict, match="hold-lifted"):
        house.lift(world.dataset, hold)


@pytest.mark.requirement("R76")
def test_nobody_but_a_steward_orders_and_only_by_what_was_signed(house):
    dataset = house.receiving()
    for who, error in ((house.officer, Forbidden), (house.depositor, Forbidden)):
        with pytest.raises(error):
            house.perform(who, house.order(dataset, by=who))
    for wrong, error in (
        ({"signed": None}, SignatureRequired),
        ({"ground": "another"}, Unacceptable),
        ({"scope": "subject"}, Unacceptable),
        ({"dataset": "0" * 32}, NotFound),
    ):
        with pytest.raises(error):
            house.perform(house.steward, replace(house.order(dataset), **wrong))
    command = house.order(dataset)
    house.perform(house.steward, command)
    with pytest.raises(SandboxError):
        house.perform(house.steward, command)
    assert not any(e["action"] == "erasure.begin" for e in house.entries())


@pytest.mark.requirement("R76")
def test_an_order_that_names_nobody_or_too_much_is_refused(house):
    dataset = house.receiving()
    both = house.order(dataset, subject="a" * 32)
    for wrong in (replace(both, subject=""), replace(both, scope="dataset")):
        with pytest.raises(Unacceptable):
            house.perform(house.steward, wrong)


@pytest.mark.requirement("R76")
def test_a_certificate_is_made_only_once_it_is_final_and_names_index_and_epoch(house):
    world = house.labelled()
    certificates = Certificates(house.ledgers, Publisher(house.folder / "log"))
    erasure = house.erased(world.dataset, ANNA)
    with pytest.raises(Conflict, match="erasure-not-final"):
        certificates.of(LEDGER, erasure)
    house.rotated()

    made = certificates.of(LEDGER, erasure)

    entries = [json.loads(one["entry"]) for one in made["evidence"]]
    row = house.erasure(erasure)
    assert entries[0]["index"] == 0
    assert {row.ordered_index, row.completed_index, row.rotated_index} <= {
        e["index"] for e in entries
    }
    rotation = tell(entries, whole=False).final(erasure)
    assert rotation is not None
    assert rotation["signed"]["terms"]["from_epoch"] == str(row.epoch) == "1"


@pytest.mark.requirement("R76")
@pytest.mark.parametrize(
    ("which", "change", "code"),
    [
        ("erasure.order", {"roles": ["depositor"]}, "erasure-by-nobody-entitled"),
        ("erasure.complete", {"roles": ["steward"]}, "erasure-by-nobody-entitled"),
        ("erasure.begin", {"subjects": ""}, "erasure-of-somebody-else"),
        ("erasure.begin", {"subjects": "x"}, "erasure-malformed"),
        ("erasure.complete", {"epoch": "2"}, "erasure-counts-differ"),
        ("key.rotate", {"to_epoch": "3"}, "rotation-out-of-order"),
        ("key.rotate", {"through": "999999"}, "rotation-out-of-order"),
        ("key.rotate", {"through": "-1"}, "rotation-malformed"),
    ],
)
def test_a_verifier_refuses_an_erasure_told_wrongly(house, which, change, code):
    world = house.labelled()
    house.erased(world.dataset, ANNA)
    house.rotated()
    entries = house.entries()
    for entry in entries:
        if entry["action"] == which:
            roles = change.get("roles")
            if roles:
                entry["roles"] = roles
            else:
                entry["signed"]["terms"] |= change

    with pytest.raises(Broken, match=code):
        tell(entries)


@pytest.mark.requirement("R76")
def test_a_verifier_refuses_steps_left_out_doubled_or_followed_by_work(house):
    world = house.labelled()
    house.erased(world.dataset, ANNA)
    house.rotated()
    entries = house.entries()
    steps = [e for e in entries if e["action"].startswith("erasure.")]
    cleaned = next(
        e
        for e in entries
        if e["action"] == "item.clean"
        and e["outcome"]["objects"]["subject"] == world.by_mrn[ANNA].subject
    )

    Erasures().take(steps[0])
    for wrong, code in (
        (steps[1:], "erasure-out-of-order"),
        ([steps[0], steps[2]], "erasure-out-of-order"),
        ([steps[0], steps[0]], "erasure-ordered-twice"),
        ([*steps, steps[2]], "erasure-out-of-order"),
        ([*steps, cleaned], "erased-and-processed"),
    ):
        with pytest.raises(Broken, match=code):
            tell(wrong)


def stores(house):
    return {"vault": house.vault_store, "exchange": house.exchange}


def _all(store):
    return [(name, store.get(name)) for name in store.names("")]


def tell(entries, *, whole=True):
    told = Erasures(whole=whole)
    for entry in entries:
        told.take(entry)
    return told
