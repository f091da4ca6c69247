"""A few of the failing steps that `make torture` plays in full, and what the tracer itself does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = [TESTS.parent, *(TESTS / name for name in ("auditor", "faults", "journey", "storage"))]
WRITER = """
import os, sys
for name in "ab":
    with open(f"{sys.argv[1]}/{name}", "wb", 0) as file:
        file.write(b"x")
        os.fsync(file.fileno())
    os.rename(f"{sys.argv[1]}/{name}", f"{sys.argv[1]}/{name}.done")
"""


def program(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(TESTS / "faults" / name), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS))},
        capture_output=True,
        text=True,
        check=False,
    )


def traced(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    told = ("--", sys.executable, "-c", WRITER, folder)
    return program("tracer.py", "--below", folder, *arguments, *told)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_tracer_numbers_what_changes_the_disk(tmp_path):
    done = traced(tmp_path, "--steps", "/dev/stdout")

    assert done.returncode == 0
    calls = [line.split()[:2] for line in done.stdout.splitlines()]
    assert [int(number) for number, _ in calls] == list(range(1, 9))
    assert [name for _, name in calls] == ["openat", "write", "fsync", "rename"] * 2


@pytest.mark.parametrize(
    ("at", "side", "left"),
    [
        (1, "before", []),
        (1, "after", ["a"]),
        (4, "before", ["a"]),
        (4, "after", ["a.done"]),
        (8, "before", ["a.done", "b"]),
    ],
)
def test_the_tracer_kills_at_that_very_step(tmp_path, at, side, left):
    done = traced(tmp_path, "--at", at, "--side", side)

    assert done.returncode == 137
    assert names(tmp_path) == left


@pytest.mark.parametrize(("side", "size"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("fault", ["ENOSPC", "EROFS", "EIO"])
def test_the_tracer_lets_a_write_fail_with_or_without_its_effect(tmp_path, fault, side, size):
    done = traced(tmp_path, "--at", 2, "--side", side, "--fault", fault)

    assert done.returncode == 1
    assert fault in done.stderr or "OSError" in done.stderr
    assert (tmp_path / "a").stat().st_size == size


@pytest.mark.requirement("R65")
@pytest.mark.requirement("R91")
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_some_failing_steps_lose_and_double_nothing(tmp_path, store):
    more = ["--postgresql"] if store == "postgresql" else []

    done = program("every_step.py", tmp_path / "album", "--stride", 397, *more)

    assert done.returncode == 0, done.stdout + done.stderr
    tallies = [json.loads(line) for line in done.stdout.splitlines()]
    assert {tally["moment"] for tally in tallies} == {"people", "open", "issue", "screen", "seal"}
    assert {tally["process"] for tally in tallies} == {"server", "worker", "notary"}
    assert all(tally["steps"] >= 10 for tally in tallies)
    assert sum(sum(tally["runs"].values()) for tally in tallies) >= 8
