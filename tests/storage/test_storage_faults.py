"""Processes that are killed, that run beside one another, and that meet a full disk."""

import hashlib
import sqlite3

import pytest

from sandbox.records.people import Epoch, UsedNonce
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.sqlite import SqliteLedgers

LEDGER = "a" * 32


def read_lines(process, count):
    return [process.stdout.readline().strip() for _ in range(count)]


def kill(process):
    """Kill -9; returns what it had still said."""
    process.kill()
    return [line for line in process.communicate()[0].splitlines(keepends=True) if "\n" in line]


def check_no_half_act(folder):
    """Counter, rows and entries of the ledger agree; returns how many acts it holds."""
    house = SqliteLedgers(folder)
    store = house.open(LEDGER)
    size = store.size()
    with store.snapshot() as tables:
        counter = tables.of(Epoch).get("counter")
        indices = sorted(row.index for row in tables.of(UsedNonce).find())
    entries, hashes = store.entries(0, size), store.leaf_hashes(0, size)
    house.close()
    assert (counter.value if counter else 0) == size
    assert indices == list(range(size))
    assert hashes == [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    return size


@pytest.mark.parametrize("acknowledged", [0, 1, 2, 3, 17, 40])
def test_a_killed_process_leaves_no_half_act(child, tmp_path, acknowledged):
    process = child("act", tmp_path, 1_000_000)
    told = read_lines(process, acknowledged)
    told += kill(process)
    if not (tmp_path / f"{LEDGER}.sqlite").exists():  # killed before it had founded the ledger
        SqliteLedgers(tmp_path).create(LEDGER)

    size = check_no_half_act(tmp_path)

    # What was acknowledged is there; at most the one in flight is there beyond it.
    assert [int(line) for line in told] == list(range(len(told)))
    assert len(told) <= size <= len(told) + 1


def test_kill_after_kill_the_ledger_goes_on(child, tmp_path):
    told = 0
    for round_ in range(5):
        process = child("act", tmp_path, 1_000_000)
        last = int((read_lines(process, 3 + round_) + kill(process))[-1])
        assert told <= last
        told = last + 1

    assert told <= check_no_half_act(tmp_path) <= told + 1


def test_processes_lose_no_update(child, tmp_path):
    processes = [child("act", tmp_path, 60) for _ in range(3)]

    told = [int(line) for process in processes for line in process.communicate()[0].split()]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(told) == list(range(180))
    assert check_no_half_act(tmp_path) == 180


def test_a_full_disk_refuses_leaves_no_half_act_and_heals(child, tmp_path):
    *told, refusal, after = child("full", tmp_path).communicate()[0].split()

    assert refusal == "ledger-unavailable"
    assert int(after) == len(told) > 0
    assert check_no_half_act(tmp_path) == len(told) + 1
    connection = sqlite3.connect(tmp_path / f"{LEDGER}.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize("acknowledged", [0, 1, 2, 5])
def test_a_killed_writer_leaves_no_torn_blob(child, tmp_path, acknowledged):
    process = child("blob", tmp_path)
    told = read_lines(process, acknowledged) + [line.strip() for line in kill(process)]

    blobs = FileBlobs(tmp_path)
    kept = list(blobs.digests())

    assert set(told) <= set(kept)
    assert len(kept) <= len(told) + 1
    assert {len(blobs.read(digest)) for digest in kept} <= {320_000}
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_full_disk_keeps_no_part_of_a_blob(child, tmp_path):
    told = child("full-blob", tmp_path).communicate()[0].split()

    assert told[0] == "blob-store-unavailable"
    assert list(FileBlobs(tmp_path).digests()) == told[1:]
    assert list((tmp_path / "staging").iterdir()) == []
