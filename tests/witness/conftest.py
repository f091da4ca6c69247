"""Small logs stand with the verifier's tests."""

import sys
from pathlib import Path

for folder in ("witness", "verifier"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
