"""Pages drawn from the tables: committed, and equal to what their commands print."""

import subprocess
import sys
from pathlib import Path

import pytest

from policies import diagrams, matrix, summary
from policies.states import MACHINES
from policies.vocabulary import Action, Role

ROOT = Path(__file__).parents[2]
PAGES = [
    ("policies.diagrams", "docs/states.md", diagrams.page),
    ("policies.summary", "docs/policy.md", summary.page),
    ("policies.matrix", "tests/policies/golden_matrix.csv", matrix.as_csv),
]


@pytest.mark.parametrize(("module", "path", "draw"), PAGES)
def test_committed_page_is_what_the_tables_say(module, path, draw):
    committed = (ROOT / path).read_text(encoding="utf-8")

    assert committed == draw(), f"run `python -m {module} > {path}`"


@pytest.mark.parametrize(("module", "path"), [page[:2] for page in PAGES])
def test_command_prints_the_page(module, path):
    printed = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, capture_output=True, check=True, timeout=60
    )

    assert printed.stdout.decode() == (ROOT / path).read_text(encoding="utf-8")
    assert printed.stderr == b""


def test_every_state_and_arrow_is_drawn():
    page = diagrams.page()

    for table in MACHINES.values():
        for state, following in table.items():
            assert all(f"    {state} --> {follow}\n" in page for follow in following)
            assert following or f"    {state} --> [*]\n" in page


def test_machine_begins_where_its_table_does():
    drawn = diagrams.mermaid({"A": frozenset({"B"}), "B": frozenset()})

    assert drawn == "stateDiagram-v2\n    [*] --> A\n    A --> B\n    B --> [*]"


@pytest.mark.requirement("R09")
def test_policy_page_names_every_act_and_role():
    page = summary.page()

    assert all(f"| `{action}` |" in page for action in Action)
    assert all(f" {role} " in page for role in Role)
