"""`anbiao requirements`: what it says of a tree, and when a result counts."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api.cli import main
from api.requirements import ROOT, marked, requirements
from api.source_state import source_state

NUMBERS = [f"R{number:02}" for number in range(1, 99)]
ROWS = """number,area,behaviour,zh,source,where
R01,One,"First, <b>bold</b>.",其一。,Law 1,docs/one.md
R02,One,Second.,其二。,,docs/one.md
R03,Two,Third.,其三。,,docs/two.md
"""
TESTS = """import pytest

@pytest.mark.requirement("R01")
def test_first(): ...

@pytest.mark.requirement("R01")
@pytest.mark.requirement("R02")
def test_both(): ...
"""
BOTH, FIRST = "tests/test_one.py::test_both", "tests/test_one.py::test_first"


def git(root, *arguments):
    subprocess.run(["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@y", *arguments], check=True, capture_output=True)  # fmt: skip


@pytest.fixture
def tree(tmp_path):
    """A small source tree under git."""
    for name, text in {"docs/requirements.csv": ROWS, "tests/test_one.py": TESTS, ".gitignore": "build/\n"}.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def won(root, **changed):
    """Results of the tree as it is, all passed, but for what is changed."""
    state = source_state(root)
    tests = {
        BOTH: {"requirements": ["R01", "R02"], "result": "passed", "cases": 1},
        FIRST: {"requirements": ["R01"], "result": "passed", "cases": 1},
    }
    kept = {"commit": state.commit, "tree": state.tree, "tests": tests, **changed}
    (root / "build").mkdir(exist_ok=True)
    (root / "build" / "requirements.json").write_text(json.dumps(kept))
    return tests


def said(capsys, root, *arguments):
    """Exit code and rows of the command in JSON."""
    code = main.run(["requirements", "--format", "json", "--root", str(root), *arguments])
    return code, json.loads(capsys.readouterr().out)


def verdicts(rows):
    return {row["id"]: row["result"] for row in rows}


def test_passed_is_what_all_of_its_tests_passed(tree, capsys):
    won(tree)

    code, rows = said(capsys, tree)

    assert code == 1
    assert verdicts(rows) == {"R01": "passed", "R02": "passed", "R03": "untested"}
    assert rows[0] == {
        "id": "R01",
        "text": "First, <b>bold</b>.",
        "tests": [BOTH, FIRST],
        "result": "passed",
        "where": "docs/one.md",
    }


def test_only_what_is_asked_for_decides_the_exit_code(tree, capsys):
    won(tree)

    assert said(capsys, tree, "R02", "R01")[0] == 0
    assert said(capsys, tree, "R03") == (1, [{"id": "R03", "text": "Third.", "tests": [], "result": "untested", "where": "docs/two.md"}])  # fmt: skip


def test_one_failed_test_is_red_whatever_the_others_say(tree, capsys):
    tests = won(tree)
    tests[FIRST]["result"] = "failed"
    won(tree, tests=tests)

    code, rows = said(capsys, tree, "R01", "R02")

    assert code == 1
    assert verdicts(rows) == {"R01": "failed", "R02": "passed"}


@pytest.mark.parametrize("how", ["missing", "skipped"])
def test_test_that_did_not_run_leaves_its_line_untested(tree, capsys, how):
    tests = won(tree)
    if how == "missing":
        del tests[FIRST]
    else:
        tests[FIRST]["result"] = "untested"
    won(tree, tests=tests)

    _, rows = said(capsys, tree, "R01", "R02")

    assert verdicts(rows) == {"R01": "untested", "R02": "passed"}
    assert rows[0]["tests"] == [BOTH, FIRST]


def commit(tree):
    git(tree, "commit", "-q", "--allow-empty", "-m", "two")


def edit(tree):
    (tree / "tests" / "test_one.py").write_text(TESTS + "\n")


def add(tree):
    (tree / "fresh.py").write_text("x = 1\n")


def remove(tree):
    (tree / ".gitignore").unlink()
    (tree / ".git" / "info" / "exclude").write_text("build/\n")


def lose(tree):
    (tree / "build" / "requirements.json").unlink()


def garble(tree):
    (tree / "build" / "requirements.json").write_text("{")


def reshape(tree):
    (tree / "build" / "requirements.json").write_text("[]")


@pytest.mark.parametrize("change", [commit, edit, add, remove, lose, garble, reshape])
def test_results_of_other_source_count_for_nothing(tree, capsys, change):
    won(tree)
    change(tree)

    code, rows = said(capsys, tree, "R01", "R02")

    assert code == 1
    assert verdicts(rows) == {"R01": "untested", "R02": "untested"}
    assert rows[0]["tests"] == [BOTH, FIRST]


def test_ignored_files_change_nothing(tree, capsys):
    won(tree)
    (tree / "build" / "other").write_text("x")

    assert said(capsys, tree, "R01", "R02")[0] == 0


def test_source_without_git_is_known_by_its_files(tree, capsys):
    (tree / ".git").rename(tree / "no-git")
    won(tree)

    assert source_state(tree).commit is None
    assert said(capsys, tree, "R01")[0] == 0
    edit(tree)
    assert said(capsys, tree, "R01")[0] == 1


@pytest.mark.parametrize(("lang", "text"), [("en", "Second."), ("zh", "其二。"), ("both", "Second.\n其二。")])  # fmt: skip
def test_text_comes_in_the_language_asked_for(tree, capsys, lang, text):
    won(tree)

    assert said(capsys, tree, "R02", "--lang", lang)[1][0]["text"] == text


def test_text_form_shows_everything_in_both_languages(tree, capsys):
    won(tree)

    code = main.run(["requirements", "--root", str(tree)])

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert lines[:6] == ["R01  passed 通过", "First, <b>bold</b>.", "其一。", BOTH, FIRST, "-> docs/one.md"]  # fmt: skip
    assert lines[-1] == "2 passed 通过, 0 failed 未通过, 1 untested 未测试"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.sources = set(), "", []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data):
        self.text += data


def test_html_is_one_page_that_escapes_what_it_shows(tree, capsys):
    won(tree)

    main.run(["requirements", "--root", str(tree), "--format", "html"])

    page = Page()
    page.feed(capsys.readouterr().out)
    assert "b" not in page.tags
    assert "script" not in page.tags
    assert page.sources == []
    for shown in ("First, <b>bold</b>.", "其一。", BOTH, "untested 未测试", "docs/two.md"):
        assert shown in page.text


@pytest.mark.parametrize("arguments", [["R99"], ["R1"], ["--format", "xml"], ["--root", "/nonexistent"], ["--lang", "fr"]])  # fmt: skip
def test_what_it_does_not_know_is_wrong_usage(arguments, capsys):
    assert main.run(["requirements", *arguments]) == 64
    assert "Traceback" not in capsys.readouterr().err


def test_every_number_has_both_texts_and_a_place():
    rows = requirements()

    assert [row.number for row in rows] == NUMBERS
    for row in rows:
        assert re.search(r"[a-z]", row.english)
        assert re.search(r"[\u4e00-\u9fff].*。$", row.chinese), row.number
        assert row.where.startswith("docs/")


def anchors(path):
    """The names under which headings of a page can be reached."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("where", sorted({row.where for row in requirements()}))
