"""A run that was cut off goes on where it was; with anything else than before it is refused."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dicom_maker as make
import pytest

from api.cli.main import run
from sandbox.clean import folder as folder_room
from sandbox.clean import journal as journal_room
from sandbox.clean import station as station_room
from sandbox.clean.batch import Batch
from sandbox.clean.folder import Run, inputs
from sandbox.clean.journal import NAME
from sandbox.deid.forms import Register
from sandbox.errors import SandboxError

pytestmark = pytest.mark.usefixtures("key")

REPOSITORY = Path(__file__).parents[2]
COUNT = 60
KEY = bytes.fromhex("5a" * 32)


@pytest.fixture
def many(tmp_path):
    """A folder of scans, two of which are the same, one note, and one that can't be cleaned."""
    folder = tmp_path / "src"
    folder.mkdir()
    for number in range(COUNT):
        uid = make.element(0x00080018, "UI", f"1.2.3.111.9.{number}")
        (folder / f"{number:02}.dcm").write_bytes(make.ct(uid))
    shutil.copy(folder / "00.dcm", folder / "00 copy.dcm")
    (folder / "note.txt").write_text("患者王小东，电话13912345678。\n", encoding="utf-8")
    (folder / "tool.exe").write_bytes(b"MZ\x90\0" + bytes(90))
    return folder


def batch_of(many, tmp_path, **changed):
    fields = {"recipe": "basic", "key": KEY, "register": Register(), **changed}
    return Batch(many, tmp_path / "out", **fields)


def cut_off(batch, after):
    """Begin a run and leave it after so many lines, as a kill does: nothing is tidied."""
    with Run(batch) as begun:
        lines = begun.lines(inputs(batch.source))
        told = [next(lines) for _ in range(after)]
        lines.close()
    return told


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def command(many, tmp_path, *options, key="key"):
    keyed = ["--key", str(tmp_path / key)] if key else []
    report = ["--report", str(tmp_path / "report.jsonl")]
    return [
        "clean",
        str(many),
        str(tmp_path / "out"),
        "--recipe",
        "basic",
        *keyed,
        *report,
        *options,
    ]


def lines_of(tmp_path):
    return [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]


def code_of(error):
    with pytest.raises(SandboxError) as caught:
        error()
    return caught.value.code


def test_what_is_done_is_not_done_again(many, tmp_path, monkeypatch, capsys):
    first = cut_off(batch_of(many, tmp_path), 20)
    kept = files_of(tmp_path / "out")
    asked = []
    clean = station_room.Station.clean
    log = tmp_path / "asked"

    def noted(self, name):
        with log.open("a", encoding="utf-8") as file:
            file.write(name + "\n")
        return clean(self, name)

    monkeypatch.setattr(station_room.Station, "clean", noted)
    code = run(command(many, tmp_path))

    asked = log.read_text(encoding="utf-8").splitlines()
    assert code == 3
    assert len(asked) == len(set(asked))
    assert not {line.source for line in first} & set(asked)
    told = lines_of(tmp_path)
    assert [line["source"] for line in told] == inputs(many)
    assert [line["output"] for line in told[:20]] == [line.output for line in first]
    assert NAME not in files_of(tmp_path / "out")
    assert {name for name in kept if name != NAME} < set(files_of(tmp_path / "out"))
    assert "were done by an earlier run" in capsys.readouterr().err


def test_a_run_in_two_parts_gives_what_one_gives(many, tmp_path):
    cut_off(batch_of(many, tmp_path), 33)
    run(command(many, tmp_path))
    parts, told = files_of(tmp_path / "out"), lines_of(tmp_path)
    shutil.rmtree(tmp_path / "out")
    run(command(many, tmp_path))

    assert files_of(tmp_path / "out") == parts
    whole = lines_of(tmp_path)
    assert [{**line, "output": None} for line in whole] == [{**t, "output": None} for t in told]
    assert sorted(line["output"] or "" for line in whole) == sorted(t["output"] or "" for t in told)


@pytest.mark.parametrize("wait_s", [0.15, 0.3, 0.4, 0.5, 0.6, 0.8])
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_at_any_moment_it_goes_on(many, tmp_path, wait_s, stop):
    arguments = command(many, tmp_path, "--workers", "2")
    begun = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        begun.wait(wait_s)
    except subprocess.TimeoutExpired:
        begun.send_signal(stop)
        begun.wait()
    for name, data in files_of(tmp_path / "out").items() if (tmp_path / "out").exists() else ():
        assert name.startswith(".") or data.startswith(bytes(128) + b"DICM") or b"[PHONE" in data
    if not (tmp_path / "out").exists() or (tmp_path / "out" / NAME).exists():
        assert run(arguments) == 3

    told = lines_of(tmp_path)
    assert [line["source"] for line in told] == inputs(many)
    outputs = sorted(line["output"] for line in told if line["output"])
    assert outputs == sorted(files_of(tmp_path / "out"))
    assert len(outputs) == COUNT + 2


