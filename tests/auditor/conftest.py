"""The maker of small logs stands with the verifier's tests."""

import sys
from pathlib import Path

for folder in ("auditor", "verifier"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
