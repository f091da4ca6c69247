"""What the READMEs and pages tell people to type exists; what they link to is there."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from api import cli_page
from api.cli.main import anbiao

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh.md"]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
)
HELP = dict(cli_page.help_texts(anbiao, None, "anbiao"))


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def typed(page: str) -> list[str]:
    """Command lines in indented blocks and in backticks, without their remarks."""
    text = text_of(page)
    blocks = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    return [line.split(" #")[0].strip() for line in [*blocks, *re.findall(r"`([^`\n]+)`", text)]]


def command_of(line: str) -> str:
    """The longest command that a line begins with."""
    words = line.split()
    names = [" ".join(words[:count]) for count in range(1, 4)]
    return max((name for name in names if name in HELP), key=len, default="")


@pytest.mark.parametrize("page", READMES)
def test_every_make_target_is_in_the_makefile(page):
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = {line.split()[1] for line in typed(page) if re.match(r"make [a-z]", line)}

    assert {"demo", "test", "check"} <= named <= targets


@pytest.mark.parametrize("page", READMES)
def test_every_command_line_is_one_that_the_program_knows(page):
    lines = [line for line in typed(page) if line.startswith("anbiao ")]

    assert lines
    for line in lines:
        command = command_of(line)
        assert command not in {"", "anbiao"}, line
        options = re.findall(r"--[a-z-]+", line)
        assert all(f"{option} " in HELP[command] for option in options), line


@pytest.mark.parametrize("page", READMES)
def test_three_doors_and_the_limits_are_told(page):
    text = text_of(page)

    for word in ("anbiao deposit", "anbiao clean", "anbiao verify", "unwitnessed", "HELD"):
        assert word in text
    assert "docs/threat-model.md" in text


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        target = urlsplit(link)
        if not target.scheme and target.path:
            assert (ROOT / page).parent.joinpath(target.path).exists(), link


def test_make_test_is_what_continuous_integration_runs():
    assert text_of(".ci/run").splitlines()[-1] == "make test"


def test_help_of_make_names_every_target():
    makefile = text_of("Makefile")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"help", "clean"}

    shown = set(re.findall(r'@echo "make ([a-z]+)', makefile))

    assert targets - shown <= {"format"}


def test_every_word_of_the_glossary_has_its_chinese():
    rows = [
        line.split("|")[1:4] for line in text_of("docs/glossary.md").splitlines() if "|" in line
    ]

    assert len(rows) > 20
    assert all(cell.strip() for row in rows for cell in row)


def test_floors_on_the_page_are_those_that_the_linter_holds():
    contracts = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if "sandbox.wiring" in one.get("layers", ()))
    held = [re.findall(r"sandbox\.(\w+)", layer) for layer in layers]
    block = text_of("docs/architecture.md").split("```")[3]
    drawn = [
        re.findall(r"\w+", line.split("  ")[0]) for line in block.splitlines() if line[:1].strip()
    ]

    assert drawn == held
