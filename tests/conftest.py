"""No test reaches beyond this machine (R86), and each result is kept by requirement.

`watch/outbound.py` watches every Python process of the run, `watch/results.py` writes what was seen
to `build/`; a run in which anything reached outside fails as a whole.
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "watch"))

import results

results.begin_watch()

# Whoever starts the tests in the background may have Ctrl-C ignored; what the tests start must not
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    results.install(config)
