"""Files are cleaned in processes that hold nothing, and whose death costs at most one item."""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from enclave_house import LEDGER, EnclaveHouse

sys.path.insert(0, str(Path(__file__).parents[1] / "deid"))

import dicom_maker as make

from sandbox.clean.engine import Job, LocalEngine
from sandbox.clean.engine_pool import MOST_PROCESSES, PoolEngine, processes
from sandbox.clean.engine_wire import answer_of, has_octets, verdict_of
from sandbox.clean.recipes import recipe_named
from sandbox.clean.work import CleanWork
from sandbox.deid.forms import FileKind, Register, RegisterRow, Result, Verdict
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.errors import Malformed, Unacceptable

KEY = Pseudonyms(bytes(range(32)))
REGISTER = Register((RegisterRow("R1", "Nepomuk Zwirn", None, "MRN-0815-77", "13912345678"),))
NOTE = "患者王小东，2023年8月14日入院，电话13912345678。\n".encode()
LONG = b"On 14 August 2023 Mr. Nepomuk Zwirn came, phone 139 1234 5678.\n" * 12_000


@pytest.fixture
def pool():
    engine = PoolEngine(recipe_named, 2)
    yield engine
    engine.close()


def job(data: bytes, name: str = "a", register: Register = REGISTER, subject: str | None = None):
    return Job(data, name, "basic", KEY, register, subject)


def children() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "sandbox.clean.engine_child" in process.cmdline():
                found.append(process)
    return found


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (make.ct(), "a.dcm"),
        (make.ct(make.element(0x00081090, "LO", "zwirn, nepomuk")), "a.dcm"),
        (make.ct()[:-9], "a.dcm"),
        (NOTE, "a.txt"),
        (b"", "empty"),
        (b"MZ\x90\0" + bytes(90), "tool.exe"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "photo.png"),
    ],
)
def test_a_child_says_what_the_engine_says(pool, data, name):
    here = LocalEngine(recipe_named).clean(job(data, name))
    there = pool.clean(job(data, name))

    assert there.data == here.data
    assert answer_of(there) == answer_of(here)


def test_a_child_learns_each_register_anew(pool):
    named = make.ct(make.element(0x00081090, "LO", "zwirn, nepomuk"))

    counts = [
        pool.clean(job(named, register=r)).actions.get("S", 0)
        for r in (REGISTER, Register(), REGISTER)
    ]

    assert counts == [1, 0, 1]


def test_as_many_jobs_are_under_way_as_there_are_children(pool):
    jobs = [job(make.ct(make.element(0x00080018, "UI", f"1.2.3.{n}"))) for n in range(5)]

    waiting = [pool.begin(one) for one in jobs]

    assert len(children()) == 2
    found = [verdict().data for verdict in waiting]
    assert found == [LocalEngine(recipe_named).clean(one).data for one in jobs]
    assert len(children()) == 2
    assert pool.at_once == 2


def test_a_child_holds_no_descriptor_no_setting_and_no_key_of_the_worker(
    pool, monkeypatch, tmp_path
):
    monkeypatch.setenv("ANBIAO_PASSPHRASE_FILE", "/secret")
    with (tmp_path / "open").open("w", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        assert pool.clean(job(NOTE)).result == "cleaned"

        (child,) = children()
        assert "ANBIAO_PASSPHRASE_FILE" not in child.environ()
        assert file.name not in [one.path for one in child.open_files()]
        assert KEY.key.hex() not in " ".join(child.cmdline())


def test_a_child_that_dies_is_replaced_and_its_job_done_again(pool):
    verdict = pool.begin(job(LONG))
    for child in children():
        child.kill()

    assert verdict().result == "cleaned"
    assert pool.clean(job(NOTE)).result == "cleaned"


def test_an_idle_child_that_died_costs_nothing(pool):
    pool.clean(job(NOTE))
    for child in children():
        child.kill()
        child.wait()

    assert pool.clean(job(NOTE)).result == "cleaned"


class Deadly(PoolEngine):
    """Each child that gets the file is killed by the system as soon as it has it."""

    def _once_more(self, job: Job) -> Verdict:
        started = {child.pid for child in children()}
        kill = os.fork()
        if kill == 0:
            while not (new := [c for c in children_of(os.getppid()) if c.pid not in started]):
                pass
            os.kill(new[0].pid, signal.SIGKILL)
            os._exit(0)
        try:
            return super()._once_more(job)
        finally:
            os.waitpid(kill, 0)


def children_of(pid: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):
            if "sandbox.clean.engine_child" in process.cmdline():
                found.append(process)
    return found


def test_a_job_that_kills_two_children_is_given_up_and_the_pool_goes_on():
    pool = Deadly(recipe_named, 2)
    try:
        verdict = pool.begin(job(LONG))
        for child in children():
            child.kill()

        assert verdict() == Verdict(Result.QUARANTINED, FileKind.UNKNOWN, "engine-crashed")
        assert pool.clean(job(NOTE)).result == "cleaned"
    finally:
        pool.close()


def test_an_unknown_recipe_is_refused_before_any_child(pool):
    with pytest.raises(Unacceptable):
        pool.digest("none")
    assert pool.digest("basic") == recipe_named("basic").digest
    assert children() == []


def changed(**members):
    told = json.loads(answer_of(Verdict(Result.CLEANED, FileKind.TEXT, None, (b"x",))))
    return json.dumps({**told, **members}).encode()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\x80\x04cos\nsystem\n",
        changed(result="great"),
        changed(kind="table of contents"),
        changed(actions=[1]),
        changed(actions={"X": "many"}),
        changed(frames=None),
        changed(moves=[["yesterday"]]),
        changed(moves=7),
        changed(removed=None),
    ],
)
def test_an_answer_in_another_form_is_no_answer(head):
    with pytest.raises(Malformed) as caught:
        verdict_of(head, b"x" if has_octets(head) else None)
    assert caught.value.code == "answer-malformed"


@pytest.mark.parametrize(("wanted", "found"), [(1, 1), (7, 7), (64, 64)])
def test_as_many_processes_as_are_set(wanted, found):
    assert processes(wanted) == found
    assert 1 <= processes(None) <= MOST_PROCESSES


def test_the_worker_cleans_a_deposit_with_several_processes(house: EnclaveHouse, pool):
    dataset = house.receiving()
    files = {f"{n}.dcm": make.ct(make.element(0x00080018, "UI", f"1.2.3.{n}")) for n in range(7)}
    house.deposit(dataset, {**files, "note.txt": NOTE, "cut.dcm": make.ct()[:-9]})
    work = CleanWork.over(house.enclave, pool)

    for _, act in work.steps(LEDGER):
        act()

    found = sorted((str(item.state), item.reason or "") for item in house.items(dataset))
    assert found == [*[("CLEANED", "")] * 8, ("QUARANTINED", "truncated")]
    assert len(children()) == 2


def test_steps_left_out_leave_no_process_waiting(house: EnclaveHouse, pool):
    dataset = house.receiving()
    files = {f"{n}.dcm": make.ct(make.element(0x00080018, "UI", f"1.2.3.{n}")) for n in range(6)}
    house.deposit(dataset, files)
    work = CleanWork.over(house.enclave, pool)
    acts = [act for _, act in work.steps(LEDGER)]

    for act in acts[::3]:
        act()
    for _, act in work.steps(LEDGER):
        act()

    assert {str(item.state) for item in house.items(dataset)} == {"CLEANED"}
    assert len(children()) == 2