def test_place_in_the_docs_is_there(where):
    path, _, anchor = where.partition("#")

    assert anchor in anchors(ROOT / path), where


def test_marker_reader_sees_every_form_of_a_marker(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_forms.py").write_text(
        "import pytest\n"
        'pytestmark = pytest.mark.requirement("R01")\n'
        'TestMachine = pytest.mark.requirement("R02")(Machine.TestCase)\n'
        '@pytest.mark.requirement("R03")\n'
        "class TestGroup:\n"
        '    @pytest.mark.requirement("R04")\n'
        "    def test_inside(self): ...\n"
        "def test_bare(): ...\n"
    )

    name = "tests/test_forms.py"
    assert marked(tmp_path) == {
        "R01": [name],
        "R02": [f"{name}::TestMachine"],
        "R03": [f"{name}::TestGroup"],
        "R04": [f"{name}::TestGroup::test_inside"],
    }


def test_whole_table_of_this_tree_is_printed(capsys):
    code = main.run(["requirements", "--format", "json"])

    rows = json.loads(capsys.readouterr().out)
    assert code in {0, 1}
    assert [row["id"] for row in rows] == NUMBERS
    assert all(set(row) == {"id", "text", "tests", "result", "where"} for row in rows)
    assert {row["result"] for row in rows} <= {"passed", "failed", "untested"}
    assert all(
        (ROOT / Path(test.split("::")[0])).is_file() for row in rows for test in row["tests"]
    )
