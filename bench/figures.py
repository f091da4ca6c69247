"""Where a figure goes: one JSON object per line in `results.jsonl`, and one row of a table.

`best_of` and `rate` measure: the best of several rounds, because what disturbs a measurement
only ever makes it slower. Two sides of a ratio are measured in turns on the same machine.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results.jsonl"
ROUNDS = 7
ROUND_S = 0.2
_PLAIN_WIDTH = 140


@dataclass(frozen=True)
class Figure:
    """One measured value; `goal` is a text like `>= 0.5`, `met` is true without a goal."""

    room: str
    name: str
    value: float
    unit: str
    against: str | None
    ratio: float | None
    goal: str | None
    met: bool
    machine: str
    date: str


_RECORDED: list[Figure] = []


def record(  # noqa: PLR0913, PLR0917 - one argument per member of the line
    room: str,
    name: str,
    value: float,
    unit: str,
    against: str | None = None,
    ratio: float | None = None,
    goal: str | None = None,
    met: bool = True,
    told: bool = False,
) -> Figure:
    """Append a figure to the results; it will stand in the table, too, unless told otherwise.

    A figure that its room has `told` in a table of its own isn't shown again while it is met.
    """
    rounded = None if ratio is None else _rounded(ratio)
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    figure = Figure(
        room, name, _rounded(value), unit, against, rounded, goal, met, _machine(), date
    )
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(figure), ensure_ascii=False) + "\n")
    if not (told and met):
        _RECORDED.append(figure)
    return figure


def show() -> bool:
    """Print what was recorded so far as a table; whether every goal was met."""
    table = Table("room", "figure", "value", "unit", "against", "ratio", "goal", "met")
    for figure in _RECORDED:
        row = asdict(figure)
        shown = [row[c] for c in ("room", "name", "value", "unit", "against", "ratio", "goal")]
        verdict = ("yes" if figure.met else "[red]no[/red]") if figure.goal else ""
        table.add_row(*("" if cell is None else str(cell) for cell in shown), verdict)
    console = Console()
    # Names must stay whole where there is no terminal to be narrow.
    (console if console.is_terminal else Console(width=_PLAIN_WIDTH)).print(table)
    return all(figure.met for figure in _RECORDED)


def best_of(act: Callable[[], object], rounds: int = ROUNDS, round_s: float = ROUND_S) -> float:
    """Seconds that one call takes: the mean of the best round."""
    return best_of_each([act], rounds, round_s)[0]


def best_of_each(
    acts: Sequence[Callable[[], object]], rounds: int = ROUNDS, round_s: float = ROUND_S
) -> list[float]:
    """Seconds per call of each act; rounds go in turns, so that all see the same weather."""
    best = [float("inf")] * len(acts)
    for _ in range(rounds):
        for place, act in enumerate(acts):
            best[place] = min(best[place], _one_round(act, round_s))
    return best


def _one_round(act: Callable[[], object], round_s: float) -> float:
    act()
    calls, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < round_s:
        act()
        calls += 1
    return spent / max(calls, 1)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _machine() -> str:
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
