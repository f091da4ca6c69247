"""Processes killed at random moments of a whole play: nothing acknowledged is lost or doubled.

A few kills here; `make torture` does many and keeps the counts.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from siege import Siege, few_films

ROOT = Path(__file__).parents[2]


@pytest.fixture
def siege(tmp_path: Path) -> Iterator[Siege]:
    house = Siege(tmp_path / "house", seed=20260117)
    try:
        house.found()
        yield house
    finally:
        house.end()


@pytest.mark.requirement("R66")
def test_a_play_under_kills_reaches_its_end_and_the_log_holds_each_act_once(siege, tmp_path):
    few_films(tmp_path / "films")

    play = siege.besiege(tmp_path / "films", most=6)
    tally = siege.judge()

    assert (tally.lost, tally.doubled, tally.forks) == (0, 0, 0)
    assert set(tally.kills) == {"notary", "worker", "serve"}
    assert tally.acknowledged > 8
    assert {path.name for path in play.files_left} > {"labels.jsonl", "passport.json"}
    assert siege.verdict()[0] == 0


def test_the_judge_sees_a_loss_a_double_and_a_fork(siege):
    for number in range(4):
        siege.create(f"short {number}")
    sound = replace(siege.judge())
    siege.titles["never made"] = True
    siege.create("short 0")
    note = next(iter(siege.checkpoints))
    origin, size, root, *rest = note.split(b"\n")
    siege.checkpoints.add(b"\n".join((origin, size, root[:-2] + b"w=", *rest)))

    tally = siege.judge()

    assert sound.clean
    assert (sound.acknowledged, sound.unanswered) == (4, 0)
    assert (tally.lost, tally.doubled, tally.forks) == (1, 1, 1)
    assert not tally.clean


def torture(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "bench.torture", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=120,
    )


def test_torture_keeps_its_counts_with_date_and_commit(tmp_path):
    results = tmp_path / "results.jsonl"

    done = torture("--rounds", 1, "--most", 2, "--parts", "faults", "--results", results)

    assert done.returncode == 0, done.stderr
    kept = json.loads(results.read_text())
    assert {"date", "commit", "seed", "acknowledged"} <= kept.keys()
    assert (kept["rounds"], kept["lost"], kept["doubled"], kept["forks"]) == (1, 0, 0, 0)
    assert sum(kept["kills"].values()) >= 2
    assert kept["good"]
    assert torture("--rounds", "many").returncode == 2
