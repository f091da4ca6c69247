"""What a run says of itself: lines, a page, a summary, a rehearsal; in English and Chinese."""

import json
import os
import pty
import re
import stat
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import dicom_maker as make
import pytest

from api.cli.clean_summary import speaks_chinese, summary
from api.cli.main import run
from api.register import rows_of
from policies.dicom import EDITION
from sandbox.clean.batch import Line, Tally
from sandbox.clean.explanations import ACTIONS, EXPLANATIONS, KINDS, REMOVED, STATES
from sandbox.clean.recipes import recipe_named
from sandbox.clean.register import read_register
from sandbox.clean.report_page import TAIL, Facts, head, row, shown
from sandbox.deid.forms import FileKind, Result
from sandbox.deid.reasons import REASONS
from sandbox.deid.recipe import Act
from sandbox.deid.text_spans import Kind
from sandbox.errors import TooLarge

REPOSITORY = Path(__file__).parents[2]
HEAD = b"id,name,id_number,mrn,phone\n"
HOSTILE = "<img src=x onerror=alert(1)>&\"'\u202egpj.exe\x1b[2J\n.dcm"


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def facts(**changed):
    fields = {
        "recipe": "basic",
        "recipe_digest": "sha256:" + "0" * 64,
        "version": "0.1",
        "key": "given",
        "key_mark": "ab" * 12,
        "known": 3,
        "begun_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "seconds": 2.5,
    }
    return Facts(**{**fields, **changed})


def line(source="a.dcm", state=Result.CLEANED, reason=None, **changed):
    fields = {"output": None, "kind": FileKind.DICOM, "actions": {"X": 2}, "removed": {"NAME": 2}}
    return Line(source=source, state=state, reason=reason, **{**fields, **changed})


def page_of(*lines, **changed):
    tally = Tally()
    for one in lines:
        tally.add(one)
    return "".join([*head(facts(**changed), tally), *map(row, lines), TAIL])


@pytest.mark.requirement("R31")
def test_the_page_says_what_an_officer_asks(source, tmp_path, key):
    target, page = tmp_path / "out", tmp_path / "page.html"
    arguments = ["clean", str(source), str(target), "--recipe", "basic", "--key", str(key)]

    assert run([*arguments, "--html", str(page)]) == 3
    read = Reader(page.read_text(encoding="utf-8"))
    for said in (
        "Quackenbush Ottilie/image.dcm",
        next(target.iterdir()).name,
        "truncated",
        EXPLANATIONS["truncated"].why.en,
        EXPLANATIONS["truncated"].why.zh,
        EXPLANATIONS["truncated"].then.zh,
        f"DICOM PS3.15 {EDITION}",
        recipe_named("basic").digest,
        "given",
        "已清洗",
    ):
        assert said in read.text, said
    assert len(re.findall(r"<tr><td><bdi>", page.read_text(encoding="utf-8"))) == 7
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [HOSTILE, "</bdi></td></table><script>x</script>", "\udcff\udc80"])
def test_no_name_can_do_anything_on_the_page(name):
    plain = Reader(page_of(line("a.dcm")))
    hostile = Reader(page_of(line(name)))

    assert hostile.tags == plain.tags
    assert hostile.attributes == plain.attributes
    assert "\u202e" not in hostile.text
    assert "\x1b" not in hostile.text
    page_of(line(name)).encode("utf-8")


def test_the_page_loads_nothing_and_runs_nothing():
    page = page_of(line(), line("b", Result.HELD, "pixels-unchecked"))
    read = Reader(page)

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(read.tags)
    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_the_page_says_when_the_key_is_gone_or_nothing_was_written():
    assert "is gone" in page_of(line(), key="ephemeral", key_mark="")
    assert "试运行" in page_of(line(), rehearsal=True)
    assert "is gone" not in page_of(line())
    assert "试运行" not in page_of(line())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("王小东.dcm", "王小东.dcm"),
        ("a b", "a b"),
        ("a\nb", "a\\u000ab"),
        ("\u202eb", "\\u202eb"),
        ("\udcff", "\\xff"),
        ("\udfff", "\\udfff"),
    ],
)
def test_what_does_not_print_is_shown_by_its_number(name, said):
    assert shown(name) == said


