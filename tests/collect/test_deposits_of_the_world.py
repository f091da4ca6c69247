"""What folders, disks, clocks and other people do to a deposit."""

import os
import signal
import socket
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from running_house import RunningHouse, small_files

from api.client import deposit as depositing
from api.client import session
from api.client.batch import Namer
from api.client.errors import ClientError
from api.client.folders import CHANGED, GONE, LINK, SPECIAL, UNREADABLE, LeftOut, shown, walk
from api.client.http import connect
from api.client.keys import make_keys
from api.client.manifest import IntakeKey
from api.client.parts import seal_part
from api.client.sealer import Job, Sealer, seal
from api.client.spool import begun
from api.demo.cast import PURPOSE
from crypto import sealing
from crypto.signing import PersonKey

PAGE = 4096
NAMING = b"n" * 32


# --- disks -------------------------------------------------------------------------------------
@pytest.mark.requirement("R66")
def test_a_client_without_room_says_so_and_goes_on_when_there_is(
    running: RunningHouse, tmp_path: Path
):
    folder = small_files(tmp_path / "in", 8, size=20 * PAGE)
    dataset = running.dataset()

    # The limit comes after the start: whichever file is written then can't grow beyond it.
    full = running.start(folder, dataset, files=4 * PAGE).end()
    ended = running.deposit(folder, dataset)

    assert full.code == 69
    assert "disk-full: no room on this machine for" in full.err
    assert "the same command goes on where it stopped" in full.err
    assert ended.code == 0, ended.err
    assert len(running.items(dataset)) == 8
    assert running.deposits(dataset) == Counter(COMPLETE=1)


@pytest.mark.requirement("R66")
def test_a_server_without_room_is_waited_for(running: RunningHouse, tmp_path: Path):
    folder = small_files(tmp_path / "in", 12, size=40 * PAGE)
    dataset = running.dataset()

    with running.full("serve", 16 * PAGE):
        started = running.start(folder, dataset)
        running.until(lambda: "trying again" in started.err.read_text() or started.over)
    ended = started.end()

    assert ended.code == 0, ended.err
    assert "-unavailable: " in ended.err
    assert len(running.items(dataset)) == 12
    assert running.deposits(dataset) == Counter(COMPLETE=1)


# --- two clients -------------------------------------------------------------------------------
@pytest.mark.requirement("R18")
@pytest.mark.parametrize("second", ["dora", "dirk"])
def test_two_clients_with_one_batch_make_one_deposit(
    running: RunningHouse, tmp_path: Path, second: str
):
    folder = small_files(tmp_path / "in", 40)
    dataset = running.dataset()

    both = [running.start(folder, dataset), running.start(folder, dataset, who=second)]
    ended = [one.end() for one in both]

    assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
    assert len(running.items(dataset)) == 40
    assert running.deposits(dataset) == Counter(COMPLETE=1)
    assert sum("40 files in the dataset already" in one.out for one in ended) == 1


@pytest.mark.requirement("R18")
def test_one_file_more_makes_a_second_deposit_of_that_file_alone(
    running: RunningHouse, tmp_path: Path
):
    folder = small_files(tmp_path / "in", 5)
    dataset = running.dataset()
    running.deposit(folder, dataset)
    (folder / "more.txt").write_text("one more report\n")

    ended = running.deposit(folder, dataset, who="dirk")

    assert ended.code == 0, ended.err
    assert "1 item sealed and received" in ended.out
    assert "5 files in the dataset already" in ended.out
    assert len(running.items(dataset)) == 6


def test_what_is_said_of_a_file_is_part_of_what_it_is(running: RunningHouse, tmp_path: Path):
    folder = small_files(tmp_path / "in", 2)
    register = tmp_path / "register.csv"
    register.write_text("id,name,id_number,mrn,phone\np1,Wang Xiaoming,,M-1,\n")
    dataset = running.dataset()
    running.deposit(folder, dataset)

    known = running.deposit(folder, dataset, "--register", str(register))
    about = running.deposit(folder, dataset, "--subject", "p1")
    again = running.deposit(folder, dataset, "--again", "after the loss")
    same = running.deposit(folder, dataset, "--again", "after the loss")

    assert [one.code for one in (known, about, again, same)] == [0] * 4
    assert len(running.items(dataset)) == 8
    assert same.out == "2 files in the dataset already\n"


