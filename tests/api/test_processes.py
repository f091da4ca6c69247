"""The command line and the three processes, as they are started for real."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import click
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.cli import main
from api.client.errors import ClientError
from api.client.http import connect
from crypto.errors import VerificationError
from sandbox import errors, settings, settings_page
from sandbox.settings import load

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "api.cli.main"]


def started(name, folder, *more):
    return subprocess.Popen(
        [*PROGRAM, name, "--dir", str(folder), *more], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )


def run(*arguments, **environment):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


def appears(path, process):
    """What is in a file once it is there; a process that ended meanwhile is a failure."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        os.sched_yield()
    return json.loads(path.read_text())


def test_all_three_processes_start_answer_and_end_cleanly(tmp_path):
    process = started("serve", tmp_path, "--port", "0", "--all", "--quiet")
    try:
        note = appears(tmp_path / "run" / "serve.json", process)
        answer = httpx.get(f"{note['url']}/v1/health", trust_env=False)
        appears(tmp_path / "run" / "notary.json", process)
        appears(tmp_path / "run" / "worker.json", process)
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]

    assert answer.json() == {"status": "ok"}
    assert process.returncode == 0, said
    assert list((tmp_path / "run").glob("*.json")) == []
    assert "waiting: pin-missing" in said
    assert "Traceback" not in said
    modes = {p.stat().st_mode & 0o077 for p in tmp_path.rglob("*")}
    assert modes == {0}


@pytest.mark.parametrize("name", ["notary", "worker", "serve"])
def test_each_process_ends_on_an_interrupt(tmp_path, name):
    more = ("--port", "0") if name == "serve" else ()
    process = started(name, tmp_path, *more)
    appears(tmp_path / "run" / f"{name}.json", process)

    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]

    assert process.returncode == 0, said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["notary", "worker", "serve"])
def test_second_of_a_kind_over_one_folder_is_refused(tmp_path, name):
    more = ("--port", "0") if name == "serve" else ()
    first = started(name, tmp_path, *more)
    note = appears(tmp_path / "run" / f"{name}.json", first)

    second = run(name, "--dir", tmp_path, *more)

    kept = json.loads((tmp_path / "run" / f"{name}.json").read_text())
    first.terminate()
    first.communicate(timeout=60)
    code = "socket-taken" if name == "notary" else "already-running"
    assert second.returncode == errors.Unavailable.exit_code
    assert second.stderr.splitlines()[-1].startswith(f"error: {code}: ")
    assert kept == note


@pytest.mark.parametrize("name", ["worker", "serve"])
def test_killed_process_leaves_the_folder_free(tmp_path, name):
    more = ("--port", "0") if name == "serve" else ()
    killed = started(name, tmp_path, *more)
    appears(tmp_path / "run" / f"{name}.json", killed)
    killed.kill()
    killed.communicate(timeout=60)
    (tmp_path / "run" / f"{name}.json").unlink()

    again = started(name, tmp_path, *more)

    appears(tmp_path / "run" / f"{name}.json", again)
    again.terminate()
    again.communicate(timeout=60)
    assert again.returncode == 0


def test_core_dumps_are_off(tmp_path):
    process = started("notary", tmp_path)
    appears(tmp_path / "run" / "notary.json", process)

    limits = Path(f"/proc/{process.pid}/limits").read_text()

    process.terminate()
    process.communicate(timeout=60)
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4:6] == ["0", "0"]


@pytest.mark.requirement("R84")
def test_other_addresses_are_refused_without_tls(tmp_path):
    done = run("serve", "--dir", tmp_path, "--host", "192.0.2.1")

    assert done.returncode == errors.Unacceptable.exit_code
    assert done.stderr.startswith("error: setting-refused: ")
    assert done.stderr.startswith("error: setting-refused: without TLS only a loopback address")


@pytest.mark.requirement("R90")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("colour = 1", "setting-unknown"),
        ("port = 'x'", "setting-refused"),
        ("= 1", "settings-malformed"),
        ("password_memory_kib = 64", "setting-refused"),
    ],
)
def test_wrong_settings_refuse_the_start(tmp_path, text, code):
    (tmp_path / "settings.toml").write_text(text)

    done = run("notary", "--dir", tmp_path)

    assert done.returncode == 65
    assert done.stderr.startswith(f"error: {code}: ")
    assert "Input should" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_wrong_environment_refuses_the_start(tmp_path):
    done = run("serve", "--dir", tmp_path, ANBIAO_NO_SUCH="1")

    assert done.stderr.startswith("error: setting-unknown: no setting no_such")


def test_exposed_root_key_refuses_the_start(tmp_path):
    (tmp_path / "serve").mkdir()
    (tmp_path / "serve" / "root.key").write_text("x")
    (tmp_path / "serve" / "root.key").chmod(0o644)

    done = run("serve", "--dir", tmp_path, "--port", "0")

    assert done.returncode == 76
    assert done.stderr.splitlines()[-1].startswith("error: file-exposed: ")


