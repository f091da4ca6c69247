"""A hospital's house in which people are erased."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))
sys.path.insert(0, str(Path(__file__).parent))

from erasing_house import ErasingHouse


@pytest.fixture
def house(tmp_path) -> Iterator[ErasingHouse]:
    made = ErasingHouse(tmp_path / "house")
    yield made
    made.close()
