"""Puts the siege, and the demo's small input, where the tests find them."""

import sys
from pathlib import Path

for folder in ("journey", "auditor", "deid", "storage", "worker"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
sys.path.insert(0, str(Path(__file__).parent))