def test_lines_and_page_are_written_in_one_run_and_keep_their_members(source, tmp_path):
    lines, page = tmp_path / "r.jsonl", tmp_path / "r.html"
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]

    assert run([*arguments, "--report", str(lines), "--html", str(page)]) == 3
    told = [json.loads(text) for text in lines.read_text(encoding="utf-8").splitlines()]
    assert len(told) == 7
    assert {tuple(one) for one in told} == {
        ("source", "output", "state", "kind", "reason", "actions", "key")
    }
    assert page.read_text(encoding="utf-8").endswith(TAIL)
    assert "ephemeral" in page.read_text(encoding="utf-8")


def test_a_report_called_html_is_a_page(source, tmp_path):
    page = tmp_path / "report.HTML"
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]

    assert run([*arguments, "--report", str(page)]) == 3
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--report", "src/r.jsonl"], "report-misplaced"),
        (["--html", "src/r.html"], "report-misplaced"),
        (["--report", "out/r.jsonl"], "report-misplaced"),
        (["--html", "out/sub/r.html"], "report-misplaced"),
        (["--report", "r.html", "--html", "q.html"], "reports-overlap"),
        (["--report", "r", "--html", "r"], "reports-overlap"),
    ],
)
@pytest.mark.usefixtures("source")
def test_a_report_in_a_wrong_place_is_refused(tmp_path, monkeypatch, capsys, options, code):
    monkeypatch.chdir(tmp_path)
    before = sorted(map(str, tmp_path.rglob("*")))

    assert run(["clean", "src", "out", "--recipe", "basic", *options]) == 64
    assert f"{code}: " in capsys.readouterr().err
    assert sorted(map(str, tmp_path.rglob("*"))) == before


def test_a_report_that_cant_be_opened_or_written_has_a_code(source, tmp_path, capsys):
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]

    assert run([*arguments, "--html", str(tmp_path / "none" / "r.html")]) == 1
    assert "error: report-unwritable: " in capsys.readouterr().err
    assert run([*arguments, "--report", "/dev/full"]) == 1
    assert "error: report-unwritable: " in capsys.readouterr().err


def test_a_refused_run_leaves_an_earlier_report_alone(source, tmp_path):
    report = tmp_path / "r.jsonl"
    report.write_text("earlier\n", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "there").touch()

    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "text"]
    assert run([*arguments, "--report", str(report)]) == 64
    assert report.read_text(encoding="utf-8") == "earlier\n"


def test_a_rehearsal_says_all_and_writes_nothing(source, tmp_path, key, capsys):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]

    assert run([*arguments, "--key", str(key), "--dry-run"]) == 3
    out, err = capsys.readouterr()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert re.search(
        r"^cleaned  DICOM  .*U:[0-9].*  Quackenbush Ottilie/image.dcm$", out, re.MULTILINE
    )
    assert "quarantined  DICOM  truncated  cut.dcm" in out
    assert len(out.splitlines()) == 7
    assert "nothing was written" in err
    assert "7 files: 1 cleaned, 6 not." in err


def test_a_rehearsal_says_what_the_run_then_does(source, tmp_path, key, clean):
    lines = tmp_path / "dry.jsonl"
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic", "--dry-run"]
    run([*arguments, "--key", str(key), "--report", str(lines)])
    told = [json.loads(text) for text in lines.read_text(encoding="utf-8").splitlines()]

    _, done = clean()
    assert {one["source"]: {**one, "output": None} for one in told} == {
        name: {**one, "output": None} for name, one in done.items()
    }
    assert {one["output"] for one in told} == {None}


