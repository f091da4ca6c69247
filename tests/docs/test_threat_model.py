"""Each defence that the threat model claims names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([a-z]+/test_\w+\.py)(?:::(test_\w+))?`", PAGE)


def test_every_test_that_is_named_exists():
    for file, name in NAMED:
        path = ROOT / "tests" / file
        assert path.exists(), file
        assert not name or f"def {name}(" in path.read_text(encoding="utf-8"), f"{file}::{name}"


def test_every_defence_names_a_test_and_a_limit():
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and line.count("|") == 5]
    claims = [row for row in rows if not re.match(r"\|(---| adversary )", row)]

    for row in claims:
        _, _, defence, shown, limit, _ = (cell.strip() for cell in row.split("|"))
        assert limit, row
        assert shown.startswith("`") or defence == "none", row
    assert len(claims) >= 25
