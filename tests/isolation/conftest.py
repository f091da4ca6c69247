"""A hospital's house for two projects on one dataset."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for folder in ("worker", "api", "journey", "deid"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
sys.path.insert(0, str(Path(__file__).parent))

from enclave_house import EnclaveHouse  # noqa: E402 - found on the path that was just set


@pytest.fixture
def house(tmp_path) -> Iterator[EnclaveHouse]:
    made = EnclaveHouse(tmp_path)
    yield made
    made.close()
