"""`anbiao demo` as it is typed: what it leaves, what it prints, what it never shows."""

import contextlib
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from auditor import audit
from canaries import CANARIES, Search
from small_input import junk, odd, planted

from crypto.verifier import read_pins

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "api.cli.main", "demo"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@dataclass
class Played:
    folder: Path
    temporary: Path
    code: int
    said: str
    warned: str

    @property
    def ledger(self) -> str:
        (name,) = (p.name for p in (self.folder / "log").iterdir() if len(p.name) == 32)
        return name


def play(tmp_path: Path, *arguments: object, **environment: str) -> Played:
    folder, temporary = tmp_path / "house", tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [*DEMO, "--dir", str(folder), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary), **environment},
        capture_output=True,
        check=False,
        timeout=240,
    )
    said, warned = (octets.decode("utf-8", "replace") for octets in (done.stdout, done.stderr))
    return Played(folder, temporary, done.returncode, said, warned)


def living(folder: Path) -> list[int]:
    """Processes of the house at that folder, but for the demo itself."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if str(folder).encode() in words and b"demo" not in words:
                    found.append(int(entry.name))
    return found


def ended(folder: Path) -> bool:
    for pid in living(folder):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            select.select([handle], [], [], 20)  # readable once the process ended
            os.close(handle)
    return not living(folder)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The demo over planted files, its processes left running."""
    here = tmp_path_factory.mktemp("demo")
    register = planted(here / "input")
    done = play(here, "--keep", "--input", here / "input", "--register", register)
    try:
        yield done
    finally:
        for pid in living(done.folder):
            os.kill(pid, signal.SIGTERM)
        assert ended(done.folder)


def test_the_demo_ends_well_and_says_what_happened(played):
    assert played.code == 0, played.said + played.warned
    assert "items deposited     │ 11" in played.said
    assert re.search(r"cleaned +│ 10 ", played.said), played.said
    assert re.search(r"identifiers removed.*NAME \d+", played.said)
    assert "the passport says unwitnessed" in played.said
    assert played.warned == ""


def test_everything_promised_lies_in_the_data_folder(played):
    parties = played.folder / "parties"

    for ledger in (played.ledger, "platform"):
        log = played.folder / "log" / ledger
        assert (log / "checkpoint").is_file()
        assert read_pins((log / "keys").read_text().splitlines()).keys
        assert list((log / "tile" / "entries").rglob("*"))
    assert {"hospital", "firm", "recipient", "regulator"} <= {p.name for p in parties.iterdir()}
    assert (parties / "regulator" / "vkeys").read_text().count("\n") == 4
    assert (parties / "regulator" / "evidence.zip").stat().st_size
    assert len(list((parties / "firm" / "receipts").glob("*.json"))) >= 2
    left = {path.name for path in (parties / "recipient" / "package").iterdir()}
    assert {"labels.jsonl", "passport.json", "guideline.json", "schema.json"} <= left


@pytest.mark.requirement("R64")
def test_an_auditor_that_is_not_ours_finds_both_logs_sound(played):
    for ledger in (played.ledger, "platform"):
        log = played.folder / "log" / ledger

        said = audit("log", log, log / "keys")

        assert said.said.startswith("SOUND "), said


def test_each_printed_command_repeats_its_verdict(played):
    printed = [line for line in played.said.splitlines() if "crypto/verifier.py" in line]
    exits = re.findall(r"│\s+(\d)\s+│\s+(\d)\s+│", played.said)

    repeated = [
        subprocess.run(shlex.split(line), capture_output=True, check=False, timeout=60)
        for line in printed
    ]

    codes = [str(done.returncode) for done in repeated]
    assert [(code, code) for code in codes] == exits
    assert sum(done.stdout.endswith(b"; policy pinned\n") for done in repeated) == 3
    assert sorted(codes) == ["0", "0", "0", "0", "0", "1", "1", "2"]
    assert all(done.stderr == b"" for done in repeated)


