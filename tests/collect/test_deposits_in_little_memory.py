"""Large files and many files pass through client, server and worker in little memory."""

from collections import Counter
from pathlib import Path

import pytest
from running_house import CLEAN_BYTES, RunningHouse, small_files

MIB = 2**20
LARGE = 300 * MIB


@pytest.mark.requirement("R20")
def test_a_large_file_takes_no_memory_anywhere(running: RunningHouse, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    with (folder / "large.bin").open("wb") as file:
        file.truncate(LARGE)
    dataset = running.dataset()
    before = {name: running.peak_bytes(name) for name in ("serve", "worker")}

    ended = running.deposit(folder, dataset)
    states = running.settled(dataset)

    assert ended.code == 0, ended.err
    assert states == Counter({("QUARANTINED", "too-large"): 1})
    assert LARGE > 4 * CLEAN_BYTES
    assert 0 < ended.peak_bytes < 120 * MIB
    for name, peak in before.items():
        assert running.peak_bytes(name) - peak < 48 * MIB, name


def test_many_files_take_no_memory_either(running: RunningHouse, tmp_path: Path):
    few, many = small_files(tmp_path / "few", 20), small_files(tmp_path / "many", 2_000)
    dataset = running.dataset()
    base = running.deposit(few, dataset)
    before = running.peak_bytes("serve")

    ended = running.deposit(many, dataset)

    assert (base.code, ended.code) == (0, 0), ended.err
    assert "20 files in the dataset already" in ended.out  # the few are among the many
    assert len(running.items(dataset)) == 2_000
    assert ended.peak_bytes - base.peak_bytes < 48 * MIB
    assert running.peak_bytes("serve") - before < 64 * MIB
