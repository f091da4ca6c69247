"""Several processes on one ledger, and processes killed at the worst moments."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from gate_house import LEDGER, PREFIX, Clock, House

from crypto.tlogproof import check_proof, parse_proof
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer
from sandbox.trust import Trust

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def served(tmp_path):
    """A founded ledger, and a notary at its socket."""
    state = NotaryState(tmp_path / "notary", PREFIX, Clock())
    server = NotaryServer(tmp_path / "notary.sock", state)
    server.start()
    house = House(tmp_path, notary=NotaryClient(tmp_path / "notary.sock"))
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
    lines = process.communicate()[0].splitlines()
    return {slot: int(index) for slot, index in (line.split() for line in lines)}


def sound(house) -> Trust:
    note = (house.folder / "log" / LEDGER / "checkpoint").read_text()
    trust = Trust(LEDGER, {house.keys["steward"].public_bytes})
    trust.verify_log(house.store, house.vkeys(), note)
    assert trust.size == house.store.size()
    return trust


def test_two_processes_make_one_chain(served, children):
    first, second = children(100, 40), children(200, 40)

    go(first, second)
    own = [served.keep(f"{n:032x}").index for n in range(300, 320)]

    told = acknowledged(first) | acknowledged(second)
    assert first.returncode == second.returncode == 0
    assert sorted([*told.values(), *own]) == list(range(1, 101))
    entries = served.entries()
    assert all(entries[index]["objects"]["dataset"] == slot for slot, index in told.items())
    served.keep("f" * 32)
    sound(served)


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
