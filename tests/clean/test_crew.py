"""Children do what they are given; one that dies costs only the task it died on."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from sandbox.clean.crew import Crew

REPOSITORY = Path(__file__).parents[2]


class Deadly:
    """Doubles numbers; dies on some, each time or only the first, told by a file per death."""

    def __init__(self, folder: Path, deadly=(), once=()) -> None:
        self.folder, self.deadly, self.once = folder, deadly, once

    def __call__(self):
        return self.double

    def double(self, number: int) -> int:
        deaths = len(list(self.folder.glob(f"{number}-*")))
        if number in self.deadly or (number in self.once and not deaths):
            (self.folder / f"{number}-{deaths}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * number


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_every_task_is_answered_once(tmp_path, size, count):
    tasks = list(range(count))

    answers = Counter(Crew(Deadly(tmp_path), size).answers(tasks))

    assert answers == Counter((number, 2 * number) for number in tasks)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("deadly", [{0}, {99}, {3, 4, 5}, set(range(40, 60))])
def test_only_what_kills_twice_is_given_up(tmp_path, size, deadly):
    answers = dict(Crew(Deadly(tmp_path, deadly), size).answers(range(100)))

    assert answers == {n: None if n in deadly else 2 * n for n in range(100)}
    assert all(len(list(tmp_path.glob(f"{n}-*"))) == 2 for n in deadly)


def test_what_kills_once_is_done_the_second_time(tmp_path):
    answers = dict(Crew(Deadly(tmp_path, once={7, 50}), 2).answers(range(100)))

    assert answers == {n: 2 * n for n in range(100)}


def test_children_are_gone_when_the_answers_are_left(tmp_path):
    before = set(psutil.Process().children())
    answers = Crew(Deadly(tmp_path), 3).answers(range(1000))
    next(answers)

    assert len(set(psutil.Process().children()) - before) == 3
    answers.close()
    assert set(psutil.Process().children()) <= before


ORPHANED = """
import os, sys, signal
from sandbox.clean.crew import Crew
def opened():
    os.write(1, b"here\\n")
    return lambda number: number
answers = Crew(opened, 3).answers(range(10_000_000))
next(answers)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_children_of_a_killed_parent_end_by_themselves():
    """They hold the other end of its output, which closes when the last of them is gone."""
    ended = subprocess.run(
        [sys.executable, "-c", ORPHANED],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == -signal.SIGKILL
    assert set(ended.stdout.split()) == {b"here"}


def test_a_child_leaves_the_interrupt_to_its_parent(tmp_path):
    class Interrupting(Deadly):
        def double(self, number):
            os.kill(os.getpid(), signal.SIGINT)
            return 2 * number

    assert dict(Crew(Interrupting(tmp_path), 2).answers([1, 2])) == {1: 2, 2: 4}
