"""The house for the tests of this folder; it is label's, as a release rests on labels."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "label"))

from release_house import ReleaseHouse


@pytest.fixture
def house(tmp_path) -> Iterator[ReleaseHouse]:
    made = ReleaseHouse(tmp_path)
    yield made
    made.close()
