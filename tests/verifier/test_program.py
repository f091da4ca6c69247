"""The verifier as a program of its own: copied to an empty folder, run apart from everything."""

import ast
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_hospital import RELEASE, SmallHospital, hospital
from verdicts import flipped

from crypto import verifier

PROGRAM = Path(verifier.__file__)


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital()


@pytest.fixture(scope="module")
def desk(house, tmp_path_factory) -> Path:
    """What a regulator has: the program, the key, and what was handed over."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(PROGRAM, folder / "verifier.py")
    (folder / "key").write_text("\n" + "\n".join(house.vkeys) + "\n\n")
    (folder / "pack.zip").write_bytes(house.pack())
    (folder / "receipt.json").write_bytes(house.receipt(12))
    (folder / "passport.json").write_bytes(house.passports[RELEASE])
    (folder / "since").write_text(house.checkpoint(20))
    (folder / "token").write_text("secret\n")
    for place, files in (("log", house.files()), ("package", house.package())):
        for name, octets in files.items():
            (folder / place / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / place / name).write_bytes(octets)
    return folder


def run(desk, *arguments, **more):
    # -I: neither the folder, nor the environment, nor a user's site lends it anything.
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", *arguments],
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **more},
    )


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("what", ["log", "pack.zip", "receipt.json", "passport.json", "package"])
def test_alone_it_verifies_everything_that_is_handed_over(desk, what):
    done = run(desk, what, "--key", "key")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("SOUND ")
    assert done.stdout.count("\n") == 1


def test_it_needs_the_standard_library_and_cryptography_only():
    tree = ast.parse(PROGRAM.read_text("utf-8"))
    named = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    roots = {name.partition(".")[0] for name in named}

    assert roots - set(sys.stdlib_module_names) == {"cryptography"}


def test_what_is_broken_is_said_in_one_line(desk, house):
    (desk / "bad.json").write_bytes(flipped(house.receipt(12), 40, 1))

    done = run(desk, "bad.json", "--key", "key")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("BROKEN ")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("what", ["log", "pack.zip", "receipt.json", "passport.json", "package"])
def test_without_a_key_nothing_can_be_told(desk, what):
    done = run(desk, what)

    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("CANNOT TELL ")


def test_a_kept_checkpoint_is_continued(desk):
    assert run(desk, "log", "--key", "key", "--since", "since").returncode == 0
    assert run(desk, "pack.zip", "--key", "key", "--since", "since").returncode == 0
    assert run(desk, "receipt.json", "--key", "key", "--since", "since").returncode == 2


def code(*arguments) -> int:
    return verifier.main([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["log", "more"],
        ["log", "--key"],
        ["log", "--ke", "key"],
        ["log", "--what"],
        ["log", "--key", "no-such-file"],
        ["log", "--key", "a+b+c"],
        ["log", "--key", "x" * 5000],
        ["log", "--key", "no\0name"],
        ["log", "--key", "log"],
        ["log", "--key", "pack.zip"],
        ["log", "--since", "no-such-file"],
        ["log", "--token", "no-such-file"],
        ["log", "--token", "pack.zip"],
        ["log", "--token", "key"],
    ],
)
def test_wrong_usage_has_a_code_of_its_own(desk, monkeypatch, capsys, arguments):
    monkeypatch.chdir(desk)

    assert code(*arguments) == 64
    assert capsys.readouterr().out == ""


def test_help_is_no_error(capsys):
    assert code("--help") == 0
    assert "--since" in capsys.readouterr().out


def test_keys_come_by_value_by_file_and_several(desk, house, monkeypatch):
    monkeypatch.chdir(desk)
    first, second = house.vkeys

    assert len(second) > 1700  # longer than any file's name
    for keys in ([first], [second], [first, second], ["key"], ["key", first, second]):
        assert code("log", *(word for key in keys for word in ("--key", key))) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda k: k + "=",
        lambda k: k.replace("+", "+0", 1),
        lambda k: "x" + k,
        lambda k: k[:-4],
        lambda k: k.partition("+")[0] + "+" + k.partition("+")[2].upper(),
        lambda k: k + "\n" + k[:-1],
    ],
)
def test_a_key_that_is_none_is_wrong_usage(desk, house, tmp_path, spoil):
    (tmp_path / "key").write_text(spoil(house.vkeys[0]))

    assert code(desk / "log", "--key", tmp_path / "key") == 64
    assert code(desk / "log", "--key", spoil(house.vkeys[0])) == 64


def test_a_name_in_what_was_read_moves_no_cursor_and_fakes_no_line(desk, house, tmp_path, capsys):
    shutil.copytree(desk / "log", tmp_path / "log")
    for name in ("a\nSOUND log", "b\x1b[2J", "c\udcff", "密"):
        place = tmp_path / "log" / name
        place.write_bytes(b"")

        assert code(tmp_path / "log", "--key", house.vkeys[0]) == 1

        said = capsys.readouterr().out
        assert said.isascii()
        assert said.count("\n") == 1
        assert "\x1b" not in said
        place.unlink()


def test_what_can_not_be_read_can_not_be_told(desk, house):
    class Locked(verifier.Folder):
        def read(self, name):
            raise PermissionError(name)

    for error in (PermissionError, MemoryError):
        verdict = verifier.judged(lambda e=error: (_ for _ in ()).throw(e()))
        assert verdict[0] == 2
    source = Locked(desk / "log")
    pins = verifier.read_pins(house.vkeys)
    assert verifier.judged(lambda: verifier.verify_log_folder(source, pins, None))[0] == 2
    for error in (RecursionError, AssertionError, KeyError, ZeroDivisionError):
        assert verifier.judged(lambda e=error: (_ for _ in ()).throw(e()))[0] == 1


def test_nobody_listening_changes_no_verdict(desk):
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-I", "verifier.py", "log", "--key", "key"],
        cwd=desk,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_closed_screen_in_the_same_process_changes_no_verdict(desk, house, monkeypatch):
    class Closed(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    monkeypatch.setattr(sys, "stdout", Closed())

    assert code(desk / "log", "--key", house.vkeys[0]) == 0
