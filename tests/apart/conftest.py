"""Makes the modules beside the tests importable, and the maker of certificates."""

import sys
from pathlib import Path

for folder in ("api", "apart"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
