"""From a sealed deposit to masters, on real bytes, through the gate."""

from pathlib import Path

import pytest
from enclave_house import EnclaveHouse
from pydicom.data import get_testdata_file

from policies.vocabulary import DatasetState, ItemState

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
NOTE = "患者姓名：王小明，电话：13800138000。\n胸部CT：未见异常。\n".encode()


@pytest.mark.requirement("R18")
def test_a_deposit_becomes_masters_and_awaits_approval(house: EnclaveHouse):
    dataset = house.receiving()
    register = [
        {"id": "p1", "name": "王小明", "id_number": None, "mrn": "M-1", "phone": "13800138000"}
    ]

    house.deposit(dataset, {"王小明/片 1.dcm": CT}, register)
    house.run_worker()

    (item,) = house.items(dataset)
    assert (item.state, item.reason, item.kind) == (ItemState.CLEANED, None, "dicom")
    assert house.dataset(dataset).state is DatasetState.AWAITING_APPROVAL
