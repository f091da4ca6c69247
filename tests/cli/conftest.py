"""The small hospital of the verifier's tests lends its log."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "verifier"))
