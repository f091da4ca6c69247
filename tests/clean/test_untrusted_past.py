"""Deposits whose signature is not in the verified log, and a log that can't be believed."""

from dataclasses import replace
from pathlib import Path

import pytest
from enclave_house import LEDGER, EnclaveHouse
from pydicom.data import get_testdata_file

from policies.vocabulary import ItemState
from sandbox.clean.engine import LocalEngine
from sandbox.clean.recipes import recipe_named
from sandbox.clean.work import CleanWork
from sandbox.errors import VerificationFailed
from sandbox.records.deposits import Deposit

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()


@pytest.mark.parametrize("index", [0, 2])
def test_a_deposit_whose_row_names_another_act_is_quarantined(house: EnclaveHouse, index: int):
    dataset = house.receiving()
    sealed = house.deposit(dataset, {"a.dcm": CT})
    row = house.row(Deposit, sealed.deposit)
    house.change_behind_the_gate(replace(row, opened_index=index))

    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason) == (ItemState.QUARANTINED, "manifest-not-signed")


def test_a_manifest_that_an_earlier_deposit_was_signed_for_does_not_count(house: EnclaveHouse):
    dataset = house.receiving()
    first = house.deposit(dataset, {"a.dcm": CT})
    second = house.seal(dataset, {"b.dcm": CT})
    house.send(second)
    rows = [house.row(Deposit, one.deposit) for one in (first, second)]
    house.change_behind_the_gate(replace(rows[1], opened_index=rows[0].opened_index))

    house.run_worker()

    states = {item.deposit: item.reason for item in house.items(dataset)}
    assert states == {first.deposit: None, second.deposit: "manifest-not-signed"}


def test_while_the_past_cannot_be_believed_nothing_is_judged(house: EnclaveHouse):
    dataset = house.receiving()
    house.deposit(dataset, {"a.dcm": CT})

    def broken(_ledger: str) -> None:
        raise VerificationFailed("log-forked")

    work = CleanWork.over(replace(house.enclave, history=broken), LocalEngine(recipe_named))
    for _, act in work.steps(LEDGER):
        with pytest.raises(VerificationFailed):
            act()

    (item,) = house.items(dataset)
    assert item.state is ItemState.SEALED
