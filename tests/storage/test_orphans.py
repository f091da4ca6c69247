"""Blobs that nothing names are swept; every other one stays."""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))

from enclave_house import LEDGER, EnclaveHouse, Sealed, new_id
from pydicom.data import get_testdata_file

from sandbox.collect.commands import AbandonDeposit
from sandbox.errors import LedgerUnavailable
from sandbox.exchange import headers_prefix
from sandbox.records.deposits import Item
from sandbox.storage.orphans import REST, sweep_orphans

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()


@pytest.fixture
def house(tmp_path):
    made = EnclaveHouse(tmp_path)
    yield made
    made.close()


def age(house: EnclaveHouse, rest: timedelta = REST) -> None:
    """Let every blob have lain for a while."""
    for path in (house.folder / "blobs").glob("??/*"):
        then = path.stat().st_mtime - rest.total_seconds() - 1
        os.utime(path, (then, then))


def sweep(house: EnclaveHouse) -> int:
    return sweep_orphans(house.ledgers, house.blobs, house.exchange)


def half_sent(house: EnclaveHouse, dataset: str) -> Sealed:
    sealed = house.seal(dataset, {"a.txt": b"first", "b.txt": b"second"})
    house.open_deposit(sealed)
    house.put(sealed.deposit, sealed.names["a.txt"], sealed.objects[sealed.names["a.txt"]])
    return sealed


def test_a_blob_that_nothing_names_is_swept_once_it_has_lain(house: EnclaveHouse):
    orphan = house.blobs.put(b"left by a crash")

    early = sweep(house)
    kept = house.blobs.exists(orphan)
    age(house)
    late = sweep(house)

    assert (early, kept, late) == (0, True, 1)
    assert not house.blobs.exists(orphan)


@pytest.mark.requirement("R66")
def test_everything_that_a_row_names_stays(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    half_sent(house, house.receiving())
    project = house.project(dataset)
    house.run_worker()
    before = set(house.blobs.digests())
    age(house)

    swept = sweep(house)

    assert house.issued(project)
    assert swept == 0
    assert set(house.blobs.digests()) == before


def test_what_came_of_an_abandoned_deposit_is_swept(house: EnclaveHouse):
    sealed = half_sent(house, house.receiving())
    command = AbandonDeposit(ledger=LEDGER, dataset=sealed.dataset, deposit=sealed.deposit)
    house.perform(house.depositor, command)
    prefix = headers_prefix(LEDGER, sealed.deposit)
    before = list(house.exchange.names(prefix))
    age(house)

    swept = sweep(house)

    assert (len(before), swept) == (1, 1)
    assert not list(house.exchange.names(prefix))
    assert not list(house.blobs.digests())


def test_a_blob_that_is_put_again_meanwhile_stays(house: EnclaveHouse):
    orphan = house.blobs.put(b"left by a crash")
    age(house)
    resting = list(house.blobs.resting(REST))
    house.blobs.put(b"left by a crash")

    removed = house.blobs.delete_resting(orphan, REST)

    assert (resting, removed) == ([orphan], False)
    assert house.blobs.exists(orphan)
    assert not house.blobs.delete_resting("0" * 64, REST)


def test_nothing_is_swept_while_a_ledger_can_not_be_read(house: EnclaveHouse):
    orphan = house.blobs.put(b"left by a crash")
    age(house)
    broken = house.folder / "db" / f"{new_id()}.sqlite"
    broken.write_bytes(b"no database")

    with pytest.raises(LedgerUnavailable):
        sweep(house)

    assert house.blobs.exists(orphan)


def test_a_digest_anywhere_in_a_row_counts(house: EnclaveHouse):
    dataset = house.cleaned({"a.dcm": CT})
    (item,) = house.items(dataset)
    odd = house.blobs.put(b"named where nobody would look")
    house.change_behind_the_gate(replace(house.row(Item, item.id), reason=f"see:{odd}"))
    age(house)

    sweep(house)

    assert house.blobs.exists(odd)
