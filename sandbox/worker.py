"""The worker: it looks for what is to be done in every ledger that it believes, and does it.

- There is no queue beside the rows: a worker killed at any point finds the same steps again,
  and each step ends in one act at the gate, after which it is no longer found.
- A ledger whose past does not verify, from a pinned steward on, is left alone.
- Rooms take turns: a room with much to do gives way to the next one after a while, so that a
  large deposit or a flood of datasets holds up no release.
- A step that fails is tried again, later and later: each refusal is an entry in the log, and a
  step that policy refuses now would else fill it.
- While a store or the notary can't act, everything waits.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from policies.pack import Pack
from sandbox.acts import PLATFORM
from sandbox.clean.engine import Engine
from sandbox.clean.opening import MOST_BYTES
from sandbox.clean.parting import Parting
from sandbox.clean.work import CleanWork
from sandbox.collect import work as collect_work
from sandbox.enclave import Enclave, Step
from sandbox.erasure.work import ErasureWork
from sandbox.errors import SandboxError, Unavailable, VerificationFailed
from sandbox.label import work as label_work
from sandbox.release.screening import Scan
from sandbox.release.work import ReleaseWork

POLL_S: Final = 0.5
SLICE_S: Final = 1.0
FIRST_DELAY_S: Final = 2.0
LONGEST_DELAY_S: Final = 600.0
OUTAGE_DELAY_S: Final = 1.0
MOST_REMEMBERED: Final = 10_000
INTERNAL: Final = "internal-error"

Steps = Callable[[str], Iterable[Step]]
_log = logging.getLogger("anbiao.worker")


@dataclass
class Patience:
    """When a step that failed may be tried again; used by the worker's thread only."""

    monotonic: Callable[[], float]
    _until: dict[str, tuple[float, float]] = field(default_factory=dict)  # name: (when, delay)

    def allows(self, name: str) -> bool:
        """Whether the step may be tried now."""
        return self.monotonic() >= self._until.get(name, (0.0, 0.0))[0]

    def failed(self, name: str) -> None:
        """Put the step off, twice as long as the last time."""
        delay = min(2 * self._until.get(name, (0.0, FIRST_DELAY_S / 2))[1], LONGEST_DELAY_S)
        if len(self._until) >= MOST_REMEMBERED:
            self._until.pop(next(iter(self._until)))
        self._until[name] = (self.monotonic() + delay, delay)

    def done(self, name: str) -> None:
        """Forget the step."""
        self._until.pop(name, None)


def _nothing() -> int:
    return 0