@pytest.mark.parametrize("target", ["src", "src/in", "full", "file"])
def test_a_rehearsal_is_refused_where_the_run_would_be(source, tmp_path, target):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "there").touch()
    (tmp_path / "file").touch()
    arguments = ["clean", str(source), str(tmp_path / target), "--recipe", "basic", "--dry-run"]

    assert run(arguments) == 64


@pytest.mark.parametrize(
    ("environment", "chinese"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, True),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "zh"}, True),
        ({}, False),
    ],
)
def test_the_locale_of_messages_chooses_the_language(environment, chinese):
    assert speaks_chinese(environment) is chinese


def test_the_summary_speaks_chinese_under_a_chinese_locale(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    assert run(["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("共 7 个文件：1 个已清洗，6 个未清洗。")
    assert EXPLANATIONS["truncated"].then.zh in said
    assert "姓名 1" in said


def test_the_summary_tells_counts_reasons_steps_kinds_and_pace():
    tally = Tally()
    for one in (line(), line(), line("b", Result.HELD, "pixels-unchecked", removed={})):
        tally.add(one)

    said = "\n".join(summary(tally, 2.0, 1, chinese=False))
    assert "3 files: 2 cleaned, 1 not." in said
    assert f"1 held (pixels-unchecked): {REASONS['pixels-unchecked']}" in said
    assert f"next: {EXPLANATIONS['pixels-unchecked'].then.en}" in said
    assert "Removed: names 4." in said
    assert "Took 2.0 s, 1 files/s; 1 were done by an earlier run." in said


def test_many_kinds_are_summed_up():
    tally = Tally()
    tally.add(line(removed={kind: 20 - at for at, kind in enumerate(sorted(REMOVED)[:15])}))

    assert ", others 21." in "\n".join(summary(tally, 1.0, 0, chinese=False))
    assert "、其他 21。" in "\n".join(summary(tally, 1.0, 0, chinese=True))


def test_every_code_is_explained_in_both_languages():
    assert EXPLANATIONS.keys() == REASONS.keys()
    assert STATES.keys() == {str(state) for state in Result}
    assert KINDS.keys() == {str(kind) for kind in FileKind}
    assert ACTIONS.keys() == {*map(str, Act), "replace"}
    assert set(map(str, Kind)) <= REMOVED.keys()
    for why, then in EXPLANATIONS.values():
        assert all((*why, *then))
        assert re.search("[一-鿿]", why.zh)
        assert re.search("[一-鿿]", then.zh)


def test_help_has_examples_and_says_how_to_go_on(capsys):
    assert run(["clean", "--help"]) == 0
    said = capsys.readouterr().out
    assert "anbiao clean scans/ clean/ --recipe basic --key pseudonyms.key --dry-run" in said
    assert "goes on when the same command is given" in " ".join(said.split())


def test_piped_it_shows_no_bar(source, tmp_path, capsys):
    run(["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"])

    out, err = capsys.readouterr()
    assert out == ""
    assert "cleaning" not in err
    assert "\x1b" not in err


def test_on_a_terminal_it_shows_a_bar(source, tmp_path):
    ours, theirs = pty.openpty()
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", *arguments], cwd=REPOSITORY, stderr=theirs
    ) as begun:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # how a terminal says that nobody is left
            while piece := os.read(ours, 4096):
                said += piece
    os.close(ours)

    assert begun.returncode == 3
    assert b"cleaning" in said
    assert b"7/7" in said


def test_the_warning_of_a_key_that_others_read_is_loud(source, tmp_path, key, capsys):
    key.chmod(0o644)

    run(["clean", str(source), str(tmp_path / "out"), "--recipe", "basic", "--key", str(key)])
    said = capsys.readouterr().err
    assert said.startswith("*" * 80 + "\nWARNING: others may read the key file")
    assert "0600" in said


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"id,name\nR1,x\n", "register-malformed"),
        ("id,name,id_number,mrn,phone\nR1,王,,,\n".encode("gb18030"), "register-malformed"),
        (b"id,name,id_number,mrn,phone\nR1,a,,M1,\nR2,b,,M1,\n", "register-malformed"),
        (None, "register-unreadable"),
    ],
)
def test_a_wrong_register_has_a_code(source, tmp_path, capsys, content, code):
    register = tmp_path / "register.csv"
    if content is not None:
        register.write_bytes(content)
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]

    assert run([*arguments, "--register", str(register)]) == 64
    assert f"{code}: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def rows(count: int) -> bytes:
    return b"".join(b"R%d,,,,\n" % number for number in range(count))


