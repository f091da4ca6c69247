"""A notary at an address: its certificates by command, what doctor says of them, and a house on it."""

import json
import os
import socket
import stat
from datetime import UTC, datetime, timedelta

import pytest

from api.cli import main
from sandbox import wiring
from sandbox.errors import Unacceptable, Unavailable
from sandbox.layout import OWN, Process
from sandbox.provenance import notary_place
from sandbox.provenance.notary_certificates import make
from sandbox.settings import load

pytestmark = pytest.mark.requirement("R84")


def given(folder, files=None):
    """The certificates of all processes, each in its own folder."""
    for process, each in (files or make(datetime.now(UTC), timedelta(days=90))).items():
        own = folder / OWN[process] / "notary-tls"
        own.mkdir(mode=0o700, parents=True)
        for name, octets in each.items():
            (own / name).write_bytes(octets)
            (own / name).chmod(0o600)
    return folder


def settings_of(folder, address="127.0.0.1:8421"):
    return load(folder, {}, {"notary_address": address})


def test_command_writes_each_process_its_own_and_no_key_of_the_authority(tmp_path, capsys):
    assert main.run(["keys", "notary", str(tmp_path / "out"), "--days", "30"]) == 0

    found = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.pem")}
    assert found == {
        f"{process}/{name}.pem"
        for process in Process
        for name in ("authority", "certificate", "key")
    }
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert modes == {0o600}
    assert len({(tmp_path / "out" / p / "authority.pem").read_bytes() for p in Process}) == 1
    assert "30 days" in capsys.readouterr().err


def test_command_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "out").mkdir()

    assert main.run(["keys", "notary", str(tmp_path / "out")]) != 0
    assert main.run(["keys", "notary", str(tmp_path / "no" / "where")]) != 0
    assert list((tmp_path / "out").iterdir()) == []
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["notary", "8.8.8.8:1", "0.0.0.0:1", "[::]:1", "a:99999", "", "u@h:1", "h:1/x"]
)
def test_address_that_is_no_private_place_is_refused(tmp_path, address):
    with pytest.raises(Unacceptable) as caught:
        settings_of(tmp_path, address)

    assert caught.value.code == "setting-refused"


def doctor(capsys, folder, *arguments):
    main.run(["doctor", "--dir", str(folder), "--format", "json", *arguments])
    return {row["place"]: row for row in json.loads(capsys.readouterr().out)}


@pytest.mark.requirement("R90")
@pytest.mark.parametrize(
    ("begun", "verdict", "said"),
    [(0, "ok", "ends in 89 days"), (70, "warn", "ends in 19 days"), (91, "fail", "has ended")],
)
def test_doctor_says_how_long_certificates_are_good(tmp_path, capsys, begun, verdict, said):
    given(tmp_path, make(datetime.now(UTC) - timedelta(days=begun), timedelta(days=90)))
    (tmp_path / "settings.toml").write_text('notary_address = "127.0.0.1:8421"\n')

    rows = doctor(capsys, tmp_path)
    chinese = doctor(capsys, tmp_path, "--lang", "zh")

    for name in OWN.values():
        assert rows[f"{name}/notary-tls"]["verdict"] == verdict
        assert said in rows[f"{name}/notary-tls"]["text"]
        assert chinese[f"{name}/notary-tls"]["text"] != rows[f"{name}/notary-tls"]["text"]


def test_doctor_names_what_can_not_be_used(tmp_path, capsys):
    given(tmp_path)
    (tmp_path / "vault" / "notary-tls" / "peers").write_text("me\n")
    (tmp_path / "settings.toml").write_text('notary_address = "127.0.0.1:8421"\n')

    row = doctor(capsys, tmp_path)["vault/notary-tls"]

    assert (row["verdict"], row["check"]) == ("fail", "notary-tls-malformed")


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_server_finds_the_notary_at_its_address(tmp_path):
    folder = given(tmp_path / "house")
    settings = settings_of(folder, free_address())
    server = wiring.notary(settings)
    server.start()
    try:
        notary_place.require_listening(settings)
        house = wiring.serving(settings)
        keys = house.gate.notary.keys("platform")
        house.close()
    finally:
        server.close()

    assert len(keys) == 2
    assert not (folder / "run" / "notary.sock").exists()
    with pytest.raises(Unavailable) as silent:
        notary_place.require_listening(settings)
    assert silent.value.code == "not-running"


@pytest.mark.parametrize("process", Process)
def test_no_process_starts_without_its_certificates(tmp_path, process):
    settings = settings_of(given(tmp_path))
    (tmp_path / OWN[process] / "notary-tls" / "peers").unlink()

    with pytest.raises(Unacceptable) as caught:
        notary_place.way(settings, process)
    with pytest.raises(Unacceptable):
        notary_place.door(load(tmp_path / "none", {}, {"notary_address": "[::1]:0"}), {os.getuid()})

    assert caught.value.code == "notary-tls-missing"
