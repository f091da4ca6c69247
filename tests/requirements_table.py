"""`python tests/requirements_table.py`: draws docs/requirements.md, requirement by requirement.

The requirements are the rows of docs/requirements.csv; the tests are found by their marker
`@pytest.mark.requirement("R49")` in the source text, so that drawing runs nothing. A test compares
the page; `--check` does the same.
"""

import ast
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
DOCS = TESTS.parent / "docs"
PAGE = DOCS / "requirements.md"
HEAD = """# Requirements

What the law, the standards and the trade ask, one behaviour a line, and the tests that show it. "Maps
to", never "certified": the wording of paid standards was not at hand. Drawn by
`python tests/requirements_table.py` from `docs/requirements.csv` and the tests' markers; a test
compares the page. A test that is named here shows a part of its line, not always all of it; where
no test is named, nothing is claimed. `pytest -m requirement` runs all of them.
"""


def requirements() -> list[dict[str, str]]:
    with (DOCS / "requirements.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def marked() -> dict[str, list[str]]:
    """Requirement -> the tests that name it, as `folder/file.py::name`."""
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        where = path.relative_to(TESTS).as_posix()
        for name, number in marks(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(number, set()).add(f"{where}::{name}" if name else where)
    return {number: sorted(tests) for number, tests in found.items()}


def marks(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Each marked name of a module ("" for the module itself) and the number it is marked with."""
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield from ((name, number) for part in node.decorator_list for number in said(part))
                if isinstance(node, ast.ClassDef):
                    yield from ((f"{name}::{test}", one) for test, one in marks(node))
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                yield from (("", number) for number in said(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.startswith("Test"):
                yield from ((name, number) for number in said(value))
            case _:
                pass


def said(tree: ast.expr) -> Iterator[str]:
    """The numbers that a marker, or an expression around markers, names."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=arguments):
                yield from (one.value for one in arguments if isinstance(one, ast.Constant))
            case _:
                pass


def page() -> str:
    tests = marked()
    unknown = sorted(set(tests) - {row["number"] for row in requirements()})
    if unknown:
        raise SystemExit(f"markers name no requirement: {', '.join(unknown)}")
    lines, area = [HEAD], ""
    for row in requirements():
        if row["area"] != area:
            area = row["area"]
            lines.append(f"\n## {area}\n")
        source = f" *{row['source']}*" if row["source"] else ""
        shown = re.sub(r"([<>])", r"\\\1", row["behaviour"])
        lines.append(f"- **{row['number']}** {shown}{source}")
        lines += [f"  - `{name}`" for name in tests.get(row["number"], [])] or ["  - no test yet"]
    return "\n".join(lines) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
