"""Ten thousand small files and one of 4 GiB through the real door, beside plain sealing to disk.

The house is the real one, the depositor the real command, each process measured by the kernel's
own high-water mark. Plain sealing reads the same files, encrypts them under one key and writes
them to the same disk, synced once: no network, no manifest, no signature, nothing durable one by
one. The worker stands still while a deposit is timed, and then has to face what came.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from figures import record

from api.client.session import keep_session
from api.demo import scenes
from api.demo.scenes import Play
from api.demo.stage import Stage, staged
from crypto.chunked import KEY_SIZE, Writer

FILES = 10_000
FILE_BYTES = 8_000
LARGE_BYTES = 2**32
MIB = 2**20
_LOOK_S = 0.02
_PIECE = MIB


@dataclass(frozen=True)
class Timed:
    """Seconds and peak bytes of one run of the command."""

    took_s: float
    peak: int


def run() -> None:
    with (
        tempfile.TemporaryDirectory(
            prefix="anbiao-bench-", dir=os.environ.get("BENCH_DIR")
        ) as name,
        staged(Path(name) / "house", keep=False) as stage,
    ):
        place = Path(name)
        play = Play(stage, lambda *_: None)
        scenes.gather_people(play)
        depositor = play.company["depositor"]
        keep_session(depositor.folder, stage.url, depositor.door)
        large(play, place)
        small(play, place)
        play.company.close()


def small(play: Play, place: Path) -> None:
    folder = place / "small"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:05}.txt").write_bytes(b"Report %d. " % number + os.urandom(FILE_BYTES))
    plain_s = plainly(folder, place / "plain")
    timed = deposited(play, folder)
    rate = FILES / timed.took_s
    record(
        "deposit", "small_files", rate, "files/s", "plain sealing to disk", plain_s / timed.took_s
    )
    faced(play)
    peaks(play.stage, "small_files", timed)


def large(play: Play, place: Path) -> None:
    folder = place / "large"
    folder.mkdir()
    with (folder / "film.bin").open("wb") as file:
        # Not all of it sparse: what is read from nowhere is read too fast.
        for at in range(0, LARGE_BYTES, 64 * MIB):
            file.seek(at)
            file.write(secrets.token_bytes(MIB))
        file.truncate(LARGE_BYTES)
    plain_s = plainly(folder, place / "plain")
    timed = deposited(play, folder)
    rate = LARGE_BYTES / timed.took_s / 1e6
    record("deposit", "large_file", rate, "MB/s", "plain sealing to disk", plain_s / timed.took_s)
    faced(play)
    peaks(play.stage, "large_file", timed)


def deposited(play: Play, folder: Path) -> Timed:
    """Deposit a folder into a dataset of its own."""
    scenes.make_dataset(play)
    depositor, company = play.company["depositor"], play.company
    command = [sys.executable, "-m", "api.cli.main", "deposit", str(folder)]
    command += ["--home", str(depositor.folder), "--ledger", company.ledger]
    command += ["--dataset", play.dataset, "--worker", company.worker]
    # The naming key comes from the worker: it stands still only once it was given.
    until(lambda: depositor.door.get(f"{play.set_path}/intake-key")["naming"])
    with still(play.stage.process("worker").pid):
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            threading.Event().wait(_LOOK_S)
        took_s = time.perf_counter() - begun
    said = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(said.decode())
    return Timed(took_s, peak)


def faced(play: Play) -> None:
    """Wait until the worker has looked at everything."""
    door = play.company["depositor"].door
    until(lambda: not door.get(play.set_path)["items"].get("SEALED"))


def plainly(folder: Path, target: Path) -> float:
    """Seconds that plain sealing to disk takes."""
    target.mkdir(exist_ok=True)
    key, begun = secrets.token_bytes(KEY_SIZE), time.perf_counter()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as source, (target / path.name).open("wb") as sink:
            writer = Writer(sink, key, path.name.encode())
            while piece := source.read(_PIECE):
                writer.write(piece)
            writer.close()
    os.sync()
    took_s = time.perf_counter() - begun
    for path in target.iterdir():
        path.unlink()
    return took_s


def peaks(stage: Stage, what: str, timed: Timed) -> None:
    met = {"client": timed.peak}
    met |= {name: peak_of(stage.process(name).pid) for name in ("serve", "worker")}
    for name, peak in met.items():
        limit = 384
        record(
            "deposit",
            f"{what}_peak_{name}",
            peak / MIB,
            "MiB",
            goal=f"<= {limit} MiB",
            met=peak <= limit * MIB,
        )


def peak_of(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


@contextmanager
def still(pid: int) -> Iterator[None]:
    """A process that stands still in the body."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def until(holds: Callable[[], object]) -> None:
    while not holds():
        threading.Event().wait(_LOOK_S * 10)


if __name__ == "__main__":
    run()
    from figures import show

    show()
