"""Each bad file at each door that takes files: a code, nothing of it anywhere, the batch goes on."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from bad_files import CANARY, named_ct, table
from enclave_house import EnclaveHouse

from policies.vocabulary import DatasetState, ItemState
from sandbox.deid.reasons import REASONS

ROOT = Path(__file__).parents[2]
BAD = table()
GOOD = "good.dcm"


@pytest.fixture(scope="module", params=["basic", "text"])
def offline(request, tmp_path_factory):
    """`anbiao clean` over all of them at once, as it is typed; recipe, report, and what it said."""
    place = tmp_path_factory.mktemp("offline")
    source = place / "source"
    source.mkdir()
    for name, (_, octets, _) in BAD.items():
        (source / name).write_bytes(octets)
    (source / GOOD).write_bytes(named_ct())
    (place / "register.csv").write_text(f"id,name,id_number,mrn,phone\n1,{CANARY} Mirelle,,,\n")
    told = ["--register", place / "register.csv", "--report", place / "report.jsonl"]
    program = [sys.executable, "-m", "api.cli.main", "clean", source, place / "target"]
    done = subprocess.run(
        [*program, "--recipe", request.param, *told],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    lines = [json.loads(line) for line in (place / "report.jsonl").read_text().splitlines()]
    return request.param, place / "target", {line["source"]: line for line in lines}, done


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", BAD)
def test_offline_each_bad_file_gets_its_code(offline, name):
    recipe, _, report, _ = offline
    line, codes = report[name], BAD[name][2]

    if recipe == "text" and name.endswith(".dcm"):
        assert line["state"] == "quarantined"
    elif line["reason"] is None:
        assert None in codes, line
        assert line["state"] == "cleaned"
    else:
        assert line["reason"] in codes, line
        assert line["output"] is None
    assert line["reason"] is None or line["reason"] in REASONS


@pytest.mark.requirement("R66")
def test_offline_nothing_of_them_is_left(offline):
    recipe, target, report, done = offline

    assert set(report) == {*BAD, GOOD}
    assert (report[GOOD]["state"] == "cleaned") == (recipe == "basic")
    said = done.stdout + done.stderr
    for octets in (said, *(path.read_bytes() for path in target.rglob("*") if path.is_file())):
        assert CANARY.encode() not in octets
        assert CANARY.encode("utf-16-le") not in octets


@pytest.fixture(scope="module")
def deposited(tmp_path_factory):
    """All of them in one deposit, and a worker that went through it."""
    folder = tmp_path_factory.mktemp("deposited")
    house = EnclaveHouse(folder)
    records: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = records.append
    logging.getLogger().addHandler(listener)
    dataset = house.receiving()
    files = {name: octets for name, (_, octets, _) in BAD.items()} | {GOOD: named_ct()}
    row = dict.fromkeys(("id_number", "mrn", "phone"))
    rows = ({"id": "1", "name": f"{CANARY} Mirelle", **row},)
    sealed = house.deposit(dataset, files, rows)
    house.run_worker()
    logging.getLogger().removeHandler(listener)
    items = {item.object_id: item for item in house.items(dataset)}
    yield folder, house, dataset, {name: items[sealed.names[name]] for name in files}, records
    house.close()


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", BAD)
def test_deposited_each_bad_file_gets_its_code(deposited, name):
    item, codes = deposited[3][name], BAD[name][2]

    if item.reason is None:
        assert None in codes, item.state
        assert item.state is ItemState.CLEANED
    else:
        assert item.reason in codes
        assert item.state in {ItemState.QUARANTINED, ItemState.HELD}


@pytest.mark.requirement("R66")
@pytest.mark.requirement("R83")
def test_deposited_nothing_of_them_is_left_and_the_batch_went_on(deposited):
    folder, house, dataset, items, records = deposited

    assert items[GOOD].state is ItemState.CLEANED
    assert house.dataset(dataset).state is DatasetState.AWAITING_APPROVAL
    for path in folder.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path.name
    assert not [r for r in records if CANARY in r.getMessage() or CANARY in str(r.exc_info)]
    assert all(CANARY not in json.dumps(entry) for entry in house.entries())
