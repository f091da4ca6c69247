"""Sending a sealed deposit: what the server has is never sent again, whatever was cut off.

- The server says what is missing; small objects go several to a request, requests side by side.
- After a cut, a restart, a 503: a pause that grows up to a limit, then the server is asked again
  what it has. Whenever something arrived, patience begins anew; without that it ends.
- Every request may be sent twice: objects by their digests, acts by their idempotency keys.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.client.errors import ClientError
from api.client.http import FIRST_PAUSE_S, LONGEST_PAUSE_S, RETRIED, Door, Json
from api.client.spool import OBJECTS, read_announced

Progress = Callable[[str, int, int], None]
"""Told what is done: `name`, `seal` or `send`, how many bytes now, how many in all."""

MOST_IN_PARCEL: Final = 64
PARCEL_BYTES: Final = 2**20
SIDE_BY_SIDE: Final = 4
_PIECE: Final = 2**20
_DAMAGED: Final = frozenset({"object-altered", "object-truncated", "object-too-large"})


def silent(_what: str, _now: int, _total: int) -> None:
    """Progress that nobody looks at."""


def send(door: Door, folder: Path, progress: Progress = silent) -> Json:
    """Send a sealed deposit, or what is missing of it; the answer to its completion.

    Raises:
        ClientError: the server refused, or can't be reached; sending again goes on from there.
            `deposit-abandoned`: another client took its files over. `spool-damaged`: an object
            is not what it was when it was sealed.
    """
    announced = read_announced(folder)
    dataset = f"/hospitals/{announced['ledger']}/datasets/{announced['dataset']}"
    deposit = f"{dataset}/deposits/{announced['body']['deposit']}"
    opening = {"Idempotency-Key": announced["request_key"]}
    opened = door.create(f"{dataset}/deposits", announced["body"], opening)
    _Upload(door, deposit, folder, progress).run()
    closing = {"Idempotency-Key": f"{announced['request_key']}-complete"}
    completed = door.create(f"{deposit}/complete", {}, closing)
    return {**completed, "opened": opened["receipt"]}


@dataclass
class _Upload:
    """The objects of one deposit on their way."""

    door: Door
    deposit: str
    folder: Path
    progress: Progress

    def run(self) -> None:
        tries, fewest = 0, None
        while missing := self._missing():
            if fewest is None or len(missing) < fewest:
                tries, fewest = 0, len(missing)
            failed = self._send_all(missing)
            if failed is None:
                continue
            tries += 1
            if tries >= self.door.attempts:
                raise failed
            pause_s = min(FIRST_PAUSE_S * 2 ** min(tries - 1, 16), LONGEST_PAUSE_S)
            self.door.notice(failed, pause_s)
            self.door.pause(pause_s)

    def _missing(self) -> list[str]:
        state = self.door.get(self.deposit)
        if state["state"] == "ABANDONED":
            raise ClientError("deposit-abandoned", "another client took its files over")
        return list(state["missing"])

    def _send_all(self, missing: Sequence[str]) -> ClientError | None:
        """Send objects side by side; the first failure that waiting may mend.

        Raises:
            ClientError: one that it does not.
        """
        paths = [self.folder / OBJECTS / object_id for object_id in missing]
        sizes = {path: _size(path) for path in paths}
        total, done = sum(sizes.values()), 0
        failed: ClientError | None = None
        stop = threading.Event()
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            try:
                for parcel, error in self._results(pool, _parcels(sizes), stop):
                    failed = failed or error
                    done += 0 if error else sum(sizes[path] for path in parcel)
                    self.progress("send", done, total)
            finally:
                stop.set()
        return failed

    def _results(
        self, pool: ThreadPoolExecutor, parcels: Iterator[list[Path]], stop: threading.Event
    ) -> Iterator[tuple[list[Path], ClientError | None]]:
        running: dict[Future[None], list[Path]] = {}
        failed = False
        while True:
            while not failed and len(running) < SIDE_BY_SIDE and (one := next(parcels, None)):
                running[pool.submit(self._send_parcel, one, stop)] = one
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                error = _mendable(future)
                failed = failed or error is not None
                yield running.pop(future), error

    def _send_parcel(self, paths: list[Path], stop: threading.Event) -> None:
        if len(paths) == 1:
            path = f"{self.deposit}/objects/{paths[0].name}"
            self.door.put_once(path, _pieces(paths[0], stop))
        else:
            self.door.put_once(f"{self.deposit}/objects", _parcel(paths, stop))


def _mendable(future: Future[None]) -> ClientError | None:
    try:
        future.result()
    except ClientError as error:
        if error.code in RETRIED:
            return error
        if error.code in _DAMAGED:
            said = "a sealed object in the spool is not what it was"
            raise ClientError("spool-damaged", said) from error
        if error.code == "deposit-complete":
            return None  # an answer was lost, and the deposit has all of it
        raise
    return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError as error:
        raise ClientError("spool-damaged", "a sealed object is gone from the spool") from error


def _parcels(sizes: dict[Path, int]) -> Iterator[list[Path]]:
    """Objects in groups that make one request each; a large one goes by itself."""
    group: list[Path] = []
    weight = 0
    for path, size in sizes.items():
        if size > PARCEL_BYTES // 2:
            yield [path]
            continue
        if group and (len(group) == MOST_IN_PARCEL or weight + size > PARCEL_BYTES):
            yield group
            group, weight = [], 0
        group.append(path)
        weight += size
    if group:
        yield group


def _parcel(paths: Iterable[Path], stop: threading.Event) -> Iterator[bytes]:
    for path in paths:
        yield bytes.fromhex(path.name)
        yield from _pieces(path, stop)


def _pieces(path: Path, stop: threading.Event) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if stop.is_set():
                raise ClientError("unreachable", "sending was stopped")
            yield piece
