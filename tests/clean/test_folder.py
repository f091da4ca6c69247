"""A folder is cleaned whole: every input gets a line, nothing else is read, nothing else leaves."""

import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "deid"))

import dicom_maker as make

from api.cli.main import run
from sandbox.clean import station as station_room
from sandbox.clean.register import read_register
from sandbox.errors import Malformed

REPOSITORY = Path(__file__).parents[2]


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_input_gets_a_line_with_its_reason(clean):
    code, report = clean()

    assert code == 3
    assert {source: entry["reason"] for source, entry in report.items()} == {
        "Quackenbush Ottilie/image.dcm": None,
        "cut.dcm": "truncated",
        "empty": "empty-file",
        "fake.dcm": "not-dicom",
        "list.csv": "kind-unsupported",
        "photo.png": "kind-unsupported",
        "tool.exe": "executable",
    }
    assert set(report["empty"]) == {
        "source",
        "output",
        "state",
        "kind",
        "reason",
        "actions",
        "key",
    }
    assert {entry["kind"] for entry in report.values()} == {
        "dicom",
        "text",
        "table",
        "image",
        "unknown",
    }
    assert all(
        (entry["output"] is None) == (entry["state"] != "cleaned") for entry in report.values()
    )


def test_only_cleaned_files_leave_and_under_names_that_say_nothing(clean, tmp_path):
    _, report = clean()
    files = files_of(tmp_path / "out")

    assert list(files) == [report["Quackenbush Ottilie/image.dcm"]["output"]]
    name, data = files.popitem()
    assert name.removesuffix(".dcm").isalnum()
    assert "uackenbush" not in name
    assert pydicom.dcmread(io.BytesIO(data)).PatientIdentityRemoved == "YES"
    assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600


def test_all_cleaned_is_exit_code_zero(clean, source):
    for path in source.iterdir():
        if path.is_file():
            path.unlink()

    assert clean()[0] == 0


def test_an_empty_folder_is_cleaned_at_once(clean, source, tmp_path):
    for path in sorted(source.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert clean() == (0, {})
    assert files_of(tmp_path / "out") == {}


def test_the_same_key_gives_the_same_folder_and_no_key_another(clean, tmp_path):
    clean()
    clean(target="again")
    _, report = clean(target="other", keyed=False)

    assert files_of(tmp_path / "out") == files_of(tmp_path / "again")
    assert files_of(tmp_path / "out").keys().isdisjoint(files_of(tmp_path / "other"))
    assert {entry["key"] for entry in report.values()} == {"ephemeral"}


def test_cleaning_a_cleaned_folder_changes_nothing(tmp_path, clean, key):
    clean()
    first, second = str(tmp_path / "out"), str(tmp_path / "twice")

    assert run(["clean", first, second, "--recipe", "basic", "--key", str(key)]) == 0
    assert files_of(tmp_path / "out") == files_of(tmp_path / "twice")


def test_two_inputs_with_the_same_bytes_give_two_outputs(clean, source, tmp_path):
    (source / "copy.dcm").write_bytes(make.ct())
    _, report = clean()

    outputs = {report[name]["output"] for name in ("copy.dcm", "Quackenbush Ottilie/image.dcm")}
    assert len(outputs) == 2
    assert len(set(files_of(tmp_path / "out").values())) == 1


def test_several_workers_give_the_same_folder_and_report(clean, source, tmp_path):
    for number in range(40):
        uid = make.element(0x00080018, "UI", f"1.2.3.111.9.{number}")
        (source / f"{number}.dcm").write_bytes(make.ct(uid))
    _, alone = clean("--workers", 1)
    _, together = clean("--workers", 2, target="parallel")

    assert alone == together
    assert files_of(tmp_path / "out") == files_of(tmp_path / "parallel")


@pytest.mark.requirement("R20")
def test_links_are_never_followed(clean, source, tmp_path):
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "image.dcm").write_bytes(make.ct())
    (source / "link.dcm").symlink_to(secret / "image.dcm")
    (source / "folder").symlink_to(secret)
    (source / "dangling").symlink_to(tmp_path / "nowhere")
    (source / "loop").symlink_to(source)
    _, report = clean()

    for name in ("link.dcm", "folder", "dangling", "loop"):
        assert report[name]["reason"] == "unsafe-name"
    assert len(files_of(tmp_path / "out")) == 1


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", [b"..\\..\\evil.dcm", b"a\nb.dcm", b"\xff\xfe.dcm", b"\x1b[2J"])
def test_names_that_mislead_are_quarantined(clean, source, name):
    (source / os.fsdecode(name)).write_bytes(make.ct())
    code, report = clean()

    assert code == 3
    assert report[os.fsdecode(name)]["reason"] == "unsafe-name"


def test_what_cannot_be_read_is_quarantined(clean, source):
    os.mkfifo(source / "pipe")

    assert clean()[1]["pipe"]["reason"] == "unreadable"


@pytest.mark.parametrize(
    ("target", "code"),
    [("src/inside", 64), ("src", 64), (".", 64), ("full", 64), ("link", 64), ("file", 64)],
)
def test_a_target_that_would_harm_is_refused(clean, tmp_path, target, code):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "there").touch()
    (tmp_path / "link").symlink_to(tmp_path / "src")
    (tmp_path / "file").touch()
    before = sorted(map(str, tmp_path.rglob("*")))

    assert clean(target=target)[0] == code
    assert sorted(map(str, tmp_path.rglob("*"))) == before


