"""`python tests/requirements_table.py`: draws docs/requirements.md, requirement by requirement.

The requirements are the rows of docs/requirements.csv; the tests are found by their marker in the
source text (`api.requirements`), so that drawing runs nothing. A test compares the page; `--check`
does the same.
"""

import re
import sys
from pathlib import Path

from api.requirements import ROOT, Requirement, marked, requirements

PAGE = ROOT / "docs" / "requirements.md"
HEAD = """# Requirements 要求

What the law, the standards and the trade ask, one behaviour a line, in English and Chinese, the tests
that show it, and where these pages speak of it. "Maps to", never "certified": the wording of paid
standards was not at hand. Drawn by `python tests/requirements_table.py` from
`docs/requirements.csv` and the tests' markers; a test compares the page. A test that is named here
shows a part of its line, not always all of it; where no test is named, nothing is claimed.
`anbiao requirements` says what the last run of the tests found.

法律、标准与行业的要求，逐条列出行为、证明该行为的测试，以及文档中的说明位置。本页只作“对应”，不作“认证”。
未列测试的条目，不作任何声明；`anbiao requirements` 显示最近一次测试的结果。
"""


def place(where: str) -> str:
    """A link from the page to another place in the docs; none to the page itself."""
    if where.startswith("docs/requirements.md"):
        return ""
    target = where.removeprefix("docs/") if where.startswith("docs/") else f"../{where}"
    return f"  - [{where}]({target})"


def entry(one: Requirement, tests: list[str]) -> list[str]:
    source = f" *{one.source}*" if one.source else ""
    shown = re.sub(r"([<>])", r"\\\1", one.english)
    named = [f"  - `{name.removeprefix('tests/')}`" for name in tests] or ["  - no test yet"]
    lines = [f"- **{one.number}** {shown}{source}", f"  {one.chinese}", *named, place(one.where)]
    return [line for line in lines if line]


def page() -> str:
    tests = marked()
    unknown = sorted(set(tests) - {one.number for one in requirements()})
    if unknown:
        raise SystemExit(f"markers name no requirement: {', '.join(unknown)}")
    lines, area = [HEAD], ""
    for one in requirements():
        if one.area != area:
            area = one.area
            lines.append(f"\n## {area}\n")
        lines += entry(one, tests.get(one.number, []))
    return "\n".join(lines) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(Path(PAGE).read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
