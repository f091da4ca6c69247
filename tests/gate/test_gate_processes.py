"""Several processes on one ledger, and processes killed at the worst moments."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from gate_house import LEDGER, PREFIX, Clock, House, Remark

from crypto import secretfile
from crypto.tlogproof import check_proof, parse_proof
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.notary_doors import UnixDoor, UnixWay
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer
from sandbox.trust import Trust

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def served(request, tmp_path):
    """A founded ledger, and a notary at its socket."""
    if request.param == "postgres":
        at = request.getfixturevalue("postgres").emptied([Remark]).application
        secretfile.write(tmp_path / "database", at.render_as_string(hide_password=False).encode())
    state = NotaryState(tmp_path / "notary", PREFIX, Clock())
    server = NotaryServer(UnixDoor(tmp_path / "notary.sock"), state)
    server.start()
    house = House(tmp_path, notary=NotaryClient(UnixWay(tmp_path / "notary.sock")))
    house.found()
    yield house
    house.close()
    house.notary.close()
    server.close()
    state.close()


@pytest.fixture
def children(tmp_path):
    started = []

    def start(*arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("gate_child.py")), str(tmp_path)]
            + [str(argument) for argument in arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(*processes) -> None:
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def acknowledged(process) -> dict[str, int]:
    # Not `communicate`, which would miss what an earlier `readline` has taken in already.
    lines = process.stdout.read().splitlines()
    process.wait()
    return {slot: int(index) for slot, index in (line.split() for line in lines)}


def sound(house) -> Trust:
    note = (house.folder / "log" / LEDGER / "checkpoint").read_text()
    trust = Trust(LEDGER, {house.keys["steward"].public_bytes})
    trust.verify_log(house.store, house.vkeys(), note)
    assert trust.size == house.store.size()
    return trust


def test_four_processes_and_this_one_make_one_chain(served, children):
    others = [children(first, 20) for first in (100, 200, 300, 400)]

    go(*others)
    own = {slot: served.keep(slot).index for slot in (f"{n:032x}" for n in range(500, 520))}

    told = own | {slot: index for each in others for slot, index in acknowledged(each).items()}
    assert [each.returncode for each in others] == [0, 0, 0, 0]
    check_one_chain(served, told, 100)


def check_one_chain(house, told: dict[str, int], count: int) -> None:
    """Each acknowledged act is in the log, where its receipt says, and once; nothing else is."""
    assert sorted(told.values()) == list(range(1, count + 1))
    entries = house.entries()
    assert all(entries[index]["objects"]["dataset"] == slot for slot, index in told.items())
    assert house.remarks() == sorted(told)
    chain = house.store.entries(0, count + 1)
    links = [hashlib.sha256(entry).hexdigest() for entry in chain[:-1]]
    assert [entry["prev"].removeprefix("sha256:") for entry in entries[1:]] == links
    house.keep("f" * 32)
    sound(house)


@pytest.mark.requirement("R91")
@pytest.mark.parametrize("served", ["postgres"], indirect=True)
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_server_that_restarts_under_the_gate_loses_and_doubles_nothing(
    postgres, served, children, end
):
    others = [children(first, 25, "never") for first in (100, 200, 300, 400)]
    go(*others)
    told = {}

    for each in others:  # they are in the midst of it
        slot, index = each.stdout.readline().split()
        told[slot] = int(index)
    getattr(postgres, end)()
    postgres.start()

    for each in others:
        told |= acknowledged(each)
    assert [each.returncode for each in others] == [0, 0, 0, 0]
    check_one_chain(served, told, 100)


KILLS = [
    (moment, after)
    for moment, afters in {
        "committed": (2, 7),
        "signed": (2, 7),
        "tile": (3, 10),
        "checkpoint": (1, 5),
    }.items()
    for after in afters
]


@pytest.mark.requirement("R91")
@pytest.mark.parametrize(("moment", "after"), KILLS)
def test_killed_process_loses_no_acknowledged_act_and_doubles_none(served, children, moment, after):
    victim = children(100, 30, moment, after)
    go(victim)
    told = acknowledged(victim)
    assert victim.returncode == -signal.SIGKILL

    successor = children(100, 30)
    go(successor)
    again = acknowledged(successor)

    assert successor.returncode == 0
    assert again.items() >= told.items()
    assert sorted(again) == served.remarks()
    assert sorted(again.values()) == list(range(1, 31))
    served.keep("f" * 32)
    sound(served)


def test_tail_of_a_killed_process_is_finished_by_another(served, children):
    victim = children(100, 10, "committed", 4)
    go(victim)
    told = acknowledged(victim)
    left_behind = served.store.size() - 1

    served.keep("e" * 32)

    assert left_behind == len(told) + 1
    receipt = served.keep(f"{100 + len(told):032x}", request_key=f"{100 + len(told):032x}")
    check_proof(parse_proof(receipt.proof), receipt.entry, served.vkeys())
    assert receipt.index == left_behind
    sound(served)
