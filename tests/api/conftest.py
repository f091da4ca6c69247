"""A town for the tests of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from town import Person, Town


@pytest.fixture
def town(tmp_path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


@pytest.fixture
def operator(town) -> Person:
    return town.found()


@pytest.fixture
def steward(town, operator) -> Person:
    return town.enrolled(operator, "stella")


@pytest.fixture
def ledger(town, operator, steward) -> str:
    return town.hospital(operator, steward)