def test_what_a_lost_client_began_is_taken_over(running: RunningHouse, tmp_path: Path):
    folder = small_files(tmp_path / "in", 300)
    dataset = running.dataset()
    lost = running.start(folder, dataset)
    running.until(lambda: running.arrived() or lost.over)
    lost.signal(signal.SIGKILL)
    lost.end()
    person, notes = running.company["dirk"], []
    key = running.intake_key(dataset, "dirk")
    watch = depositing.Watch(note=notes.append, patience_s=0.5)

    summary = depositing.deposit_files(
        person.door,
        depositing.Source.of(folder),
        key,
        person.own,
        tmp_path / "spool",
        watch,
    )
    late = running.deposit(folder, dataset)  # the lost one is found again, with its spool

    assert len(running.items(dataset)) == 300
    assert running.deposits(dataset)["COMPLETE"] == 1
    assert late.code == 0, late.err
    assert not running.spool()
    assert bool(summary.sent) == any("taking over" in note for note in notes)


# --- names, links, devices ---------------------------------------------------------------------
def odd_folder(place: Path) -> Path:
    """Everything that a file system may hold; two regular files among it."""
    folder = place / "in"
    (folder / "胸片").mkdir(parents=True)
    (folder / "胸片" / "王小明.txt").write_text("first\n")
    (folder / "Case.txt").write_text("upper\n")
    (folder / "case.txt").write_text("lower\n")
    (folder / os.fsdecode(b"bytes\xff.txt")).write_text("not UTF-8\n")
    (folder / os.fsdecode(b"bytes\xfe.txt")).write_text("not UTF-8\n")
    (folder / "line\nbreak\x1b[31m.txt").write_text("control\n")
    (folder / ("長" * 80 + ".txt")).write_text("long\n")
    (folder / "to-file").symlink_to(folder / "Case.txt")
    (folder / "to-folder").symlink_to(folder / "胸片")
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to("/etc")
    (folder / "nowhere").symlink_to(folder / "missing")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    return folder


def test_links_and_devices_are_named_and_never_followed(tmp_path: Path):
    left: list[LeftOut] = []

    found = [one.name for one in walk(odd_folder(tmp_path), left.append)]

    assert len(found) == 7
    assert {one.name: one.why for one in left} == {
        "to-file": LINK,
        "to-folder": LINK,
        "loop": LINK,
        "out": LINK,
        "nowhere": LINK,
        "pipe": SPECIAL,
        "socket": SPECIAL,
    }


def test_odd_names_are_deposited_each_as_one_file(running: RunningHouse, tmp_path: Path):
    dataset = running.dataset()

    ended = running.deposit(odd_folder(tmp_path), dataset)

    assert ended.code == 3
    assert "7 items sealed and received" in ended.out
    assert "7 names left out:" in ended.err
    assert "  pipe: no regular file" in ended.err
    assert len(running.items(dataset)) == 7
    assert set(running.settled(dataset)) == {("CLEANED", None)}


def test_a_name_can_move_no_cursor_and_break_no_line():
    assert shown("a\nb\x1b[31m\u202e王") == "a\\nb\\x1b[31m\\u202e王"


def test_names_that_differ_in_no_letter_are_told_apart(tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(b"a\xff")).write_text("x")
    (folder / "a\\xff").write_text("x")
    source = depositing.Source.of(folder)

    ids = [named.object_id for named in Namer(source, KEY).all(_never, lambda _: None)]

    assert [found.name for found in source.files] == ["a\\xff", "a\\xff"]
    assert len(set(ids)) == 2


