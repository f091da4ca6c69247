"""A time-stamp authority for the tests of this folder; makers of logs lend themselves."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "verifier"))

from stamp_authority import Authority, Door


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stamps") / "authority")


@pytest.fixture
def door(authority: Authority) -> Iterator[Door]:
    made = Door(authority)
    yield made
    made.close()
