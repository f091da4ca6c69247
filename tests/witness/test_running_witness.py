"""The witness as a process: its door, its command line, kill -9, and its copies of logs."""

import http.client
import http.server
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from witnessed_log import NAME, WitnessedLog

from api.cli.main import run
from api.client.errors import ClientError
from api.witness.book import read_logs
from api.witness.mirror import Mirror
from crypto import verifier
from crypto.note import open_note
from crypto.tlogpolicy import parse_policy

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(tmp_path):
    return WitnessedLog(tmp_path / "w").engage()


class Running:
    """A witness in a process of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        words = [
            "witness",
            "run",
            "--dir",
            str(folder),
            "--listen",
            "127.0.0.1:0",
            "--quiet",
            *more,
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.cli.main", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r"://127\.0\.0\.1:([0-9]+)\n", self.process.stdout.readline())
        assert found is not None
        self.port = int(found[1])

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
        finally:
            connection.close()

    def add(self, body: bytes):
        return self.ask("POST", "/add-checkpoint", body)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def start(log):
    started = []

    def begin(*more: str) -> Running:
        started.append(Running(log.folder, *more))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


@pytest.mark.requirement("R74")
def test_a_log_is_cosigned_at_the_door(log, start):
    witness = start()

    status, _, lines = witness.add(log.asked(0, 7))
    behind = witness.add(log.asked(0, 11))
    head = witness.ask("GET", f"/log/{quote(log.origin, safe='')}/checkpoint")

    assert status == 200
    assert len(open_note(log.checkpoint(7) + lines, log.witness_keys).signatures) == 2
    assert behind == (409, "text/x.tlog.size", "7\n")
    assert head[0] == 200
    assert head[2].endswith(lines)
    assert witness.end() == 0


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """One witness for all requests that change nothing."""
    witness = Running(WitnessedLog(tmp_path_factory.mktemp("standing") / "w").engage().folder)
    yield witness
    witness.end(signal.SIGKILL)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/add-checkpoint", b"nonsense", {}, 400),
        ("POST", "/elsewhere", b"", {}, 404),
        ("POST", "/add-checkpoint", None, {"Content-Length": "999999999"}, 413),
        ("POST", "/add-checkpoint", None, {"Content-Length": "-1"}, 413),
        ("POST", "/add-checkpoint", None, {"Transfer-Encoding": "chunked"}, 411),
        ("GET", "/", None, {}, 404),
        ("GET", "/log/unknown/checkpoint", None, {}, 404),
        ("GET", "/log/..%2F..%2Fkey/checkpoint", None, {}, 404),
        ("DELETE", "/add-checkpoint", None, {}, 501),
    ],
)
def test_other_requests_are_refused(standing, method, path, body, headers, status):
    connection = http.client.HTTPConnection("127.0.0.1", standing.port, timeout=30)
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)

    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.requirement("R74")
def test_a_killed_witness_knows_what_it_cosigned(log, start):
    size = 0
    for step in (1, 4, 7, 11):
        witness = start()
        assert witness.add(log.asked(size, step))[0] == 200
        witness.end(signal.SIGKILL)
        size = step

    assert start().add(log.asked(7, 11))[::2] == (409, "11\n")


@pytest.mark.requirement("R74")
def test_a_draft_left_by_a_kill_changes_nothing(log, start):
    first = start()
    first.add(log.asked(0, 7))
    first.end(signal.SIGKILL)
    (head,) = (log.folder / "heads").iterdir()
    head.with_name(f".{head.name}.new").write_text("torn")

    assert start().add(log.asked(7, 11))[0] == 200


def test_no_second_process_over_one_folder(log, start):
    start()

    again = subprocess.run(
        [sys.executable, "-m", "api.cli.main", "witness", "run", "--dir", str(log.folder), "--listen", "127.0.0.1:0"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert again.returncode != 0
    assert again.stderr.startswith("error: witness-running")


def test_keys_are_printed_as_lines_of_a_policy(tmp_path, capfd):
    folder = str(tmp_path / "w")

    assert run(["witness", "init", "--dir", folder, "--name", NAME]) == 0
    printed = capfd.readouterr().out

    policy = parse_policy(f"{printed}group both all {NAME} {NAME}/ml-dsa\nquorum both\n".encode())
    assert {key.algorithm for key in policy.keys} == {4, 6}
    assert run(["witness", "keys", "--dir", folder]) == 0
    assert capfd.readouterr().out == printed
    assert oct((tmp_path / "w" / "key").stat().st_mode)[-3:] == "600"


def test_status_tells_heads_and_evidence(log, capfd):
    witness = log.open()
    witness.add_checkpoint(log.asked(0, 7))
    assert run(["witness", "status", "--dir", str(log.folder)]) == 0
    assert capfd.readouterr().out == f"{log.origin}: 7\n"
    log.take([b"{}"] * 7)

    assert witness.add_checkpoint(log.asked(7, 7)).status == 422
    witness.book.close()

    assert run(["witness", "status", "--dir", str(log.folder)]) == 1
    assert "evidence: " in capfd.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["init", "--name", "two words"],
        ["trust", "--key", "no-such-file"],
        ["trust", "--key", "KEYS", "--url", "ftp://elsewhere"],
        ["run", "--listen", "8440"],
        ["run", "--listen", "127.0.0.1:99999"],
        ["run", "--listen", "192.0.2.1:8440"],
        ["run", "--tls-key", "KEYS"],
    ],
)
def test_wrong_usage_is_told(tmp_path, log, words, capfd):
    keys = tmp_path / "keys"
    keys.write_bytes(log.keys_file)
    given = [str(keys) if word == "KEYS" else word for word in words]

    assert run(["witness", *given, "--dir", str(tmp_path / "v")]) == 64
    assert capfd.readouterr().err


def test_a_log_is_trusted_by_the_file_of_its_keys(tmp_path, log, capfd):
    keys = tmp_path / "keys"
    keys.write_bytes(log.keys_file)
    folder = str(tmp_path / "v")

    assert run(["witness", "trust", "--dir", folder, "--key", str(keys)]) == 0
    assert capfd.readouterr().out == f"knows {log.origin} by 2 keys\n"
    assert run(["witness", "trust", "--dir", folder, "--key", str(keys)]) != 0


# --- copies --------------------------------------------------------------------------------------


class Copying:
    """A copy of a log whose server may lie."""

    def __init__(self, log: WitnessedLog, folder: Path) -> None:
        self.log, self.asked = log, []
        self.files = log.files()
        self.folder = folder
        self.mirror = Mirror(folder, self.fetch)
        (self.known,) = read_logs(log.folder / "logs").values()

    def fetch(self, name: str) -> bytes:
        self.asked.append(name)
        if name not in self.files:
            raise ClientError("mirror-refused", name)
        return self.files[name]

    def follow(self, size: int) -> int:
        return self.mirror.follow(self.known, self.log.checkpoint(size))


@pytest.fixture
def grown(log):
    log.take(b'{"index":%d}' % index for index in range(700))
    return log


def test_a_copy_is_a_log_that_the_verifier_reads(grown, tmp_path):
    copy = Copying(grown, tmp_path / "copy")
    copy.files |= grown.files(300) | grown.files(600)

    sizes = [copy.follow(size) for size in (300, 600, 600, 700)]

    assert sizes == [300, 600, 600, 700]
    published = {
        path.relative_to(copy.folder).as_posix(): path.read_bytes()
        for path in copy.folder.rglob("*") if path.is_file()
    }  # fmt: skip
    wanted = {name: octets for name, octets in grown.files().items() if name != "checkpoint"}
    assert wanted.items() <= published.items()
    log = verifier.verify_log(verifier.Folder(copy.folder), verifier.read_pins(grown.vkeys))
    assert len(log.raw) == 700


def test_a_copy_goes_on_where_it_stood(grown, tmp_path):
    first = Copying(grown, tmp_path / "copy")
    first.files |= grown.files(300)
    first.follow(300)

    second = Copying(grown, tmp_path / "copy")

    assert second.mirror.size == 300
    assert second.follow(700) == 700
    assert "tile/entries/000" not in second.asked


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/002.p/188"])
def test_entries_that_were_not_cosigned_are_not_kept(grown, tmp_path, name):
    copy = Copying(grown, tmp_path / "copy")
    octets = bytearray(copy.files[name])
    octets[-2] ^= 1
    copy.files[name] = bytes(octets)

    with pytest.raises(ClientError, match="mirror-differs"):
        copy.follow(700)

    assert not copy.folder.exists()
    copy.files = grown.files()
    assert copy.follow(700) == 700


def test_a_bundle_cut_short_is_not_kept(grown, tmp_path):
    copy = Copying(grown, tmp_path / "copy")
    copy.files["tile/entries/001"] = copy.files["tile/entries/001"][:-1]

    with pytest.raises(ClientError, match="mirror-differs"):
        copy.follow(700)


def test_a_spoilt_copy_is_not_gone_on_from(grown, tmp_path):
    Copying(grown, tmp_path / "copy").follow(700)
    path = tmp_path / "copy" / "tile" / "entries" / "001"
    path.write_bytes(path.read_bytes()[::-1])

    with pytest.raises(ClientError, match="mirror-differs"):
        Mirror(tmp_path / "copy", lambda _: b"")


class Shelf(http.server.BaseHTTPRequestHandler):
    """A log's files, entries behind a credential."""

    files: dict[str, bytes]

    def do_GET(self):
        told = self.headers["Authorization"] == "Bearer secret-word"
        octets = self.files.get(self.path.removeprefix("/log/")) if told else None
        self.send_response(200 if octets else 404 if told else 401)
        self.end_headers()
        self.wfile.write(octets or b"")

    def log_message(self, *_):
        return


@pytest.mark.requirement("R74")
def test_a_running_witness_copies_what_it_cosigned(tmp_path):
    log = WitnessedLog(tmp_path / "w")
    kind = type("Shelf", (Shelf,), {"files": log.files(7)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as shelf:
        threading.Thread(target=shelf.serve_forever, daemon=True).start()
        log.engage(f"http://127.0.0.1:{shelf.server_port}/log")
        (tmp_path / "token").write_text("secret-word\n")
        witness = Running(log.folder, "--token", str(tmp_path / "token"))
        try:
            assert witness.add(log.asked(0, 7))[0] == 200
            copied = awaited(log.folder / "mirror")
        finally:
            witness.end(signal.SIGKILL)
            shelf.shutdown()

    assert (
        list(verifier.verify_log(verifier.Folder(copied), verifier.read_pins(log.vkeys)).raw)
        == log.raw[:7]
    )


def awaited(folder: Path) -> Path:
    """The copy, as soon as its checkpoint is there."""
    done = threading.Event()
    for _ in range(300):
        found = [path.parent for path in folder.rglob("checkpoint")]
        if found:
            return found[0]
        done.wait(0.1)
    raise AssertionError(folder)
