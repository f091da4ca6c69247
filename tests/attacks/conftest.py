"""Puts the makers of small logs and the attack itself where the tests find them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "verifier"))
sys.path.insert(0, str(Path(__file__).parent))
