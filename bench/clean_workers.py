"""`anbiao clean` as a command: one worker and two, images and texts, and the memory it takes.

Each figure is of whole commands in processes of their own, start and end included, in turns, the
best of several rounds. `python bench/clean_workers.py` shows both workers and their ratio alone.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clean_ct import MEMORY, big_ct
from figures import record, show

HERE = Path(__file__).parent
SCANS = 600
REPORTS = 1200
MANY = 10_000
FEW = 500
ROUNDS = 5
LARGE_MIB = 1000
GOAL = 1.8
MEASURED = """
import json, re, resource, sys
from api.cli.main import run
code = run(sys.argv[1:])
own = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"code": code, "parent": own / 1024, "child": child / 1024}))
"""


def run() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        speed(Path(folder))
        memory(Path(folder))


def speed(folder: Path) -> None:
    scans, texts, none = folder / "scans", folder / "texts", folder / "none"
    make_scans(scans, SCANS)
    make_texts(texts, REPORTS)
    none.mkdir()
    for what, source, count in (("512 KiB CTs", scans, SCANS), ("reports", texts, REPORTS)):
        start, one, two = best(none, source, folder / "out")
        name = f"anbiao clean, {count} {what}"
        record("clean", f"{name}, one worker", count / one, "files/s")
        compared(f"{name}, two workers", count / two, one / two)
        # What no number of workers makes faster: the command with nothing to do.
        work = (one - start) / (two - start)
        compared(f"{name}, two workers, without start", count / (two - start), work)
    shutil.rmtree(scans)
    shutil.rmtree(texts)


def compared(name: str, rate: float, ratio: float) -> None:
    met = ratio >= GOAL or len(os.sched_getaffinity(0)) < 2
    record("clean", name, rate, "files/s", "one worker", ratio, f">= {GOAL}", met)


def best(none: Path, source: Path, target: Path) -> tuple[float, float, float]:
    """Seconds of the command over nothing, with one worker and with two: the best rounds."""
    cases = {(none, 1): float("inf"), (source, 1): float("inf"), (source, 2): float("inf")}
    for _ in range(ROUNDS):
        for (folder, workers), before in cases.items():
            start = time.perf_counter()
            command(folder, target, workers)
            cases[folder, workers] = min(before, time.perf_counter() - start)
            shutil.rmtree(target)
    return cases[none, 1], cases[source, 1], cases[source, 2]


def command(source: Path, target: Path, workers: int) -> None:
    arguments = ["clean", source, target, "--recipe", "basic", "--workers", str(workers)]
    arguments += ["--report", target.with_suffix(".jsonl")]
    subprocess.run(
        [sys.executable, "-m", "api.cli.main", *arguments],
        cwd=HERE.parent,
        check=True,
        stderr=subprocess.DEVNULL,
    )


def memory(folder: Path) -> None:
    few, many, large = folder / "few", folder / "many", folder / "large"
    make_small(few, FEW)
    make_small(many, MANY)
    base, most = measured(few, folder / "out"), measured(many, folder / "out")
    for who in ("parent", "child"):
        ratio = most[who] / base[who]
        name = f"memory of a {who}, {MANY} files"
        against = f"{FEW} files"
        record("clean", name, most[who], "MiB", against, ratio, "<= 1.2", ratio <= 1.2)
    shutil.rmtree(few)
    shutil.rmtree(many)
    make_large(large, LARGE_MIB)
    child = measured(large, folder / "out")["child"]
    ratio = child / LARGE_MIB
    name = f"memory of a child, one file of {LARGE_MIB} MiB"
    record("clean", name, child, "MiB", "the file", ratio, "<= 1.2", ratio <= 1.2)


def measured(source: Path, target: Path) -> dict:
    arguments = ["clean", source, target, "--recipe", "basic", "--workers", "2"]
    arguments += ["--report", target.with_suffix(".jsonl"), "--html", target.with_suffix(".html")]
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        cwd=HERE.parent,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    shutil.rmtree(target)
    found = json.loads(ended.stdout)
    assert found["code"] == 0
    return found


def make_scans(folder: Path, count: int) -> None:
    folder.mkdir()
    marked = big_ct(999_999)
    for number in range(count):
        data = marked.replace(b"1.2.3.999999", b"1.2.3.%06d" % number)
        (folder / f"{number}.dcm").write_bytes(data)


def make_small(folder: Path, count: int) -> None:
    """The same images with as many pixels as fit 8 KiB."""
    folder.mkdir()
    whole = big_ct(999_999)
    at = whole.rindex(b"\xe0\x7f\x10\x00OW\0\0") + 8
    small = whole[:at] + (8192).to_bytes(4, "little") + bytes(8192)
    small = small.replace(b"\x28\0\x10\0US\x02\0\0\x02", b"\x28\0\x10\0US\x02\0\x40\0")
    small = small.replace(b"\x28\0\x11\0US\x02\0\0\x02", b"\x28\0\x11\0US\x02\0\x40\0")
    for number in range(count):
        data = small.replace(b"1.2.3.999999", b"1.2.3.%06d" % number)
        (folder / f"{number}.dcm").write_bytes(data)


def make_large(folder: Path, mib: int) -> None:
    folder.mkdir()
    whole = big_ct(999_999)
    at = whole.rindex(b"\xe0\x7f\x10\x00OW\0\0") + 8
    frames = str(2 * mib).rjust(6).encode()
    number = b"\x28\0\x08\0IS" + len(frames).to_bytes(2, "little") + frames
    before = whole.index(b"\x28\0\x10\0US")
    head = whole[:before] + number + whole[before:at]
    with (folder / "long.dcm").open("wb") as file:
        file.write(head + (mib << 20).to_bytes(4, "little"))
        file.writelines(bytes(1 << 20) for _ in range(mib))


def make_texts(folder: Path, count: int) -> None:
    folder.mkdir()
    notes = [p.read_text("utf-8") for p in sorted((HERE.parent / "examples").rglob("*.txt"))]
    for number in range(count):
        note = f"住院号：{number:08}\n{notes[number % len(notes)]}"
        (folder / f"{number}.txt").write_text(note, encoding="utf-8")


if __name__ == "__main__":
    run()
    sys.exit(0 if show() else 1)
