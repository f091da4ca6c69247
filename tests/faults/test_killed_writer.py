"""The writer of a log, killed fifty times over each store and failed in four other ways.

Every second step here; `make torture` takes them all, again and again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = [TESTS.parent, *(TESTS / name for name in ("auditor", "faults", "gate", "storage"))]
LIVES = 75
"""Two of three faults are kills."""


@pytest.mark.requirement("R65")
@pytest.mark.requirement("R91")
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_killed_writer_loses_doubles_and_forks_nothing(tmp_path, store):
    more = ["--postgresql"] if store == "postgresql" else []

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "killed_writer",
            tmp_path / "house",
            str(LIVES),
            "--stride",
            "2",
            *more,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    tally = json.loads(done.stdout)
    assert tally["runs"]["kill"] == tally["killed"] == 50
    assert set(tally["runs"]) == {
        "kill",
        "failed-not-persisted",
        "failed-but-persisted",
        "lost-before-sending",
        "lost-after-sending",
    }
    assert tally["acknowledged"] >= 2 * (LIVES + 1)
    assert (tally["lost"], tally["doubled"], tally["forks"], tally["unfinished"]) == (0, 0, 0, 0)
    # Fewer steps than are killed at: each second one was met.
    assert 60 < tally["steps"] < 160
