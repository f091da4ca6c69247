"""`anbiao health`: alive and answering, or not; nothing in between."""

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from api.cli import main
from sandbox import wiring
from sandbox.errors import Unavailable
from sandbox.settings import load


def asked(folder, process, capsys):
    code = main.run(["health", process, "--dir", str(folder)])
    return code, capsys.readouterr()


def note(folder, process, text):
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    (folder / "run" / f"{process}.json").write_text(text)


@contextmanager
def door(status, body):
    """A door that always says the same."""

    class Said(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words):
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Said)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_worker_that_runs_is_well(tmp_path, capsys):
    note(tmp_path, "worker", json.dumps({"pid": os.getpid()}))

    code, said = asked(tmp_path, "worker", capsys)

    assert (code, said.out) == (0, "ok\n")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": 4194305}', '{"pid": null}'])  # fmt: skip
@pytest.mark.parametrize("process", ["serve", "worker", "notary"])
def test_process_without_a_living_note_is_not_running(tmp_path, capsys, process, text):
    note(tmp_path, process, text)

    code, said = asked(tmp_path, process, capsys)

    assert code == Unavailable.exit_code
    assert said.err.startswith("error: not-running: ")


def test_house_in_which_nothing_ran_is_not_running(tmp_path, capsys):
    assert asked(tmp_path, "worker", capsys)[0] == Unavailable.exit_code


def test_notary_is_well_while_its_socket_is_there(tmp_path, capsys):
    note(tmp_path, "notary", json.dumps({"pid": os.getpid()}))
    without = asked(tmp_path, "notary", capsys)[0]
    server = wiring.notary(load(tmp_path, {}))

    with_it = asked(tmp_path, "notary", capsys)[0]

    server.close()
    assert (without, with_it) == (Unavailable.exit_code, 0)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b'{"status": "ok"}', 0),
        (200, b'{"status": "waiting"}', 69),
        (200, b"[]", 69),
        (200, b"<html>", 69),
        (500, b"", 69),
    ],
)
def test_server_is_well_when_its_door_says_so(tmp_path, capsys, status, body, code):
    with door(status, body) as url:
        note(tmp_path, "serve", json.dumps({"pid": os.getpid(), "url": url}))

        found, said = asked(tmp_path, "serve", capsys)

    assert found == code
    assert said.err.startswith("error: door-silent: ") == (code != 0)


@pytest.mark.parametrize(
    "url", ["", "x", "http://127.0.0.1:1", "http://127.0.0.1:x", "http://[::1"]
)
def test_server_whose_door_is_nowhere_is_not_well(tmp_path, capsys, url):
    note(tmp_path, "serve", json.dumps({"pid": os.getpid(), "url": url}))

    code, said = asked(tmp_path, "serve", capsys)

    assert code == Unavailable.exit_code
    assert said.err.startswith("error: door-silent: ")


def test_address_of_every_interface_is_asked_at_home(tmp_path, capsys):
    with door(200, b'{"status": "ok"}') as url:
        everywhere = url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - what the server notes
        note(tmp_path, "serve", json.dumps({"pid": os.getpid(), "url": everywhere}))

        assert asked(tmp_path, "serve", capsys)[0] == 0


def test_process_that_is_none_of_the_three_is_wrong_usage(tmp_path, capsys):
    assert asked(tmp_path, "regulator", capsys)[0] == 64
