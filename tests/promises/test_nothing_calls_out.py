"""R86: the watch over the whole suite sees what it must; what it saw is written at the end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import outbound
import pytest

CONNECT = "import socket; socket.create_connection(('192.0.2.7', 9), 1)"
TRIES = {
    "connect": CONNECT,
    "look-up": "import socket; socket.getaddrinfo('telemetry.example', 443)",
    "old look-up": "import socket; socket.gethostbyname('telemetry.example')",
    "datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 9))",
    "every address": "import socket; socket.socket().bind(('', 0))",
    "whole network": "import socket; socket.socket().bind(('0.0.0.0', 0))",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.7', 9))",
    "httpx": "import httpx; httpx.get('http://telemetry.example/', trust_env=False)",
    "grandchild": f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}], check=True)",
    "grandchild with an environment of its own": f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}], check=True, env={{}})",
}
STAYS = {
    "unix": ("import socket; socket.socketpair(); s = socket.socket(socket.AF_UNIX); s.bind('own')", 0, 1),
    "loopback": ("import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())", 3, 0),
}  # fmt: skip


def watched(code, folder, *flags, **more):
    """A child under a watch whose findings stay in `folder`."""
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        env={**os.environ, outbound.FOLDER: str(folder), **more},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "seen").mkdir()
    return tmp_path / "seen"


@pytest.mark.requirement("R86")
@pytest.mark.parametrize("code", TRIES.values(), ids=TRIES.keys())
def test_planted_attempt_in_a_child_is_refused_and_found(folder, code):
    done = watched(code, folder)

    seen = outbound.told(folder)
    assert done.returncode != 0
    assert "a test must not reach" in done.stderr
    assert seen["other"] >= 1
    assert seen["attempts"]


@pytest.mark.requirement("R86")
def test_child_that_is_killed_has_told_what_it_did(folder):
    code = f"import os\ntry:\n    {CONNECT.replace('; ', chr(10) + '    ')}\nexcept PermissionError:\n    os.kill(os.getpid(), 9)"

    done = watched(code, folder)

    assert done.returncode == -9
    assert outbound.told(folder)["other"] == 1


@pytest.mark.parametrize(("code", "loopback", "unix"), STAYS.values(), ids=STAYS.keys())
def test_what_stays_here_is_counted_and_let_be(folder, code, loopback, unix):
    done = watched(code, folder)

    seen = outbound.told(folder)
    assert done.returncode == 0, done.stderr
    assert (seen["loopback"] > 0, seen["unix"] > 0) == (loopback > 0, unix > 0)
    assert seen["other"] == 0
    assert seen["total"] == seen["loopback"] + seen["unix"]


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_python_that_looks_away_is_an_escape(folder, flag):
    inner = f"import subprocess, sys; subprocess.run([sys.executable, {flag!r}, '-c', 'pass'])"

    watched(inner, folder)

    assert len(outbound.told(folder)["unwatched"]) == 1


def test_program_that_is_no_python_is_named(folder):
    watched("import subprocess; subprocess.run(['true'])", folder)

    assert outbound.told(folder)["programs"] == ["true"]


def test_other_site_customisation_still_runs(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("print('ran, too')\n")
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(other)])

    done = watched("pass", folder, PYTHONPATH=path)

    assert done.stdout == "ran, too\n"


ELSEWHERE = ["192.0.2.1", "example.org", b"example.org", "::", "0.0.0.0", "fe80::1"]  # noqa: S104 - compared only


@pytest.mark.parametrize("host", ELSEWHERE)
def test_hosts_elsewhere(host):
    assert not outbound.stays_here(host)


@pytest.mark.parametrize(
    "host", [None, "", "localhost", "127.0.0.1", "127.9.9.9", "::1", b"127.0.0.1"]
)
def test_hosts_here(host):
    assert outbound.stays_here(host)


INNER = """
import subprocess, sys
import pytest
sys.path.insert(0, {watch!r})
import outbound, results

results.ROOT = __import__("pathlib").Path({root!r})
results.begin_watch()

def pytest_configure(config):
    results.install(config)
"""
PLANTED = f"""
import subprocess, sys, pytest

@pytest.mark.requirement("R86")
def test_calls_out():
    done = subprocess.run([sys.executable, "-c", {CONNECT!r}], capture_output=True)
    assert done.returncode == 1

@pytest.mark.requirement("R01")
@pytest.mark.parametrize("case", [1, 2])
def test_is_kept(case):
    assert case

@pytest.mark.requirement("R02")
@pytest.mark.parametrize("case", [1, 2])
def test_fails_once(case):
    assert case == 1

@pytest.mark.requirement("R03")
def test_asks_for_what_is_not_there(nothing_of_this_name):
    pass
"""


@pytest.fixture(scope="module", params=["one process", "two processes"])
def inner_run(request, tmp_path_factory):
    """A run of pytest of its own, with a planted attempt, under the same plugins."""
    root = tmp_path_factory.mktemp("inner")
    (root / "conftest.py").write_text(INNER.format(watch=outbound.HERE, root=str(root)))
    (root / "test_planted.py").write_text(PLANTED)
    (root / "pytest.ini").write_text("[pytest]\nmarkers =\n    requirement(number): x\n")
    spread = ["-n", "2"] if request.param == "two processes" else ["-p", "no:xdist"]
    chosen = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OUTBOUND", "PYTEST"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *spread, str(root)],
        env={**chosen, outbound.FOLDER: ""}, cwd=root, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return root, done


def test_run_in_which_something_called_out_fails_as_a_whole(inner_run):
    root, done = inner_run

    seen = json.loads((root / "build" / "outbound.json").read_text())
    assert done.returncode == 1
    assert "OUTBOUND (R86) socket.getaddrinfo 192.0.2.7" in done.stdout
    assert seen["other"] == 1
    assert seen["attempts"] == ["socket.getaddrinfo 192.0.2.7"]


def test_results_are_kept_by_requirement(inner_run):
    root, _done = inner_run

    kept = json.loads((root / "build" / "requirements.json").read_text())["tests"]
    won = {
        name.partition("::")[2]: (one["requirements"], one["result"], one["cases"])
        for name, one in kept.items()
    }
    assert won == {
        "test_calls_out": (["R86"], "passed", 1),
        "test_is_kept": (["R01"], "passed", 2),
        "test_fails_once": (["R02"], "failed", 2),
        "test_asks_for_what_is_not_there": (["R03"], "failed", 0),
    }


def test_this_very_run_is_watched(folder):
    assert Path(os.environ[outbound.FOLDER]).is_dir()
    with pytest.raises(PermissionError, match=r"must not reach 'example\.invalid'"):
        outbound.Watch(str(folder))("socket.getaddrinfo", ("example.invalid", 443))


def counted(code):
    """A program where the kernel counts; not watched, as it is in a network of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.network", sys.executable, "-c", code],
        env={**os.environ, outbound.FOLDER: ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, json.loads(done.stdout)


SENDS = (
    "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 9))"
)
KEEPS = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"


@pytest.mark.requirement("R86")
@pytest.mark.parametrize(("code", "sent"), [(SENDS, 1), (KEEPS, 0), ("raise SystemExit(3)", 0)])
def test_kernel_counts_what_the_watch_may_not_see(code, sent):
    exit_code, told = counted(code)

    if not told["possible"]:  # this user can't make networks: it says so, and claims nothing
        assert (exit_code, told["control"]) == (2, 0)
        return
    assert (told["control"], told["sent"]) == (1, sent)
    assert exit_code == int(sent > 0 or "Exit" in code)
