"""No test reaches beyond this machine (R86), and each result is kept by requirement.

`watch/outbound.py` watches every Python process of the run, `watch/results.py` writes what was seen
to `build/`; a run in which anything reached outside fails as a whole.
"""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent / "storage"))

if TYPE_CHECKING:
    from postgres_server import PostgresServer

sys.path.insert(0, str(Path(__file__).resolve().parent / "watch"))

import results

results.begin_watch()

# How long an example takes says how busy the machine is, and not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Whoever starts the tests in the background may have Ctrl-C ignored; what the tests start must not
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    results.install(config)


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A real PostgreSQL server, one for each process that runs tests, started when first needed."""
    from postgres_server import PostgresServer  # noqa: PLC0415 - few tests need it

    with PostgresServer() as server:
        yield server
