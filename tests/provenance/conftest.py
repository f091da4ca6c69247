"""The auditor that is not ours lends itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "auditor"))
