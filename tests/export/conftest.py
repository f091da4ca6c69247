"""The small hospitals of `tests/verifier` lend their packs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "verifier"))
