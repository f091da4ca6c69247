"""The room of people for the tests of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from people_house import PeopleHouse


@pytest.fixture
def house(tmp_path) -> Iterator[PeopleHouse]:
    made = PeopleHouse(tmp_path)
    yield made
    made.close()