@pytest.mark.requirement("R66")
def test_the_record_names_nobody(many, tmp_path):
    cut_off(batch_of(many, tmp_path), 40)

    record = (tmp_path / "out" / NAME).read_bytes()
    telling = [name for name in inputs(many) if not name[:2].isdigit()]
    for name in (*telling, "00 copy", str(many), "uackenbush", "王小东", "13912345678", KEY.hex()):
        assert name.encode() not in record
    assert (tmp_path / "out" / NAME).stat().st_mode & 0o777 == 0o600


def test_a_changed_input_is_done_again(many, tmp_path):
    first = {line.source: line.output for line in cut_off(batch_of(many, tmp_path), 30)}
    uid = make.element(0x00080018, "UI", "1.2.3.111.7.7")
    (many / "05.dcm").write_bytes(make.ct(uid))
    os.utime(many / "05.dcm", ns=(0, 0))
    (many / "06.dcm").unlink()

    run(command(many, tmp_path))

    told = {line["source"]: line["output"] for line in lines_of(tmp_path)}
    assert told["05.dcm"] != first["05.dcm"]
    assert told["07.dcm"] == first["07.dcm"]
    left = set(files_of(tmp_path / "out"))
    assert left == {output for output in told.values() if output}
    assert not left & {first["05.dcm"], first["06.dcm"]}


def test_an_output_that_is_not_what_it_was_is_done_again(many, tmp_path):
    first = cut_off(batch_of(many, tmp_path), 10)
    whole = (tmp_path / "out" / first[0].output).read_bytes()
    (tmp_path / "out" / first[0].output).write_bytes(b"")
    (tmp_path / "out" / first[1].output).unlink()

    run(command(many, tmp_path))

    assert files_of(tmp_path / "out")[first[0].output] == whole
    assert len(files_of(tmp_path / "out")) == COUNT + 2


def test_half_written_files_and_strays_go(many, tmp_path):
    cut_off(batch_of(many, tmp_path), 10)
    (tmp_path / "out" / ".partial-00").write_bytes(b"half")
    (tmp_path / "out" / ("0" * 32 + ".dcm")).write_bytes(b"nobody's")
    (tmp_path / "out" / "README").write_text("mine", encoding="utf-8")

    run(command(many, tmp_path))

    assert "README" in files_of(tmp_path / "out")
    assert len(files_of(tmp_path / "out")) == COUNT + 3


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-3], lambda d: d + b'{"id": "x"} 00\n', lambda d: d + b"\xff\n"]
)
def test_a_record_that_was_cut_or_added_to_is_believed_as_far_as_it_goes(many, tmp_path, damage):
    cut_off(batch_of(many, tmp_path), 10)
    record = tmp_path / "out" / NAME
    record.write_bytes(damage(record.read_bytes()))

    assert run(command(many, tmp_path)) == 3
    assert len(files_of(tmp_path / "out")) == COUNT + 2


def test_a_line_that_somebody_wrote_is_not_believed(many, tmp_path):
    batch = batch_of(many, tmp_path)
    cut_off(batch, 10)
    record = tmp_path / "out" / NAME
    text = record.read_text(encoding="ascii")
    record.write_text(text.replace('"cleaned"', '"held"'), encoding="ascii")

    run(command(many, tmp_path))

    assert "held" not in {line["state"] for line in lines_of(tmp_path)}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"key": bytes(32)}, "resume-other-key"),
        ({"recipe": "text"}, "resume-other-recipe"),
        ({"register": Register(())}, None),
        ({"ephemeral": True}, "resume-other-key"),
    ],
)
def test_with_anything_else_it_is_refused_by_name(many, tmp_path, changed, code):
    cut_off(batch_of(many, tmp_path), 10)
    before = files_of(tmp_path / "out")

    if code is None:
        Run(batch_of(many, tmp_path, **changed)).__exit__(None, None, None)
    else:
        assert code_of(lambda: Run(batch_of(many, tmp_path, **changed))) == code
    assert files_of(tmp_path / "out") == before


def test_another_register_is_refused(many, tmp_path, capsys):
    cut_off(batch_of(many, tmp_path), 10)
    register = tmp_path / "register.csv"
    register.write_text("id,name,id_number,mrn,phone\nR1,王小东,,M1,\n", encoding="utf-8")

    assert run(command(many, tmp_path, "--register", str(register))) == 64
    assert "resume-other-register" in capsys.readouterr().err


def test_another_source_is_refused(many, tmp_path):
    cut_off(batch_of(many, tmp_path), 10)
    shutil.copytree(many, tmp_path / "other")

    other = batch_of(tmp_path / "other", tmp_path)
    assert code_of(lambda: Run(other)) == "resume-other-source"


