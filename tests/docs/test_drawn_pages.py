"""Pages that are drawn from the source are committed as drawn; what they promise to name, they name."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from api import cli_page, errors_page, openapi
from api.cli.main import COMMANDS
from policies import diagrams, summary
from sandbox import settings_page
from sandbox.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [
    ("docs/cli.md", cli_page.page, "python -m api.cli_page"),
    ("docs/errors.md", errors_page.page, "python -m api.errors_page"),
    ("docs/settings.md", settings_page.page, "python -m sandbox.settings_page"),
    ("docs/states.md", diagrams.page, "python -m policies.diagrams > docs/states.md"),
    ("docs/policy.md", summary.page, "python -m policies.summary > docs/policy.md"),
]


@pytest.mark.parametrize(("path", "draw", "command"), PAGES, ids=[page[0] for page in PAGES])
def test_committed_page_is_what_the_source_says(path, draw, command):
    assert (ROOT / path).read_text(encoding="utf-8") == draw(), f"run `{command}`"


def test_requirements_page_is_what_the_markers_say():
    table = ROOT / "tests" / "requirements_table.py"

    checked = subprocess.run([sys.executable, str(table), "--check"], check=False, timeout=120)

    assert checked.returncode == 0, "run `python tests/requirements_table.py`"


def test_openapi_is_current():
    assert openapi.main(["--check"]) == 0, "run `python -m api.openapi`"


def test_every_command_has_its_help_on_the_page():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    assert all(f"\n## anbiao {name}\n" in page for name in COMMANDS)


def test_every_setting_is_on_the_page_with_a_meaning():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert all(f"| `{name}` |" in page for name in Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())


def literal_codes() -> set[str]:
    """The plainest reading, without following names: literals that raise statements give."""
    classes = {*errors_page.sandbox_classes(), "ClientError", "VerificationError"}
    found = set()
    for package in ("sandbox", "api", "crypto"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[first, *_])):
                        if name in classes and isinstance(first, ast.Constant):
                            found.add(first.value)
                    case _:
                        pass
    return found


def test_every_code_that_is_raised_is_on_the_page():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    default = {one.default_code for one in errors_page.sandbox_classes().values()}

    missing = [code for code in sorted(literal_codes() | default) if f"`{code}`" not in page]

    assert missing == []


def test_codes_are_followed_through_names():
    codes = set(errors_page.raised("sandbox", "api", "crypto"))

    assert {"control-statement-missing", "ledger-behind", "package-differs"} <= codes