def test_a_folder_with_links_alone_is_refused(running: RunningHouse, tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to("/etc/hostname")

    ended = running.deposit(tmp_path / "in", running.dataset())

    assert ended.code == 65
    assert ended.err.startswith("error: nothing-to-deposit: ")


# --- files that change -------------------------------------------------------------------------
KEY = IntakeKey("1" * 32, "2" * 32, "3" * 32, sealing.generate().public_bytes, NAMING)


def _never(left: LeftOut) -> None:
    raise AssertionError(left)


CHANGES = {
    "grown": lambda path: path.write_text(path.read_text() + "more"),
    "shrunk": lambda path: path.write_text("x"),
    "rewritten": lambda path: path.write_text(path.read_text().swapcase()),
    "gone": lambda path: path.unlink(),
    "a link now": lambda path: (path.unlink(), path.symlink_to("/etc/hostname")),
    "a folder now": lambda path: (path.unlink(), path.mkdir()),
}
WHY = {"gone": GONE, "a link now": UNREADABLE, "a folder now": UNREADABLE}


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("how", CHANGES)
def test_a_file_that_changed_since_it_was_named_is_not_sealed(tmp_path: Path, how: str):
    folder = small_files(tmp_path / "in", 3)
    source = depositing.Source.of(folder)
    names = list(Namer(source, KEY).all(_never, lambda _: None))
    spool = begun(tmp_path / "spool", KEY)
    CHANGES[how](names[1].path)

    told = seal(Job(names[1], KEY, spool.deposit, spool.object_path("x")))
    changed = seal_part(
        spool, names, source, (KEY, make_keys(tmp_path / "home")), Sealer(), lambda *_: None
    )

    assert (told.row, told.why) == (None, WHY.get(how, CHANGED))
    assert changed == [names[1]]
    assert spool.sealed.keys() == {names[0].object_id, names[2].object_id}
    assert not spool.object_path(names[1].object_id).exists()


@pytest.mark.requirement("R18")
def test_a_changed_file_is_sealed_anew_and_a_lost_one_named(running: RunningHouse, tmp_path: Path):
    folder = small_files(tmp_path / "in", 4)
    dataset, person = running.dataset(), running.company["dora"]
    key, told = running.intake_key(dataset, "dora"), []

    def tell(what: str, now: int, total: int) -> None:
        if (what, now) == ("name", total):  # all are named, none is sealed
            (folder / "00001.txt").write_text("rewritten\n")
            (folder / "00002.txt").unlink()
        told.append(what)

    summary = depositing.deposit_files(
        person.door,
        depositing.Source.of(folder),
        key,
        person.own,
        tmp_path / "spool",
        depositing.Watch(tell),
    )
    again = running.deposit(folder, dataset)

    assert summary.left_out == [LeftOut("00002.txt", GONE)]
    assert len(running.items(dataset)) == 3
    assert again.out == "3 files in the dataset already\n"
    assert set(running.settled(dataset)) == {("CLEANED", None)}
    assert {"name", "seal", "send"} <= set(told)


def test_what_can_not_be_read_is_named(tmp_path: Path):
    folder = small_files(tmp_path / "in", 2)
    # A name that is too long for the system is the one failure that root meets, too.
    found = [*depositing.Source.of(folder).files]
    found.append(replace(found[0], path=folder / ("x" * 300), name="x.txt"))
    left: list[LeftOut] = []

    names = list(Namer(depositing.Source(found), KEY).all(left.append, lambda _: None))

    assert len(names) == 2
    assert left == [LeftOut("x.txt", UNREADABLE)]


# --- the clock ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("hours", "how"), [(5, "5:00:00 ahead of"), (-7, "7:00:00 behind")])
def test_a_wrong_clock_is_told_as_that(running: RunningHouse, hours: int, how: str):
    key = PersonKey.generate()
    public = running.text_of(key.public_bytes)
    body = {"name": f"clock{hours}", "public_key": public, "purposes": [PURPOSE]}
    operator = running.company["operator"].door
    account = str(operator.create("/service-accounts", body)["account"])
    door = connect(running.stage.url)
    wrong = replace(door, clock_s=lambda: time.time() + hours * 3600)

    with pytest.raises(ClientError) as refused:
        session.log_in_service(wrong, account, key)
    door.http.close()

    assert (refused.value.code, refused.value.status) == ("clock-differs", 401)
    assert how in refused.value.message


def test_a_wrong_key_is_not_blamed_on_the_clock(running: RunningHouse):
    door = connect(running.stage.url)

    with pytest.raises(ClientError) as refused:
        session.log_in_service(door, "0" * 32, PersonKey.generate())
    door.http.close()

    assert refused.value.code == "login-refused"
    assert abs(refused.value.clock_behind_s or 9) < 5


def test_a_deposit_depends_on_no_clock_of_the_client(running: RunningHouse, tmp_path: Path):
    folder = small_files(tmp_path / "in", 2)
    dataset, person = running.dataset(), running.company["dora"]
    door = replace(person.door, clock_s=lambda: datetime(2001, 1, 1, tzinfo=UTC).timestamp())

    summary = depositing.deposit_files(
        door,
        depositing.Source.of(folder),
        running.intake_key(dataset, "dora"),
        person.own,
        tmp_path / "spool",
        depositing.Watch(),
    )

    assert len(summary.sent) == 1
