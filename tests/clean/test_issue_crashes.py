"""A worker that dies in the midst of issuing: the next one ends what it began, and doubles nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from enclave_house import LEDGER, EnclaveHouse
from pydicom.data import get_testdata_file

from policies.vocabulary import Action, TaskState
from sandbox.clean.engine import LocalEngine
from sandbox.clean.recipes import recipe_named
from sandbox.clean.work import CleanWork
from sandbox.label.custody import IssuedKeys
from sandbox.records.labels import Task

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
FILES = {"a.dcm": CT, "b.dcm": CT + b"\0\0", "c.txt": "2024年3月17日复诊".encode()}
WRITES = frozenset({"put", "put_all", "perform"})
STEPS = 1 + len(FILES) * 3  # blob, keys and act of each item; and one beyond
PERSISTED = (False, True)


class Killed(BaseException):
    """The process is gone: nothing in it gets to handle this."""


class Counted:
    """A store or gate whose writes count down to the end."""

    def __init__(self, real: object, clock: "Countdown") -> None:
        self._real = real
        self._clock = clock

    def __getattr__(self, name: str):
        found = getattr(self._real, name)
        return self._clock.around(found) if name in WRITES else found


class Countdown:
    """Ends the process at one write, before or after it was made."""

    def __init__(self, left: int, *, persisted: bool) -> None:
        self._left = left
        self._persisted = persisted

    def around(self, write):
        def counted(*given: object):
            self._left -= 1
            if self._left == 0 and not self._persisted:
                raise Killed
            done = write(*given)
            if self._left == 0:
                raise Killed
            return done

        return counted


def doomed(house: EnclaveHouse, left: int, *, persisted: bool) -> CleanWork:
    """A worker over the same house that dies at its `left`th write."""
    clock, own = Countdown(left, persisted=persisted), house.enclave
    enclave = replace(
        own,
        gate=Counted(own.gate, clock),
        blobs=Counted(own.blobs, clock),
        exchange=Counted(own.exchange, clock),
    )
    return CleanWork.over(enclave, LocalEngine(recipe_named))


def run(work: CleanWork) -> None:
    for _, act in work.steps(LEDGER):
        act()


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Iterator[tuple[EnclaveHouse, str]]:
    house = EnclaveHouse(tmp_path_factory.mktemp("house"))
    yield house, house.approved(FILES)
    house.close()


@pytest.mark.requirement("R28")
@pytest.mark.parametrize("persisted", PERSISTED)
@pytest.mark.parametrize("left", range(1, STEPS + 1))
def test_a_worker_killed_while_it_issues_is_carried_on(ready, left: int, *, persisted: bool):
    house, dataset = ready
    project, died = house.project(dataset), False
    try:
        run(doomed(house, left, persisted=persisted))
    except Killed:
        died = True

    house.run_worker()

    rows, keys = house.issued(project), IssuedKeys(house.serving, house.blobs)
    with house.snapshot() as tables:
        tasks = tables.of(Task).find(project=project, state=TaskState.OPEN)
    done = Counter(
        entry["objects"]["task"]
        for entry in house.entries()
        if entry["action"] == Action.ITEM_ISSUE and entry["objects"]["project"] == project
    )
    assert died == (left < STEPS)
    assert Counter(row.source_item for row in rows) == {i.id: 1 for i in house.items(dataset)}
    assert sorted(task.item for task in tasks) == sorted(row.id for row in rows)
    assert done == {task.id: 1 for task in tasks}
    assert all(keys.open_item(row) for row in rows)


def test_a_second_try_makes_the_same_names(ready):
    house, dataset = ready
    project = house.project(dataset)
    before = set(house.exchange.names("item:"))
    with pytest.raises(Killed):
        run(doomed(house, 3, persisted=True))

    house.run_worker()

    made = set(house.exchange.names("item:")) - before
    assert made == {f"item:{row.id}" for row in house.issued(project)}
