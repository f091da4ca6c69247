"""Houses for the tests of this folder: one without doors, one of real processes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))
sys.path.insert(0, str(Path(__file__).parent))

from enclave_house import EnclaveHouse
from running_house import CLEAN_BYTES, RunningHouse


@pytest.fixture
def house(tmp_path) -> Iterator[EnclaveHouse]:
    made = EnclaveHouse(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHouse]:
    folder = tmp_path_factory.mktemp("running") / "house"
    folder.mkdir()
    (folder / "settings.toml").write_text(f"clean_bytes = {CLEAN_BYTES}\ndeposit_idle_s = 1\n")
    made = RunningHouse(folder)
    try:
        made.begin()
        yield made
    finally:
        made.close()
