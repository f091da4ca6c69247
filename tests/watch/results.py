"""What a run of the tests leaves in `build/`: results by requirement, and what reached outside.

`requirements.json` is what `anbiao requirements` reads; `outbound.json` is R86, measured. Runs of a
part of the suite over the same source add to the results of the others; a run over other source
begins anew.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

import outbound
import pytest

from api.requirements import RESULTS
from api.source_state import source_state

ROOT = Path(__file__).resolve().parents[2]
OUTBOUND = "build/outbound.json"
PROPERTY = "requirement"


def begin_watch() -> None:
    """Name a folder, once and for every process below this one, and watch this process, too."""
    if not os.environ.get(outbound.FOLDER):
        folder = tempfile.mkdtemp(prefix="outbound-")
        Path(folder).chmod(0o1733)  # a test may run a process as another user
        os.environ[outbound.FOLDER] = folder
        os.environ[outbound.OWNER] = str(os.getpid())
        paths = [outbound.HERE, *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    outbound.watch()


class Tagging:
    """In every process that runs tests: each report carries its test's numbers."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items) -> None:
        for item in items:
            for mark in item.iter_markers("requirement"):
                item.user_properties += [(PROPERTY, number) for number in mark.args]


class Keeping:
    """In the process that was started by hand: gather, and write at the end."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._state = source_state(root)
        self._tests: dict[str, dict] = {}
        self._reached: dict[str, object] = {}

    def pytest_runtest_logreport(self, report) -> None:
        numbers = {value for name, value in report.user_properties if name == PROPERTY}
        if not numbers or (report.when != "call" and report.passed):
            return
        kept = self._tests.setdefault(
            report.nodeid.split("[")[0], {"requirements": set(), "result": "passed", "cases": 0}
        )
        kept["requirements"] |= numbers
        kept["cases"] += report.when == "call"
        if report.failed:
            kept["result"] = "failed"
        elif report.skipped and kept["result"] != "failed":
            kept["result"] = "untested"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session) -> None:
        self._write_results()
        self._reached = outbound.told(Path(os.environ[outbound.FOLDER]))
        self._write(self._root / OUTBOUND, {"commit": self._state.commit, **self._reached})
        shutil.rmtree(os.environ[outbound.FOLDER], ignore_errors=True)
        if self._reached["other"] or self._reached["unwatched"]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter) -> None:
        for attempt in self._reached.get("attempts", []):
            terminalreporter.write_line(f"OUTBOUND (R86) {attempt}", red=True)
        for started in self._reached.get("unwatched", []):
            terminalreporter.write_line(f"OUTBOUND (R86) not watched: {started}", red=True)

    def _write_results(self) -> None:
        path, state = self._root / RESULTS, self._state
        changed = source_state(self._root) != state
        head = {"commit": state.commit, "tree": "changed during the run" if changed else state.tree}
        kept = self._kept_before(path, head)
        for name, one in self._tests.items():
            kept[name] = {**one, "requirements": sorted(one["requirements"])}
        self._write(path, {**head, "tests": dict(sorted(kept.items()))})

    @staticmethod
    def _kept_before(path: Path, head: dict) -> dict:
        """Results of earlier runs over the same source."""
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            same = all(before[name] == value for name, value in head.items())
            return before["tests"] if same else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    @staticmethod
    def _write(path: Path, content: dict) -> None:
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")
        beside.replace(path)


def install(config) -> None:
    """Hang the plugins into a run of pytest."""
    config.pluginmanager.register(Tagging(), "requirement-tagging")
    worker = hasattr(config, "workerinput")
    if not worker and os.environ.get(outbound.OWNER) == str(os.getpid()):
        config.pluginmanager.register(Keeping(ROOT), "requirement-results")
