"""Each defence that the threat model claims names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([a-z]+)::(test_\w+)`", PAGE)


def defined(folder: str) -> set[str]:
    """Every test below a folder of `tests/`."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tests" / folder).rglob("*.py"))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


def test_every_test_that_is_named_exists():
    known = {folder: defined(folder) for folder, _ in NAMED}

    assert [f"{folder}::{name}" for folder, name in NAMED if name not in known[folder]] == []
    assert len(NAMED) >= 40


def test_every_defence_names_a_test_and_a_limit():
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and line.count("|") == 5]
    claims = [row for row in rows if not re.match(r"\|(---| adversary )", row)]

    for row in claims:
        _, _, defence, shown, limit, _ = (cell.strip() for cell in row.split("|"))
        assert limit, row
        assert shown.startswith("`") or defence == "none", row
    assert len(claims) >= 25
