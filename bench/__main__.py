"""`python -m bench [--room ROOM]`: runs every `<room>_*.py` beside it and shows the figures."""

import argparse
import importlib
import sys
from pathlib import Path

ROOMS = ("crypto", "gate", "log", "deposit", "clean", "label", "release")
HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--room", choices=ROOMS, help="this room's figures only")
    room = parser.parse_args().room
    # The measuring modules stand beside each other and share `figures`.
    sys.path.insert(0, str(HERE))
    figures = importlib.import_module("figures")
    for name in (room,) if room else ROOMS:
        for path in sorted(HERE.glob(f"{name}_*.py")):
            importlib.import_module(path.stem).run()
    return 0 if figures.show() else 1


if __name__ == "__main__":
    sys.exit(main())
