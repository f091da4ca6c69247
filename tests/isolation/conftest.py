"""A hospital's house, and the same behind its door, for two projects on one dataset."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for folder in ("worker", "api", "journey", "deid"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
sys.path.insert(0, str(Path(__file__).parent))

from enclave_house import EnclaveHouse  # noqa: E402 - found on the path that was just set
from test_hospital_over_http import ward  # noqa: E402 - as above

__all__ = ["ward"]


@pytest.fixture
def house(tmp_path) -> Iterator[EnclaveHouse]:
    made = EnclaveHouse(tmp_path)
    yield made
    made.close()