def test_a_report_inside_the_source_is_refused(source, clean):
    inside = source / "report.jsonl"

    assert clean("--report", inside)[0] == 64
    assert not inside.exists()


def test_a_report_that_cant_be_written_fails_before_anything_is_cleaned(clean, tmp_path, capsys):
    assert clean("--report", tmp_path / "nowhere" / "report.jsonl")[0] == 1
    assert not (tmp_path / "out").exists()
    assert "The report can't be written: No such file" in capsys.readouterr().err


def test_one_file_is_told_as_one(clean, source, capsys):
    for path in sorted(source.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (source / "note.txt").write_text("Normal chest.\n", encoding="utf-8")

    assert clean()[0] == 0
    assert capsys.readouterr().err.startswith("1 file: 1 cleaned, 0 not.\nTook ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["clean"],
        ["clean", "nowhere", "out", "--recipe", "basic"],
        ["clean", "src", "out"],
        ["clean", "src", "out", "--recipe", "none"],
        ["clean", "src", "out", "--recipe", "basic", "--workers", "0"],
        ["clean", "src", "out", "--recipe", "basic", "--key", "nowhere"],
        ["clean", "src", "out", "--recipe", "basic", "--register", "nowhere"],
        ["clean", "src", "out", "--recipe", "basic", "--surprise"],
    ],
)
@pytest.mark.usefixtures("source")
def test_wrong_usage_is_exit_code_64(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)

    assert run(arguments) == 64
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("5a" * 32, 0o666),
        ("5a" * 32, 0o620),
        ("5a" * 31, 0o600),
        ("5a" * 32 + "00", 0o600),
        ("zz" * 32, 0o600),
        ("", 0o600),
        (" ".join(["5a"] * 32), 0o600),
    ],
)
def test_a_key_that_others_write_or_that_is_none_is_refused(clean, key, text, mode, capsys):
    key.write_text(text)
    key.chmod(mode)

    assert clean()[0] == 64
    assert "5a5a" not in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_read_cleans_with_a_warning(clean, key, mode, capsys):
    key.write_text("5a" * 32)
    key.chmod(mode)

    assert clean()[0] != 64
    assert "others may read the key file" in capsys.readouterr().err


def test_a_new_key_is_private_works_and_is_never_overwritten(tmp_path, source):
    file = tmp_path / "new.key"

    assert run(["keys", "new", str(file)]) == 0
    written = file.read_text()
    assert len(bytes.fromhex(written.strip())) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run(["keys", "new", str(file)]) == 1
    assert file.read_text() == written
    options = ["--recipe", "basic", "--key", str(file)]
    assert run(["clean", str(source), str(tmp_path / "out"), *options]) == 3


