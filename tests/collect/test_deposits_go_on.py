"""Deposits that were killed or cut off go on: nothing twice, nothing lost (R66, R18)."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from running_house import RunningHouse, small_files

from api.client.spool import ANNOUNCED, OBJECTS

COUNT = 300  # enough for sealing in several processes, and for several parcels


def sealing(house: RunningHouse) -> bool:
    """Some objects are sealed, the deposit is not."""
    return any(
        len(list((path / OBJECTS).iterdir())) > 3 and not (path / ANNOUNCED).exists()
        for path in house.spool()
        if (path / OBJECTS).exists()
    )


def sealed(house: RunningHouse) -> bool:
    """The deposit is announced on the client's own disk, at least."""
    return any((path / ANNOUNCED).exists() for path in house.spool())


def sending(house: RunningHouse) -> bool:
    """Some objects are with the server."""
    return bool(house.arrived())


MOMENTS: dict[str, Callable[[RunningHouse], bool]] = {
    "sealing": sealing,
    "sealed": sealed,
    "sending": sending,
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_files(tmp_path_factory.mktemp("reports") / "in", COUNT)


def kill_when(house: RunningHouse, moment: str, folder: Path, dataset: str, number: int) -> None:
    """Start a deposit and kill it at a moment that can be seen."""
    running = house.start(folder, dataset)
    house.until(lambda: MOMENTS[moment](house) or running.over)
    running.signal(number)
    running.end()


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R66")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_deposit_goes_on_where_it_stopped(
    running: RunningHouse, reports: Path, moment: str
):
    dataset = running.dataset()

    kill_when(running, moment, reports, dataset, signal.SIGKILL)
    kept = running.arrived()
    ended = running.deposit(reports, dataset)

    assert ended.code == 0, ended.err
    assert len(running.items(dataset)) == COUNT
    assert running.deposits(dataset) == Counter(COMPLETE=1)
    # What the server had whole was not put again: its file is the same one.
    assert {path: path.stat().st_ino for path in kept} == kept
    assert not running.spool()


@pytest.mark.requirement("R66")
def test_a_deposit_killed_again_and_again_is_one_deposit(running: RunningHouse, reports: Path):
    dataset = running.dataset()

    for moment in (*MOMENTS, *MOMENTS):
        kill_when(running, moment, reports, dataset, signal.SIGKILL)
    ended = running.deposit(reports, dataset)

    assert ended.code == 0, ended.err
    assert len(running.items(dataset)) == COUNT
    assert running.deposits(dataset) == Counter(COMPLETE=1)


def test_a_second_run_finds_nothing_to_do(running: RunningHouse, reports: Path):
    dataset = running.dataset()
    running.deposit(reports, dataset)

    ended = running.deposit(reports, dataset)

    assert (ended.code, ended.out) == (0, f"{COUNT} files in the dataset already\n")
    assert running.deposits(dataset) == Counter(COMPLETE=1)


def test_ctrl_c_says_how_to_go_on(running: RunningHouse, reports: Path):
    dataset = running.dataset()

    cut = running.start(reports, dataset)
    running.until(lambda: sending(running))
    cut.signal(signal.SIGINT)
    ended = cut.end()

    assert ended.code in {0, 130}
    if ended.code:
        assert "not finished: the same command goes on where it stopped" in ended.err
        assert "Traceback" not in ended.err
    assert running.deposit(reports, dataset).code == 0
    assert len(running.items(dataset)) == COUNT


@pytest.mark.requirement("R66")
def test_a_server_that_is_killed_meanwhile_is_waited_for(running: RunningHouse, reports: Path):
    dataset = running.dataset()

    started = running.start(reports, dataset)
    running.until(lambda: sending(running))
    running.restart("serve")
    ended = started.end()

    assert ended.code == 0, ended.err
    assert len(running.items(dataset)) == COUNT
    assert running.deposits(dataset) == Counter(COMPLETE=1)


def test_what_lies_sealed_is_sent_without_its_folder(running: RunningHouse, reports: Path):
    dataset = running.dataset()
    kill_when(running, "sealed", reports, dataset, signal.SIGKILL)

    ended = running.resume()

    assert ended.code == 0, ended.err
    assert len(running.items(dataset)) in {0, COUNT}  # killed behind its end nothing was left
    assert not running.spool()


@pytest.mark.requirement("R28")
def test_a_subject_stays_one_however_often_its_deposit_was_cut(
    running: RunningHouse, tmp_path: Path
):
    dataset = running.dataset()
    folder = small_files(tmp_path / "in", 6)

    for _ in range(3):
        started = running.start(folder, dataset, "--subject", "P-1")
        running.until(lambda: sealed(running) or started.over)  # noqa: B023
        started.signal(signal.SIGKILL)
        started.end()
    ended = running.deposit(folder, dataset, "--subject", "P-1")
    running.settled(dataset)

    assert ended.code == 0, ended.err
    assert len(running.items(dataset)) == 6
    assert len({item.subject for item in running.items(dataset)} - {None}) == 1
