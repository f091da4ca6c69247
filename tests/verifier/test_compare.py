"""R74: two heads of one log side by side, and the file that proves two histories."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_log import SmallLog, named

from api.cli.main import run
from crypto import splitview, verifier
from crypto.errors import VerificationError
from crypto.note import VerifierKey

pytestmark = pytest.mark.requirement("R74")
VERIFIER = Path(verifier.__file__)


def log_of(*changed: int, size: int = 300, **named_as: str) -> SmallLog:
    made = SmallLog(**named_as)
    made.take(b'{"index":%d}' % (-n if n in changed else n) for n in range(size))
    return made


ONE, TWO = log_of(), log_of(5, size=600)
PINS = verifier.read_pins(ONE.vkeys)


def folder(at: Path, log: SmallLog, size: int | None = None) -> str:
    for name, octets in log.files(size).items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    return str(at)


def note(at: Path, log: SmallLog, size: int) -> str:
    at.write_text(log.checkpoint(size))
    return str(at)


def compared(first: str, second: str, out: Path, pins: verifier.Pins = PINS) -> tuple[int, str]:
    return verifier.judged(lambda: verifier.compare(first, second, pins, None, out))


@pytest.mark.parametrize("sizes", [(7, 300), (128, 256), (300, 300), (0, 300), (299, 300)])
def test_heads_of_one_history_agree(tmp_path, sizes):
    old, new = note(tmp_path / "old", ONE, sizes[0]), folder(tmp_path / "log", ONE, sizes[1])

    for pair in ((old, new), (new, old)):
        assert compared(*pair, tmp_path / "out")[0] == verifier.SOUND
    assert not (tmp_path / "out").exists()


def test_two_roots_of_one_size_are_proof(tmp_path):
    first, second = note(tmp_path / "a", ONE, 300), note(tmp_path / "b", TWO, 300)

    code, said = compared(first, second, tmp_path / "out")

    assert code == verifier.BROKEN
    assert said.startswith("BROKEN log-forked at ")
    assert "the proof is in out" in said


@pytest.mark.parametrize("size", [6, 7, 8, 64, 255, 256, 257, 300])
def test_an_inconsistent_pair_is_proof_that_anyone_can_check(tmp_path, size):
    first, second = note(tmp_path / "a", ONE, size), folder(tmp_path / "b", TWO)
    out = tmp_path / "out"

    assert compared(first, second, out)[0] == verifier.BROKEN

    code, said = verifier.judged(lambda: verifier.verify(str(out), PINS))
    assert (code, said.split(" at ")[0]) == (verifier.BROKEN, "BROKEN log-forked")
    pinned = [VerifierKey.parse(key) for key in ONE.vkeys]
    smaller, larger = splitview.decode(out.read_bytes()).check(pinned)
    assert (smaller.size, larger.size) == (size, 600)


def test_two_sizes_without_the_hashes_can_not_be_told(tmp_path):
    first, second = note(tmp_path / "a", ONE, 7), note(tmp_path / "b", TWO, 600)

    assert compared(first, second, tmp_path / "out")[0] == verifier.CANNOT_TELL


def test_heads_of_two_logs_are_not_compared(tmp_path):
    other = log_of(ledger=named("other"))
    pins = verifier.read_pins([*ONE.vkeys, *other.vkeys])
    pair = note(tmp_path / "a", ONE, 7), note(tmp_path / "b", other, 7)

    assert compared(*pair, tmp_path / "out", pins)[0] == verifier.CANNOT_TELL


def test_nothing_is_told_without_a_pinned_key(tmp_path):
    pair = note(tmp_path / "a", ONE, 7), note(tmp_path / "b", TWO, 7)

    assert compared(*pair, tmp_path / "out", verifier.Pins(()))[0] == verifier.CANNOT_TELL
    assert not (tmp_path / "out").exists()


def test_a_head_that_another_signed_is_no_proof(tmp_path):
    stranger = log_of(5, key_name="stranger")
    pair = note(tmp_path / "a", ONE, 300), note(tmp_path / "b", stranger, 300)

    assert compared(*pair, tmp_path / "out")[0] != verifier.SOUND
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001"])
def test_hashes_that_are_not_the_heads_are_no_proof(tmp_path, name):
    first, second = note(tmp_path / "a", ONE, 7), folder(tmp_path / "b", TWO)
    path = tmp_path / "b" / name
    for octets in (path.read_bytes()[::-1], path.read_bytes()[:-1]):
        path.write_bytes(octets)

        code, said = compared(first, second, tmp_path / "out")

        assert code == verifier.BROKEN
        assert "log-forked" not in said
    assert not (tmp_path / "out").exists()


# --- the file -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def proof(tmp_path_factory) -> bytes:
    at = tmp_path_factory.mktemp("proof")
    compared(note(at / "a", ONE, 7), folder(at / "b", TWO), at / "out")
    return (at / "out").read_bytes()


def changed(octets: bytes, **members: object) -> bytes:
    return verifier.canonical({**json.loads(octets), **members})


LIES = {
    "another root": lambda p: changed(p, root=json.loads(p)["proof"][0]),
    "the root that was signed": lambda p: changed(p, root=json.loads(p)["smaller"].split("\n")[2]),
    "no proof": lambda p: changed(p, proof=[]),
    "a hash less": lambda p: changed(p, proof=json.loads(p)["proof"][1:]),
    "a hash more": lambda p: changed(p, proof=json.loads(p)["proof"] * 2),
    "sides swapped": lambda p: changed(
        p, smaller=json.loads(p)["larger"], larger=json.loads(p)["smaller"]
    ),
    "one head twice": lambda p: changed(p, larger=json.loads(p)["smaller"], proof=[]),
    "another version": lambda p: changed(p, v=2),
    "a member more": lambda p: changed(p, more=1),
    "no text": lambda p: changed(p, smaller=""),
    "a note altered": lambda p: p.replace(b"\\n600\\n", b"\\n599\\n"),
    "not canonical": lambda p: p + b"\n",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_file_that_proves_nothing_is_no_proof_to_either_verifier(tmp_path, proof, lie):
    path = tmp_path / "proof.json"
    path.write_bytes(lie(proof))

    code, said = verifier.judged(lambda: verifier.verify(str(path), PINS))

    assert code != verifier.SOUND
    assert "log-forked" not in said
    with pytest.raises(VerificationError):
        splitview.decode(lie(proof)).check([VerifierKey.parse(key) for key in ONE.vkeys])


def test_every_flipped_bit_of_the_file_is_no_proof(tmp_path, proof):
    path = tmp_path / "proof.json"
    told = 0
    for at in range(0, len(proof), 23):
        octets = bytearray(proof)
        octets[at] ^= 1 << at % 8
        path.write_bytes(octets)
        told += "log-forked" in verifier.judged(lambda: verifier.verify(str(path), PINS))[1]

    assert told == 0


def test_the_command_and_the_program_say_the_same(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = note(tmp_path / "a", ONE, 7), folder(tmp_path / "b", TWO)
    key = ["--key", ONE.vkeys[0], "--key", ONE.vkeys[1]]

    own = run(["verify", first, "--compare", second, *key, "--evidence", "ours"])
    alone = subprocess.run(
        [sys.executable, str(VERIFIER), first, "--compare", second, *key],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    (written,) = tmp_path.glob("split-view-*.json")
    assert (own, alone.returncode) == (1, 1)
    assert written.read_bytes() == (tmp_path / "ours").read_bytes()
    assert capfd.readouterr().out.split("; ")[0] == alone.stdout.split("; ")[0]
    assert run(["verify", "ours", *key]) == 1


def test_witnesses_are_given_as_a_file(tmp_path, capfd):
    log = folder(tmp_path / "log", ONE)
    policy = tmp_path / "policy"
    policy.write_text("quorum one\n")

    assert run(["verify", log, "--key", ONE.vkeys[0], "--witnesses", str(policy)]) == 64
    assert run(["verify", log, "--key", ONE.vkeys[0], "--witnesses", str(tmp_path / "no")]) == 64
    assert "--witnesses" in capfd.readouterr().err