def test_the_text_recipe_quarantines_everything_else(clean):
    _, report = clean(recipe="text")

    assert report["Quackenbush Ottilie/image.dcm"]["reason"] == "kind-unsupported"
    assert report["Quackenbush Ottilie/image.dcm"]["kind"] == "dicom"


def test_the_register_is_looked_for_in_every_image(clean, tmp_path, source):
    register = tmp_path / "register.csv"
    register.write_text("id,name,id_number,mrn,phone\nR1,Nepomuk Zwirn,,X-99,\n", encoding="utf-8")
    named = make.ct(make.element(0x00081090, "LO", "zwirn, nepomuk"))
    (source / "named.dcm").write_bytes(named)
    _, report = clean("--register", register)

    assert report["named.dcm"]["actions"]["S"] == 1
    assert b"nepomuk" not in (tmp_path / "out" / report["named.dcm"]["output"]).read_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"id,name\nR1,Zwirn\n",
        b"id,name,id_number,mrn,phone,more\n",
        b"id,name,id_number,mrn,phone\nR1,Zwirn\n",
        b"id,name,id_number,mrn,phone\n,Zwirn,,,\n",
        b"id,name,id_number,mrn,phone\nR1,a,,,\nR1,b,,,\n",
        b'id,name,id_number,mrn,phone\nR1,"Zwirn,,,\n',
        "id,name,id_number,mrn,phone\nR1,王,,,\n".encode("gb18030"),
        "id,name,id_number,mrn,phone\nR1,Zwirn,,,\n".encode("utf-16"),
    ],
)
def test_a_malformed_register_is_refused_without_quoting_it(data):
    with pytest.raises(Malformed) as caught:
        read_register(data)

    assert caught.value.code == "register-malformed"
    assert "Zwirn" not in str(caught.value)


def test_a_register_may_have_its_columns_in_any_order():
    text = "\ufeffphone,id,mrn,name,id_number\r\n 139 ,R1,, 王小东 ,\r\n\r\n"
    (row,) = read_register(text.encode()).rows

    assert (row.id, row.name, row.phone, row.mrn) == ("R1", "王小东", "139", None)


@pytest.mark.requirement("R66")
def test_nothing_of_a_file_is_said_on_any_stream(tmp_path, source):
    wrong = make.ct(make.element(0x0020000D, "UI", "ZQXJ"), make.element(0x00200013, "IS", "ZQXJ"))
    (source / "wrong.dcm").write_bytes(wrong)
    (source / "cut2.dcm").write_bytes(wrong[:-9])
    arguments = ["clean", str(source), str(tmp_path / "out"), "--recipe", "basic"]
    ended = subprocess.run(
        [sys.executable, "-m", "api.cli.main", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 3
    assert ended.stdout == ""
    assert "truncated" in ended.stderr
    for canary in ("ZQXJ", "uackenbush", "0815", "Traceback", "Warning"):
        assert canary not in ended.stderr


def test_a_file_on_which_the_engine_fails_is_set_apart_and_not_quoted(clean, monkeypatch, capsys):
    def failing(*_):
        raise RuntimeError("ZQXJ")

    monkeypatch.setattr(station_room, "clean_item", failing)
    code, report = clean()

    assert code == 3
    assert {entry["reason"] for entry in report.values()} == {"engine-failed"}
    assert "ZQXJ" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_process_costs_only_the_file_it_died_on(clean, source, monkeypatch, workers):
    for number in range(40):
        (source / f"{number:02}.dcm").write_bytes(make.ct())
    engine = station_room.clean_item

    def deadly(data, name, *rest):
        if name == "04.dcm":
            os.kill(os.getpid(), signal.SIGKILL)
        return engine(data, name, *rest)

    monkeypatch.setattr(station_room, "clean_item", deadly)
    _, report = clean("--workers", workers)

    assert report["04.dcm"]["reason"] == "engine-crashed"
    assert {report[f"{n:02}.dcm"]["state"] for n in range(40) if n != 4} == {"cleaned"}
    assert len({report[f"{n:02}.dcm"]["output"] for n in range(40)}) == 40