def test_two_notaries_of_one_house_are_refused(tmp_path):
    process = started("notary", tmp_path)
    appears(tmp_path / "run" / "notary.json", process)

    done = run("notary", "--dir", tmp_path)

    process.terminate()
    process.communicate(timeout=60)
    assert done.returncode == 69
    assert done.stderr.startswith("error: socket-taken: ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no-such"], 64),
        (["serve"], 64),
        (["serve", "--dir"], 64),
        (["--no-such"], 64),
        (["--version"], 0),
        (["--help"], 0),
        (["enrol", "--help"], 0),
        (["enrol", "logout", "--home", "/nonexistent"], 77),
    ],
)
def test_exit_codes(arguments, code, capsys):
    assert main.run(arguments) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.Forbidden(), 77, "error: forbidden: Policy does not allow this."),
        (errors.LedgerHalted(), 69, "error: ledger-halted: "),
        (ClientError("not-found", status=404), 75, "error: not-found: not found"),
        (ClientError("unreachable"), 69, "error: unreachable: unreachable"),
        (ClientError("fingerprint-differs"), 76, "error: fingerprint-differs: "),
        (ClientError("nothing-to-deposit"), 65, "error: nothing-to-deposit: "),
        (VerificationError("file-exposed"), 76, "error: file-exposed: "),
        (FileNotFoundError(2, "canary", "canary"), 1, "error: file-failed: No such file"),
        (RuntimeError("canary"), 70, "error: internal-error: RuntimeError at "),
        (click.ClickException("said"), 1, "error: failed: said"),
        (click.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_are_one_line_and_an_exit_code(monkeypatch, capsys, error, code, line):
    def fail(*_args, **_named):
        raise error

    monkeypatch.setattr(main.anbiao, "main", fail)

    assert main.run([]) == code
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert "canary" not in said


def test_help_lists_every_command_without_loading_any():
    code = "import sys; from api.cli.main import run; run(['--help']); print(sorted(m for m in sys.modules if m.startswith('api.cli.')))"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert all(f"\n  {name} " in done.stdout for name in main.COMMANDS)
    assert done.stdout.splitlines()[-1] == "['api.cli.main']"


def test_settings_come_from_file_environment_and_command_line_in_that_order(tmp_path):
    (tmp_path / "settings.toml").write_text("port = 1\nlease_s = 60\norigin = 'log.example'\n")

    read = load(
        tmp_path,
        {"ANBIAO_PORT": "2", "ANBIAO_LEASE_S": "90", "HOME": "x", "ANBIAO_HOME": "y"},
        {"port": 3, "host": None},
    )

    assert (read.port, read.lease_s, read.origin, read.host) == (3, 90, "log.example", "127.0.0.1")
    assert read.pins == tmp_path.resolve() / "vault" / "stewards.pins"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"origin": "Has Blank"}, "setting-refused"),
        ({"lease_s": 0}, "setting-refused"),
        ({"tls_key": "k"}, "setting-refused"),
        ({"host": "example.org"}, "setting-refused"),
        ({"more": 1}, "setting-unknown"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path, given, code):
    with pytest.raises(errors.Unacceptable) as caught:
        load(tmp_path, {}, given)

    assert caught.value.code == code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_addresses_need_no_tls(tmp_path, host):
    assert load(tmp_path, {}, {"host": host}).host == host


def test_settings_stay_few_and_their_page_is_drawn_from_them():
    assert len(settings.Settings.model_fields) <= 25
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


def test_passphrase_locks_the_root_keys(tmp_path):
    phrase = tmp_path / "phrase"
    phrase.touch(0o600)
    phrase.write_text("a long passphrase\n")
    house = tmp_path / "house"
    process = started_with_phrase(house, phrase)

    assert stat.S_IMODE((house / "serve" / "root.key").stat().st_mode) == 0o600
    phrase.write_text("another\n")
    done = run("serve", "--dir", house, "--port", "0", ANBIAO_PASSPHRASE_FILE=str(phrase))
    phrase.chmod(0o644)
    exposed = run("serve", "--dir", house, "--port", "0", ANBIAO_PASSPHRASE_FILE=str(phrase))

    assert process.returncode == 0
    assert (done.returncode, exposed.returncode) == (76, 76)
    assert exposed.stderr.splitlines()[-1].startswith("error: file-exposed: ")


def started_with_phrase(house, phrase):
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--dir", str(house), "--port", "0"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ANBIAO_PASSPHRASE_FILE": str(phrase)},
    )
    appears(house / "run" / "serve.json", process)
    process.terminate()
    process.communicate(timeout=60)
    return process


@pytest.mark.requirement("R84")
def test_tls_is_served_to_clients_that_trust_the_certificate(tmp_path):
    certificate, key = self_signed(tmp_path)
    house = tmp_path / "house"
    house.mkdir()
    lines = [f"tls_certificate = '{certificate}'", f"tls_key = '{key}'"]
    (house / "settings.toml").write_text("\n".join(lines))
    process = started("serve", house, "--port", "0")
    url = appears(house / "run" / "serve.json", process)["url"]

    trusting, wary = connect(url, certificates=certificate), connect(url)
    answer = trusting.http.get("/v1/health")
    with pytest.raises(httpx.ConnectError):
        wary.http.get("/v1/health")

    for door in (trusting, wary):
        door.http.close()
    process.terminate()
    process.communicate(timeout=60)
    assert url.startswith("https://127.0.0.1:")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def self_signed(folder):
    """A certificate for the loopback address, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "cert.pem", folder / "key.pem"
