"""Makers stand beside the tests; the houses of the rooms lend themselves for the last check."""

import sys
from pathlib import Path

for folder in ("verifier", "release", "label"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