@pytest.mark.parametrize("again", [True, False])
def test_a_key_of_its_own_can_not_go_on_and_says_so(many, tmp_path, again, capsys):
    cut_off(batch_of(many, tmp_path, key=os.urandom(32), ephemeral=True), 10)
    before = files_of(tmp_path / "out")

    assert run(command(many, tmp_path, key=None if again else "key")) == 64
    said = " ".join(capsys.readouterr().err.split())
    assert "resume-ephemeral" in said
    assert "--key" in said
    assert files_of(tmp_path / "out") == before


def test_a_key_of_its_own_that_did_nothing_yet_begins_anew(many, tmp_path):
    cut_off(batch_of(many, tmp_path, key=os.urandom(32), ephemeral=True), 0)

    assert run(command(many, tmp_path, key=None)) == 3


@pytest.mark.parametrize("record", [b"", b"{}\n", b"[]\n", b'{"v": 9, "key": "x"} 0\n', b"\xff\n"])
def test_a_record_that_says_nothing_over_files_is_refused(many, tmp_path, record):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).write_bytes(record)
    (tmp_path / "out" / "other").touch()

    assert code_of(lambda: Run(batch_of(many, tmp_path))) == "resume-malformed"


def test_a_link_in_place_of_the_record_is_not_followed(many, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(tmp_path / "elsewhere")

    assert code_of(lambda: Run(batch_of(many, tmp_path))) == "target-not-empty"


HOLDING = """
import sys
from pathlib import Path
from sandbox.clean.batch import Batch
from sandbox.clean.folder import Run
from sandbox.deid.forms import Register
run = Run(Batch(Path(sys.argv[1]), Path(sys.argv[2]), "basic", bytes.fromhex("5a" * 32), Register()))
print("held", flush=True)
sys.stdin.read()
"""


def test_two_runs_at_once_are_one_too_many(many, tmp_path, capsys):
    cut_off(batch_of(many, tmp_path), 3)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(many), str(tmp_path / "out")],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        assert run(command(many, tmp_path)) == 1
        assert "error: target-busy: " in capsys.readouterr().err
    assert run(command(many, tmp_path)) == 3


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "target-full"),
        (errno.EDQUOT, "target-full"),
        (errno.EROFS, "target-unwritable"),
        (errno.EIO, "target-unwritable"),
    ],
)
def test_a_disk_that_fails_ends_the_run_and_it_goes_on_later(
    many, tmp_path, monkeypatch, capsys, number, code
):
    written = []

    def failing(*given):
        written.append(given)
        if len(written) > 6:
            raise OSError(number, os.strerror(number))
        return original(*given)

    original = station_room._write
    monkeypatch.setattr(station_room, "_write", failing)
    assert run(command(many, tmp_path, "--workers", "1")) == 1
    assert f"error: {code}: " in capsys.readouterr().err
    assert not list((tmp_path / "out").glob(".partial-*"))
    monkeypatch.undo()

    assert run(command(many, tmp_path)) == 3
    assert len(files_of(tmp_path / "out")) == COUNT + 2


def test_a_full_disk_under_the_record_ends_the_run_too(many, tmp_path, monkeypatch, capsys):
    def failing(*_):
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(journal_room.Journal, "add", failing)
    assert run(command(many, tmp_path)) == 1
    assert "error: target-full: " in capsys.readouterr().err
    monkeypatch.undo()

    assert run(command(many, tmp_path)) == 3


def test_a_target_that_cant_be_made_is_told(many, tmp_path, capsys):
    (tmp_path / "file").touch()
    arguments = ["clean", str(many), str(tmp_path / "file" / "out"), "--recipe", "basic"]

    assert run(arguments) == 1
    assert "error: target-unwritable: " in capsys.readouterr().err


def test_what_may_pass_is_tried_again(many, tmp_path):
    (many / "00 open.dcm").symlink_to("nowhere")
    os.mkfifo(many / "00 pipe.dcm")
    cut_off(batch_of(many, tmp_path), 10)
    (many / "00 pipe.dcm").unlink()
    shutil.copy(many / "01.dcm", many / "00 pipe.dcm")

    run(command(many, tmp_path))

    told = {line["source"]: line["reason"] for line in lines_of(tmp_path)}
    assert told["00 pipe.dcm"] is None
    assert told["00 open.dcm"] == "unsafe-name"


def test_a_complete_run_is_not_gone_on_with(many, tmp_path, capsys):
    assert run(command(many, tmp_path)) == 3
    assert run(command(many, tmp_path)) == 64
    assert "target-not-empty" in capsys.readouterr().err
    assert len(lines_of(tmp_path)) == len(inputs(many))


def test_a_run_killed_after_its_report_only_has_to_say_so(many, tmp_path):
    batch = batch_of(many, tmp_path)
    with Run(batch) as complete:
        told = list(complete.lines(inputs(many)))
    again = Run(batch)
    with again:
        assert list(again.lines(inputs(many))) == told
        assert again.kept == len(told)
        again.finish()

    assert not folder_room.is_begun(tmp_path / "out")
