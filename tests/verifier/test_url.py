"""A log read from a web server: what is public, what needs the credential, what is not followed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from small_hospital import SmallHospital, hospital
from verdicts import CANNOT_TELL, SOUND, assert_broken, pins_of

from crypto import verifier

TOKEN = "regulators-token"


class Served(ThreadingHTTPServer):
    """A published log; entries for the credential only; `wrong` is what is told instead."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Answers)
        self.files = dict(files)
        self.wrong = {}
        self.tokens = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/").removeprefix("log/")
        token = self.headers.get("Authorization")
        self.server.tokens.append((name, token))
        if name in self.server.wrong:
            self.wfile.write(self.server.wrong[name])
            self.close_connection = True
        elif name.startswith("tile/entries/") and token != f"Bearer {TOKEN}":
            self.answer(403, b"")
        elif name in self.server.files:
            self.answer(200, self.server.files[name])
        else:
            self.answer(404, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(files) -> Iterator[Served]:
    server = Served(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital(300)


def on_url(url, house, token=TOKEN, since=None):
    return verifier.judged(lambda: verifier.verify(url, pins_of(house), since, token))


def test_a_served_log_is_as_sound_as_its_folder(house):
    with serving(house.files()) as server:
        for url in (server.url, f"{server.url}/", f"{server.url}/log"):
            assert on_url(url, house)[0] == SOUND
        assert on_url(server.url, house, since=house.checkpoint(257).encode())[0] == SOUND


def test_the_credential_goes_with_entries_only(house):
    with serving(house.files()) as server:
        on_url(server.url, house)

        asked = {name for name, token in server.tokens if token}

    assert asked == {"tile/entries/000", "tile/entries/001.p/44"}


def test_without_the_credential_nothing_can_be_told(house):
    with serving(house.files()) as server:
        for token in (None, "another"):
            assert on_url(server.url, house, token)[0] == CANNOT_TELL


def test_the_program_takes_the_credential_from_a_file(house, tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with serving(house.files()) as server:
        arguments = [server.url, "--key", house.vkeys[0], "--token", str(tmp_path / "token")]

        assert verifier.main(arguments) == 0


def test_a_tile_that_is_not_there_is_named(house):
    files = house.files()
    for name in ("checkpoint", "keys", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/44"):
        with serving({n: b for n, b in files.items() if n != name}) as server:
            assert_broken(on_url(server.url, house), "file-missing")


def test_a_log_that_grew_meanwhile_is_read_from_its_full_tiles(house):
    """The checkpoint is the old one; its partial tiles made way for full ones."""
    old = house.checkpoint(200).encode()
    files = {**house.files(), "checkpoint": old}
    assert "tile/0/000.p/200" not in files

    with serving(files) as server:
        assert on_url(server.url, house)[0] == SOUND
        server.files["tile/0/000"] = server.files["tile/0/000"][::-1]
        assert_broken(on_url(server.url, house), "tile-differs")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 301 Moved\r\nLocation: http://example.com/checkpoint\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 500 Broken\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_none_can_not_be_told(house, answer):
    for name in ("checkpoint", "tile/entries/000"):
        with serving(house.files()) as server:
            server.wrong[name] = answer

            assert on_url(server.url, house)[0] == CANNOT_TELL, name


def test_a_redirect_takes_the_credential_nowhere(house):
    with serving(house.files()) as elsewhere, serving(house.files()) as server:
        target = f"{elsewhere.url}/tile/entries/000".encode()
        server.wrong["tile/entries/000"] = (
            b"HTTP/1.1 307 Moved\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n"
        )

        assert on_url(server.url, house)[0] == CANNOT_TELL
        assert elsewhere.tokens == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/log",
        "http://localhost:x@example.com/",
        "http://127.0.0.1:80@example.com/log",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http:///log",
        "https://",
        "http://",
    ],
)
def test_plain_http_leaves_this_machine_for_nowhere(house, url):
    assert on_url(url, house)[0] == CANNOT_TELL


def test_a_url_that_is_none_is_not_sound(house):
    for url in ("http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:1/"):
        assert on_url(url, house)[0] == CANNOT_TELL


def test_an_endless_answer_is_cut_short(house, monkeypatch):
    monkeypatch.setattr(verifier, "MAX_FILE", 1_000)
    with serving(house.files()) as server:
        assert_broken(on_url(server.url, house), "file-too-large")


def test_altered_files_are_named_wherever_they_come_from(house):
    with serving(house.files()) as server:
        server.files["tile/0/000"] = bytes(8192)
        assert_broken(on_url(server.url, house), "tile-differs")