@dataclass(frozen=True)
class Worker:
    """All rooms' steps over all ledgers; one thread."""

    enclave: Enclave
    rooms: Sequence[Steps]
    patience: Patience
    sweep: Callable[[str], int]
    dismiss: Callable[[], None] = field(default=lambda: None)
    tidy: Callable[[], int] = _nothing
    replay: Callable[[str], int] = lambda _: 0

    def close(self) -> None:
        """End the engine's processes, and close the ledgers."""
        self.dismiss()
        self.enclave.ledgers.close()

    def turn(self) -> int:
        """Do what is to be done now; how many steps were done.

        Raises:
            Unavailable: a store or the notary can't act now.
        """
        return sum(self._turn_in(ledger) for ledger in self._believed())

    def begin(self) -> None:
        """Finish what a crash may have left: tails that nobody signed, and what must be tidied.

        Raises:
            Unavailable: a store or the notary can't act now.
        """
        try:
            self.enclave.gate.finish_tails()
        except Unavailable as error:
            _log.warning("tails are not signed yet: %s", error.code)
        for ledger in self._believed():
            self._restored(ledger)
            self.sweep(ledger)
        try:
            self.tidy()
        except SandboxError as error:
            # Orphans wait for the next start; nothing else need wait for them.
            _log.warning("orphans are not swept: %s", error.code)

    def _restored(self, ledger: str) -> None:
        """Before anything else: what was erased and came back by a restore goes again (R76)."""
        if again := self.replay(ledger):
            _log.warning("ledger %s: %d erasures were done again", ledger, again)

    def _turn_in(self, ledger: str) -> int:
        done = 0
        for number, room in enumerate(self.rooms):
            found: list[Step] = []
            # Looking is a step of its own: rows that contradict each other stop one room only.
            self._try(ledger, f"look:{ledger}:{number}", lambda: found.extend(room(ledger)))  # noqa: B023
            until = self.patience.monotonic() + SLICE_S
            for name, act in found:
                done += self._try(ledger, name, act)
                if self.patience.monotonic() >= until:
                    break
        return done

    def _try(self, ledger: str, name: str, act: Callable[[], None]) -> int:
        if not self.patience.allows(name):
            return 0
        try:
            act()
        except Unavailable:
            raise
        except SandboxError as error:
            self.patience.failed(name)
            _log.warning("%s in %s: %s", name, ledger, error.code)
            return 0
        except Exception as error:  # noqa: BLE001 - one item must not stop the others
            # Its text may hold content: only its kind is logged.
            self.patience.failed(name)
            _log.error("%s in %s: %s: %s", name, ledger, INTERNAL, type(error).__qualname__)
            return 0
        self.patience.done(name)
        return 1

    def _check_keys(self, ledger: str) -> None:
        """Nothing opens in a key store from before a rotation: no item is to blame for that."""
        if not self.enclave.vault.epoch_lives(ledger):
            raise VerificationFailed("key-store-outdated", "it is from before a rotation")

    def _believed(self) -> Iterator[str]:
        """Ledgers whose past verifies, from an entry 0 that a pinned steward signed."""
        for ledger in self.enclave.ledgers.names():
            if ledger == PLATFORM or self.enclave.ledgers.open(ledger).size() == 0:
                continue
            if not self.patience.allows(ledger):
                continue
            try:
                self.enclave.history(ledger)
                self._check_keys(ledger)
            except Unavailable:
                raise
            except SandboxError as error:
                self.patience.failed(ledger)
                _log.warning("ledger %s is not believed: %s", ledger, error.code)
                continue
            self.patience.done(ledger)
            yield ledger


def furnish(
    enclave: Enclave,
    engine: Engine,
    scan: Scan,
    pack: Pack,
    monotonic: Callable[[], float],
    most_bytes: int = MOST_BYTES,
) -> Worker:
    """The worker of an enclave.

    Args:
        enclave: what its steps stand on.
        engine: what cleans.
        scan: what looks for identifiers in what is to leave.
        pack: the grade pack in force, with the quorum.
        monotonic: a clock that never runs backwards, in seconds.
        most_bytes: the longest file that is cleaned.
    """
    clean = CleanWork.over(enclave, engine, most_bytes)
    release = ReleaseWork.over(enclave, scan, pack)
    erasure = ErasureWork.over(enclave, Parting(enclave, clean.opener))
    rooms: list[Steps] = [
        erasure.steps,
        lambda ledger: collect_work.steps(enclave, ledger),
        clean.steps,
        lambda ledger: label_work.steps(enclave, ledger),
        release.steps,
    ]
    return Worker(
        enclave, rooms, Patience(monotonic), clean.sweep, engine.close, replay=erasure.replay
    )


def run(worker: Worker, stop: threading.Event, poll_s: float = POLL_S) -> None:
    """Work until `stop` is set; looks again after `poll_s` seconds when nothing was to be done."""
    begun = False
    while not stop.is_set():
        try:
            if not begun:
                worker.begin()
                begun = True
            wait = 0.0 if worker.turn() else poll_s
        except Unavailable as error:
            _log.warning("waiting: %s", error.code)
            wait = max(poll_s, OUTAGE_DELAY_S)
        stop.wait(wait)
