"""A ward of `tests/worker`, with the firm's people, a checker, a recipient and a regulator."""

import sys
from pathlib import Path

import pytest

for folder in ("worker", "api", "auditor"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
sys.path.insert(0, str(Path(__file__).parent))

from firm import Firm  # noqa: E402 - found on the path that was just set
from test_hospital_over_http import Ward, ward  # noqa: E402 - as above

__all__ = ["ward"]


@pytest.fixture
def firm(ward: Ward) -> Firm:
    return Firm.of(ward)