@pytest.mark.requirement("R66")
@pytest.mark.requirement("R83")
def test_no_planted_word_is_found_outside_the_hospital(played):
    search = Search()

    search.below(played.folder, but=played.folder / "parties" / "hospital")
    search.below(played.temporary)
    search.octets("what it printed", (played.said + played.warned).encode())

    assert search.found == []
    assert search.looked_at > 100


def test_the_officer_saw_the_words_before_and_not_after(played):
    samples = played.folder / "parties" / "hospital" / "officer" / "samples"
    before, after = Search(), Search()

    for path in samples.iterdir():
        (before if "-before" in path.name else after).octets(path.name, path.read_bytes())

    assert {word for _, word in before.found} >= set(CANARIES[:4])
    assert after.found == []
    assert after.looked_at == before.looked_at > 0


def test_kept_processes_answer_until_they_are_ended(played):
    (url,) = re.findall(r"Left running: (http://\S+);", played.said)
    pids = [int(pid) for pid in re.findall(r"kill ([\d ]+)", played.said)[0].split()]

    answer = httpx.get(f"{url}/v1/health", trust_env=False)

    assert answer.json() == {"status": "ok"}
    assert sorted(pids) == sorted(living(played.folder))


@pytest.mark.requirement("R66")
def test_odd_names_and_broken_files_are_told_and_the_rest_goes_on(tmp_path):
    odd(tmp_path / "input")

    done = play(tmp_path, "--input", tmp_path / "input", **ASCII)

    assert done.code == 0, done.said + done.warned
    assert re.search(r"items deposited\s+\| 10 ", done.said), done.said
    assert re.search(r"cleaned\s+\| 2 ", done.said), done.said
    assert "engine-failed" not in done.said
    assert done.warned == ""
    assert living(done.folder) == []


def test_nothing_fit_to_be_cleaned_ends_in_one_line(tmp_path):
    junk(tmp_path / "input")

    done = play(tmp_path, "--input", tmp_path / "input")

    assert done.code == 65
    assert done.warned == "error: nothing-cleaned: every item was held or quarantined\n"
    assert "Traceback" not in done.said
    assert living(done.folder) == []


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--dir", "{full}"], 65, "error: folder-not-empty: --dir has to be new or empty"),
        (["--dir", "{file}"], 64, "Error: Invalid value for '--dir': "),
        (["--input", "{none}"], 64, "Error: Invalid value for '--input': "),
        (["--dir", "{new}", "--input", "{empty}"], 65, "error: input-missing: "),
        (["--dir", "{new}", "--register", "{file}"], 64, "Error: --register goes with --input"),
        (
            ["--dir", "{new}", "--input", "{full}", "--register", "{file}"],
            65,
            "error: register-malformed: ",
        ),
        (["--no-such"], 64, "Error: No such option"),
    ],
)
def test_wrong_usage_is_told_in_a_line(tmp_path, arguments, code, line):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    names = {name: tmp_path / name for name in ("full", "file", "none", "new", "empty")}

    done = subprocess.run(
        [*DEMO, *(word.format(**names) for word in arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1].startswith(line)
    assert (tmp_path / "full" / "x").read_text() == "mine"
    assert not (tmp_path / "new" / "db").exists()


@pytest.mark.parametrize(
    ("number", "code", "moment"),
    [
        (signal.SIGINT, 130, "run/notary.log"),
        (signal.SIGINT, 130, "parties/firm/receipts/label-*.json"),
        (signal.SIGTERM, 143, "run/worker.log"),
        (signal.SIGHUP, 129, "run/serve.json"),
    ],
)
def test_an_interrupted_demo_leaves_no_process(tmp_path, number, code, moment):
    planted(tmp_path / "input")
    folder = tmp_path / "house"
    process = subprocess.Popen(
        [*DEMO, "--dir", str(folder), "--input", str(tmp_path / "input")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 60
    while not list(folder.glob(moment)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"ended with {process.wait(0.02)}")
        assert time.monotonic() < until

    process.send_signal(number)
    said = process.communicate(timeout=60)[1]

    assert process.returncode == code, said
    assert said.strip() == b""
    assert ended(folder)