@pytest.mark.parametrize(
    ("content", "size", "said"),
    [
        (b"", (1 << 26) + 1, "larger than 64 MiB"),
        (rows(500_001), 0, "more than 500,000 rows"),
        (b"R1," + b"\xe7\x8e\x8b" * 1025 + b",,,\n", 0, "line 2 is too long"),
        (b"\nR1,,,,\n" + b"R" * 1025 + b",,,,\n", 0, "line 4 is too long"),
    ],
    ids=["bytes", "rows", "value", "id"],
)
def test_a_register_over_a_limit_is_refused_alike(source, tmp_path, capsys, content, size, said):
    register = tmp_path / "register.csv"
    register.write_bytes(HEAD + content)
    os.truncate(register, size or register.stat().st_size)

    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]
    assert run([*arguments, "--register", str(register)]) == 64
    with pytest.raises(TooLarge) as deposited:
        rows_of(register)

    told = capsys.readouterr().err
    assert "register-too-large: " in told
    assert said in told
    assert "王" not in told
    assert (deposited.value.code, said in deposited.value.message) == ("register-too-large", True)
    assert not (tmp_path / "out").exists()


def test_a_register_at_its_limits_is_read():
    longest = ("王" * 1024).encode()

    assert len(read_register(HEAD + rows(500_000)).rows) == 500_000
    assert read_register(HEAD + b"R1," + longest + b",,,\n").rows[0].name == longest.decode()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda key: key.chmod(0o620), "key-exposed"),
        (lambda key: key.chmod(0o602), "key-exposed"),
        (lambda key: key.write_text("zz" * 32), "key-malformed"),
        (lambda key: key.write_text("5a" * 31), "key-malformed"),
        (lambda key: key.unlink(), "key-unreadable"),
    ],
)
def test_a_wrong_key_has_a_code(source, tmp_path, key, capsys, spoil, code):
    spoil(key)
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]

    assert run([*arguments, "--key", str(key)]) == 64
    assert f"{code}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source_name", "target_name", "code"),
    [
        ("nowhere", "out", "source-missing"),
        ("src/empty", "out", "source-missing"),
        ("src", "src", "folders-overlap"),
        ("src", "src/in", "folders-overlap"),
        ("src", ".", "folders-overlap"),
        ("src", "src/empty", "folders-overlap"),
        ("src", "key", "target-not-empty"),
    ],
)
@pytest.mark.usefixtures("source", "key")
def test_wrong_folders_have_a_code(tmp_path, monkeypatch, capsys, source_name, target_name, code):
    monkeypatch.chdir(tmp_path)

    assert run(["clean", source_name, target_name, "--recipe", "basic"]) == 64
    assert f"{code}: " in capsys.readouterr().err


def test_a_seal_stands_right_behind_a_large_value(source, tmp_path, clean):
    """White box: the method's element isn't in the first piece that is written."""
    long = make.element(0x00080119, "UC", "A" * 70_000)
    (source / "long.dcm").write_bytes(make.ct(long))
    clean()
    _, again = clean(target="again")

    run(["clean", str(tmp_path / "out"), str(tmp_path / "twice"), "--recipe", "basic"])
    assert again["long.dcm"]["state"] == "cleaned"
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        p.name for p in (tmp_path / "again").iterdir()
    }
