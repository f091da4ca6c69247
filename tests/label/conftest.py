"""The house for the tests of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from room_house import RoomHouse


@pytest.fixture
def house(tmp_path) -> Iterator[RoomHouse]:
    made = RoomHouse(tmp_path)
    yield made
    made.close()
