"""The three processes of a house, started over a fresh data folder and stopped again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from api.client.errors import ClientError

PROCESSES: Final = ("notary", "worker", "serve")
_WAIT_S: Final = 30.0
_END_S: Final = 15.0


@dataclass
class Stage:
    """A running house.

    Attributes:
        folder: the data folder.
        url: where `serve` listens, once it does.
    """

    folder: Path
    url: str = ""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Start notary, worker and server, and wait until the server listens.

        Raises:
            ClientError: `process-ended`, `process-late`.
        """
        (self.folder / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a thread of its own an interrupt can't fall between a process's birth and its note.
        with ThreadPoolExecutor(1) as pool:
            list(pool.map(self.start_one, PROCESSES))
        self.url = str(json.loads(self.appears("run/serve.json"))["url"])

    def start_one(self, name: str) -> None:
        """Start one process, or start it again; its words go to `run/<name>.log`.

        The server listens on a free port, and where it listened before from then on.
        """
        command = [sys.executable, "-m", "api.cli.main", name, "--dir", str(self.folder)]
        if name == "serve":
            command += ["--port", str(urlsplit(self.url).port or 0)]
        with (self.folder / "run" / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The running process of that name."""
        return self._running[name]

    def appears(self, name: str) -> bytes:
        """The content of a file below the data folder, as soon as it has any.

        Raises:
            ClientError: `process-ended`: a process is gone; `process-late`: it did not appear.
        """
        path, until = self.folder / name, time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            if path.is_file() and path.stat().st_size:
                return path.read_bytes()
            self.check()
            time.sleep(0.05)
        raise ClientError("process-late", f"{name} did not appear; see {self.folder / 'run'}")

    def check(self) -> None:
        """All processes run.

        Raises:
            ClientError: `process-ended`.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self.folder / "run" / f"{name}.log"
                raise ClientError("process-ended", f"{name} ended; what it said is in {log}")

    def stop(self) -> None:
        """End all processes, server first; killed are those that don't end, or when interrupted."""
        try:
            for name in reversed(PROCESSES):
                self._end(name)
        finally:
            for process in self._running.values():
                process.kill()
                process.wait()
            self._running.clear()

    def _end(self, name: str) -> None:
        process = self._running.get(name)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """In the body, SIGTERM and SIGHUP end this process by way of its `finally` parts.

    Without it, whoever ends the demo leaves its three processes behind. The exit code is the
    shell's for that signal: 128 and its number.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def staged(folder: Path, *, keep: bool) -> Iterator[Stage]:
    """A house that runs as long as the body; with `keep`, on after a body that succeeded."""
    stage = Stage(folder)
    done = False
    try:
        stage.start()
        yield stage
        done = True
    finally:
        if not (keep and done):
            stage.stop()
