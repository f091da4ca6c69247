"""The three processes of a house, started over a fresh data folder and stopped again."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
        owner: address of a PostgreSQL database, of somebody who may make schemas and roles in it;
            SQLite files without.
        certificates: what the parties trust, where `serve` has a certificate of its own.
    """

    folder: Path
    url: str = ""
    owner: str | None = None
    certificates: Path | None = None
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Start notary, worker and server, and wait until the server listens.

        Raises:
            ClientError: `process-ended`, `process-late`, `database-refused`.
        """
        (self.folder / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.owner is not None:
            self._prepare(self.owner)
        # In a thread of its own an interrupt can't fall between a process's birth and its note.
        with ThreadPoolExecutor(1) as pool:
            list(pool.map(self.start_one, PROCESSES))
        self.url = str(json.loads(self.appears("run/serve.json"))["url"])

    def _prepare(self, owner: str) -> None:
        """Make a schema and a role of this demo's own, and name them in the house's settings."""
        name = f"anbiao_demo_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
        address, kept = self.folder / "run" / "owner", self.folder / "database"
        # By a file: what stands in a command line can be read by everybody on the machine.
        with os.fdopen(os.open(address, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(owner)
        command = [sys.executable, "-m", "api.cli.main", "database", "prepare"]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                [*command, "--database-file", address, "--name", name, "--to", kept],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            address.unlink()
        if done.returncode:
            raise ClientError("database-refused", f"it can't be made ready: {done.stderr.strip()}")
        settings = f"database_file = {json.dumps(str(kept))}\n"
        (self.folder / "settings.toml").write_text(settings, encoding="utf-8")

    def start_one(self, name: str) -> None:
        """Start one process, or start it again; its words go to `run/<name>.log`.

        The server listens on a free port, and where it listened before from then on.
        """
        command = [*self.program(name), name, "--dir", str(self.folder)]
        if name == "serve":
            command += ["--port", str(urlsplit(self.url).port or 0)]
        with (self.folder / "run" / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def program(self, _name: str) -> list[str]:
        """What runs a process, before its arguments."""
        return [sys.executable, "-m", "api.cli.main"]

    def hand(self, name: str, text: str) -> None:
        """Put a file below the data folder, as whoever sets the worker up does: by hand."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)

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
def staged(folder: Path, *, keep: bool, owner: str | None = None) -> Iterator[Stage]:
    """A house that runs as long as the body; with `keep`, on after a body that succeeded."""
    stage = Stage(folder, owner=owner)
    done = False
    try:
        stage.start()
        yield stage
        done = True
    finally:
        if not (keep and done):
            stage.stop()
