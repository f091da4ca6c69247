"""A hospital's house for the tests of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))

from enclave_house import EnclaveHouse


@pytest.fixture
def house(tmp_path) -> Iterator[EnclaveHouse]:
    made = EnclaveHouse(tmp_path)
    yield made
    made.close()
