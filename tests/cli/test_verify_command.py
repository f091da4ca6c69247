"""`anbiao verify` says what the stand-alone verifier says, with its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest
from small_hospital import SmallHospital

from api.cli.main import run
from crypto import verifier

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    made = SmallHospital()
    made.found()
    made.grant("rita", "regulator", organisation="regulator")
    return made


@pytest.fixture
def folder(house, tmp_path) -> Path:
    for name, octets in house.files().items():
        path = tmp_path / "log" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    return tmp_path / "log"


@pytest.mark.requirement("R70")
def test_sound_log_is_sound_under_a_key_or_a_file_of_keys(house, folder, tmp_path, capfd):
    keys = tmp_path / "vkeys"
    keys.write_bytes(house.keys_file)

    for key in (house.vkeys[0], str(keys)):
        assert run(["verify", str(folder), "--key", key]) == verifier.SOUND
        assert capfd.readouterr().out.startswith("SOUND log of ledger ")


@pytest.mark.requirement("R64")
def test_broken_log_is_broken_and_the_place_is_named(house, folder, capfd):
    bundle = next(path for path in (folder / "tile" / "entries").rglob("*") if path.is_file())
    octets = bytearray(bundle.read_bytes())
    octets[40] ^= 1
    bundle.write_bytes(octets)

    assert run(["verify", str(folder), "--key", house.vkeys[0]]) == verifier.BROKEN
    assert capfd.readouterr().out.startswith("BROKEN ")


def test_without_a_key_nothing_can_be_told(folder, capfd):
    assert run(["verify", str(folder)]) == verifier.CANNOT_TELL
    assert "signer not pinned" in capfd.readouterr().out


def test_kept_checkpoint_is_compared(house, folder, tmp_path):
    kept, other = tmp_path / "kept", tmp_path / "other"
    kept.write_text(house.checkpoint(1))
    stranger = SmallHospital(key_name="log")
    stranger.found()
    stranger.grant("rita", "labeller")
    other.write_text(stranger.checkpoint())

    asked = ["verify", str(folder), "--key", house.vkeys[0], "--since"]

    assert run([*asked, str(kept)]) == verifier.SOUND
    assert run([*asked, str(other)]) == verifier.BROKEN


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--key", "no key"],
        ["--key", "a+00000000+AAAA"],
        ["--since", "nowhere"],
        ["--token", "nowhere"],
        ["--unknown"],
        ["--json"],
        ["--about", "ledger"],
        ["--questions", "--about", "somebody"],
    ],
)
def test_wrong_usage_is_64_and_one_that_says_so(folder, wrong, capfd):
    target = [str(folder)] if wrong else []

    assert run(["verify", *target, *wrong]) == verifier.USAGE
    told = capfd.readouterr()
    assert told.out == ""
    assert "Error: " in told.err


def test_token_of_several_words_is_refused(folder, tmp_path):
    token = tmp_path / "token"
    token.write_text("two words")

    assert run(["verify", str(folder), "--token", str(token)]) == verifier.USAGE


def test_command_and_stand_alone_program_say_the_same(house, folder, capfd):
    program = [sys.executable, "-I", str(ROOT / "crypto" / "verifier.py")]
    asked = [str(folder), "--key", house.vkeys[0]]

    code = run(["verify", *asked])
    alone = subprocess.run([*program, *asked], capture_output=True, text=True, check=False)

    assert (code, capfd.readouterr().out) == (alone.returncode, alone.stdout)


def test_questions_are_answered_as_by_the_stand_alone_program(house, folder, capfd):
    program = [sys.executable, "-I", str(ROOT / "crypto" / "verifier.py")]
    asked = [str(folder), "--key", house.vkeys[0], "--questions", "--language", "zh"]

    code = run(["verify", *asked])
    alone = subprocess.run([*program, *asked], capture_output=True, text=True, check=False)

    assert (code, capfd.readouterr().out) == (alone.returncode, alone.stdout)
    assert "谁批准的" in alone.stdout
