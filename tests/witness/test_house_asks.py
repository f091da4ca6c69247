"""The house asks its witnesses over the network: real daemons, its own published log."""

import json
import signal
import threading

import pytest
from test_running_witness import Running
from witnessed_log import WitnessedLog

from sandbox.cosigners import STATUS_FILE, ask_until, cosigning
from sandbox.errors import Unacceptable
from sandbox.provenance.cosigning import WitnessAnswer
from sandbox.provenance.witness_wire import WitnessClient
from sandbox.settings import load


@pytest.fixture
def log(tmp_path):
    return WitnessedLog(tmp_path / "w").engage()


@pytest.fixture
def witness(log):
    running = Running(log.folder)
    yield running
    running.end(signal.SIGKILL)


@pytest.fixture
def house(tmp_path, log):
    """A data folder that has published a log, and its settings file still to be written."""
    folder = tmp_path / "house"
    for name, octets in log.files(7).items():
        path = folder / "log" / log.ledger / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    return folder


def settings_with(house, log, port):
    policy = house / "witnesses.policy"
    lines = [f"log {log.vkeys[0]}"]
    key = next(key for key in log.witness_keys)
    lines += [f"witness one {key} http://127.0.0.1:{port}", "quorum one", ""]
    policy.write_text("\n".join(lines))
    return load(house, {}, {"witness_policy": policy})


@pytest.mark.requirement("R74")
def test_a_published_head_gets_its_cosignature(house, log, witness):
    settings = settings_with(house, log, witness.port)

    with cosigning(settings) as asking:
        assert asking is not None
        asking.turn()
        assert list(asking.standing().values()) == [None]

    note = (house / "log" / log.ledger / "witnessed").read_text()
    assert note.startswith(log.checkpoint(7).partition("\n\n")[0])


class OneRound(threading.Event):
    """Lets one round pass, then says that it is time to stop."""

    def wait(self, timeout=None):
        del timeout
        ended = self.is_set()
        self.set()
        return ended


def test_rounds_go_on_until_they_are_told_to_end(house, log, witness):
    ask_until(settings_with(house, log, witness.port), OneRound())

    told = json.loads((house / "run" / STATUS_FILE).read_text())
    assert list(told["witnesses"].values()) == [None]
    assert (house / "log" / log.ledger / "witnessed").exists()


def test_nobody_is_asked_where_no_policy_is(house):
    with cosigning(load(house, {})) as asking:
        assert asking is None


def test_a_file_beside_the_policy_that_is_no_pem_is_refused(house, log):
    settings = settings_with(house, log, 1)
    (house / "witnesses.pem").write_text("no certificate\n")

    with pytest.raises(Unacceptable) as caught, cosigning(settings):
        pass

    assert caught.value.code == "witness-certificates-malformed"


def test_a_silent_witness_is_told_of_and_stops_nothing(house, log):
    with cosigning(settings_with(house, log, 1)) as asking:
        assert asking is not None
        asking.turn()
        assert list(asking.standing().values()) == ["witness-silent"]

    assert not (house / "log" / log.ledger / "witnessed").exists()


def test_the_client_brings_the_answer_as_it_is(log, witness):
    client = WitnessClient()
    try:
        first = client(f"http://127.0.0.1:{witness.port}", log.asked(0, 7))
        behind = client(f"http://127.0.0.1:{witness.port}/", log.asked(0, 11))
    finally:
        client.close()

    assert first.status == 200
    assert behind == WitnessAnswer(409, "7\n", sized=True)
