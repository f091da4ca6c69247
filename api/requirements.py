"""Requirement -> tests -> result -> where in the docs.

- Texts, English and Chinese, and places in the docs are the rows of `docs/requirements.csv`, from
  which `docs/requirements.md` is drawn.
- Tests are found by their marker `@pytest.mark.requirement("R49")` in the source text, so that
  nothing has to be run to list them.
- Results are what `make test` wrote to `build/requirements.json`. They count for the very source
  that they were won on: of another commit, or of a tree changed since, none does.
- A requirement is passed when all of its tests ran and passed, failed when one failed, else
  untested. What no test names is untested.
"""

import ast
import csv
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from api.source_state import source_state

ROOT: Final = Path(__file__).resolve().parent.parent
ROWS: Final = Path("docs/requirements.csv")
RESULTS: Final = Path("build/requirements.json")


class Result(StrEnum):
    """What the tests of a requirement say together."""

    PASSED = "passed"
    FAILED = "failed"
    UNTESTED = "untested"


@dataclass(frozen=True)
class Requirement:
    """One row of the table: what is asked, and where the docs speak of it."""

    number: str
    area: str
    english: str
    chinese: str
    source: str
    where: str


@dataclass(frozen=True)
class Judged:
    """A requirement with its tests and what they say."""

    requirement: Requirement
    tests: Sequence[str]
    result: Result


def requirements(root: Path = ROOT) -> list[Requirement]:
    """All rows, in order.

    Raises:
        FileNotFoundError: `root` is no source tree of ours.
    """
    with (root / ROWS).open(encoding="utf-8", newline="") as rows:
        return [
            Requirement(
                row["number"], row["area"], row["behaviour"], row["zh"], row["source"], row["where"]
            )
            for row in csv.DictReader(rows)
        ]


def judged(root: Path = ROOT) -> list[Judged]:
    """Every requirement with its tests and their result for the source as it is now."""
    named, won = marked(root), results(root)
    return [_judge(one, named.get(one.number, []), won) for one in requirements(root)]


def results(root: Path) -> Mapping[str, Mapping[str, str]]:
    """Requirement -> test -> outcome, as the last run wrote them for this very source."""
    try:
        kept = json.loads((root / RESULTS).read_text(encoding="utf-8"))
        state = source_state(root)
        if (kept["commit"], kept["tree"]) != (state.commit, state.tree):
            return {}
        found: dict[str, dict[str, str]] = {}
        for test, said in kept["tests"].items():
            for number in said["requirements"]:
                found.setdefault(number, {})[test] = said["result"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


def _judge(one: Requirement, named: Sequence[str], won: Mapping[str, Mapping[str, str]]) -> Judged:
    ran = won.get(one.number, {})
    missing = [test for test in named if not any(_covers(test, each) for each in ran)]
    tests = sorted({*ran, *missing}) if ran else list(named)
    return Judged(one, tests, _together(ran.values(), missing))


def _together(outcomes: Collection[str], missing: Sequence[str]) -> Result:
    if Result.FAILED in outcomes:
        return Result.FAILED
    if missing or not outcomes or any(one != Result.PASSED for one in outcomes):
        return Result.UNTESTED
    return Result.PASSED


def _covers(named: str, ran: str) -> bool:
    """Whether a test that ran is the one that is named, or lies in the module or class so named."""
    return ran == named or ran.startswith(f"{named}::")


def marked(root: Path = ROOT) -> dict[str, list[str]]:
    """Requirement -> the tests that name it, as `tests/folder/file.py::name`."""
    found: dict[str, set[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        where = path.relative_to(root).as_posix()
        for name, number in _marks(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(number, set()).add(f"{where}::{name}" if name else where)
    return {number: sorted(tests) for number, tests in found.items()}


def _marks(module: ast.Module | ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Each marked name of a module ("" for the module itself) and the number it is marked with."""
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                for part in node.decorator_list:
                    yield from ((name, number) for number in _said(part))
                if isinstance(node, ast.ClassDef):
                    yield from ((f"{name}::{test}", one) for test, one in _marks(node))
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                yield from (("", number) for number in _said(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.startswith("Test"):
                yield from ((name, number) for number in _said(value))
            case _:
                pass


def _said(tree: ast.expr) -> Iterator[str]:
    """The numbers that a marker, or an expression around markers, names."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=arguments):
                for one in arguments:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield one.value
            case _:
                pass
