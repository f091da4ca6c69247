"""One writer per ledger and process: it drains a queue into batches with one commit each.

A batch: settle the tail, take the ledger's write lock, take up what others committed, carry out
each command, commit once, settle once, answer everybody.

What a waiter meets:
- done, and covered by a signed and published checkpoint: the receipt;
- refused: the refusal, once its entry is durable;
- durable and not yet signed: `CheckpointPending`; the same request key fetches the receipt later;
- nothing done, because database or notary failed: `LedgerUnavailable`;
- the database went away during the commit: `OutcomeUnknown`; nothing is tried again by itself;
- database and notary disagree: `LedgerHalted`.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from policies.vocabulary import Action
from sandbox.acts import Actor, Command, Receipt
from sandbox.errors import (
    CheckpointPending,
    LedgerHalted,
    LedgerUnavailable,
    OutcomeUnknown,
    SandboxError,
)
from sandbox.gate.deed import Done, Rules, carry_out
from sandbox.gate.head import Head
from sandbox.gate.repeats import find_repeat

MAX_BATCH: Final = 256
LAST_OF_BATCH: Final = frozenset({Action.POLICY_ADOPT, Action.POLICY_APPROVE})
"""What follows them is ruled by another table, which is found when a unit begins."""
GATHER_S: Final = 0.002
MEND_S: Final = 1.0
_log = logging.getLogger("anbiao.gate")

# Called with each act that is durable, before its waiter hears of it.
FollowUp = Callable[[Done], None]


class Answer:
    """What became of a command; one thread gives it, once, and its caller waits for it.

    A bare lock, as a `Future` costs ten times as much, and every act has one. The receipt is made
    by the thread that waits: the writer goes on with the next batch meanwhile.
    """

    __slots__ = ("_done", "_given", "_make", "_refusal")

    def __init__(self) -> None:
        self._given = threading.Lock()  # held until the answer is there
        self._given.acquire()
        self._done = False
        self._make: Callable[[], Receipt] | None = None
        self._refusal: SandboxError | None = None

    def give(self, make: Callable[[], Receipt]) -> None:
        """Answer with the receipt that `make` makes."""
        self._make = make
        self._tell()

    def refuse(self, error: SandboxError) -> None:
        """Answer with a refusal."""
        self._refusal = error
        self._tell()

    def _tell(self) -> None:
        self._done = True
        self._given.release()

    def done(self) -> bool:
        """Whether it is there; the lock can't say, who waited for it may hold it just now."""
        return self._done

    def result(self) -> Receipt:
        """The receipt, as soon as it is there.

        Raises:
            SandboxError: the refusal.
        """
        with self._given:
            if self._make is not None:
                return self._make()
            raise self._refusal or CheckpointPending()


@dataclass
class Waiter:
    """A command in the queue and where its caller waits."""

    actor: Actor
    command: Command
    answer: Answer = field(default_factory=Answer)


class Writer:
    """Carries out all acts on one ledger, in the order of arrival."""

    def __init__(self, rules: Rules, head: Head, follow_up: FollowUp) -> None:
        self._rules = rules
        self._head = head
        self._follow_up = follow_up
        self._queue: queue.SimpleQueue[Waiter | None] = queue.SimpleQueue()
        self._last_size = 0  # of the batch before; the thread's own
        self._open = True  # guarded by _lock
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run, name=f"gate-{head.store.ledger}", daemon=True
        )
        self._thread.start()

    def submit(self, actor: Actor, command: Command) -> Answer:
        """Queue a command; its receipt or refusal comes by the answer."""
        waiter = Waiter(actor, command)
        with self._lock:
            if self._open:
                self._queue.put(waiter)
            else:
                _refuse([waiter], LedgerUnavailable())
        return waiter.answer

    def stop(self) -> None:
        """Finish what is queued, then end."""
        with self._lock:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._serve(batch)
            except Exception as error:  # noqa: BLE001 - the edge of the thread: it must outlive this
                _log.critical("gate broke: %s", type(error).__qualname__)
            # Nobody waits for ever, whatever went wrong; what is durable, the next batch signs.
            _refuse([w for w in batch if not w.answer.done()], CheckpointPending())

    def _next_batch(self) -> list[Waiter]:
        """Everything that waits, as far as one batch goes; empty when the end was asked for."""
        first = self._first()
        if first is None:
            return []
        batch = [first]
        # Whoever was answered in the last batch tends to come back at once: waiting for them
        # for a moment makes one commit and one signature of two. A lone caller never waits.
        wait_until = time.monotonic() + (GATHER_S if self._last_size > 1 else 0)
        while len(batch) < MAX_BATCH and batch[-1].command.ACTION not in LAST_OF_BATCH:
            wait_s = wait_until - time.monotonic() if len(batch) < self._last_size else 0
            try:
                following = self._queue.get(block=wait_s > 0, timeout=max(wait_s, 0))
            except queue.Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            batch.append(following)
        self._last_size = len(batch)
        return batch

    def _first(self) -> Waiter | None:
        """The next in the queue.

        A tail that waits for notary or disk is tried again meanwhile: who only reads the
        published log must not depend on somebody's next act.
        """
        while True:
            try:
                return self._queue.get(timeout=MEND_S if self._head.waits else None)
            except queue.Empty:
                self._mend()

    def _mend(self) -> None:
        try:
            self._head.settle()
        except (CheckpointPending, LedgerHalted):
            return  # it was told when it began; the next try is soon
        except Exception as error:  # noqa: BLE001 - the edge of the thread: it must outlive this
            _log.error("tail waits: %s", type(error).__qualname__)

    def _serve(self, batch: Sequence[Waiter]) -> None:
        try:
            self._head.settle()
            answered = self._commit(batch)
        except (LedgerHalted, OutcomeUnknown) as error:
            _refuse(batch, error)
        except CheckpointPending:
            self._turn_away(batch)
        except Exception as error:  # noqa: BLE001 - gather, act and commit: alone each may fare better
            _log.error("batch undone: %s", type(error).__qualname__)
            self._conclude(self._commit_one_by_one(batch))
        else:
            self._conclude(answered)

    def _commit(self, batch: Sequence[Waiter]) -> list[tuple[Waiter, Done]]:
        """Carry out a batch in one unit of work.

        Raises:
            LedgerUnavailable: nothing of it was done.
            OutcomeUnknown: it may have been done.
            CheckpointPending: nothing was done: another process's tail can't be signed now.
            LedgerHalted: as it says.
        """
        head = self._head
        lost: LedgerUnavailable | None = None
        with head.store.unit() as unit:
            head.catch_up(unit.tables.size())
            head.settle()
            cursor = head.begin(unit.tables)
            start = cursor.index
            rules = self._rules.in_unit(unit.tables)
            dones = [
                carry_out(rules, unit, cursor, waiter.actor, waiter.command) for waiter in batch
            ]
            entries = cursor.entries
            try:
                if entries:
                    unit.commit()
            except LedgerUnavailable as error:
                lost = error
        if lost is not None and not self._landed(start, entries):
            raise lost
        if entries:
            head.take(cursor)
        return list(zip(batch, dones, strict=True))

    def _landed(self, start: int, entries: Sequence[bytes]) -> bool:
        """Whether a commit that failed reached the disk all the same.

        Then it is done, and doing it again would do it twice. Our entries are ours alone: they
        hold our time and ids. It is asked under the write lock: a server that lost sight of us
        may still be at our commit, and gives the lock away only when that is over.

        Raises:
            OutcomeUnknown: there is no telling now.
        """
        stop = start + len(entries)
        try:
            with self._head.store.unit() as unit:
                tables = unit.tables
                kept = [tables.entry(at) for at in range(start, min(stop, tables.size()))]
        except LedgerUnavailable as error:
            raise OutcomeUnknown from error
        return kept == entries

    def _commit_one_by_one(self, batch: Sequence[Waiter]) -> list[tuple[Waiter, Done]]:
        answered: list[tuple[Waiter, Done]] = []
        for waiter in batch:
            try:
                answered += self._commit([waiter])
            except (LedgerHalted, OutcomeUnknown) as error:
                _refuse([waiter], error)
            except CheckpointPending:
                self._turn_away([waiter])
            except Exception as error:  # noqa: BLE001 - the next one may fare better
                _log.error("act undone: %s", type(error).__qualname__)
                _refuse([waiter], LedgerUnavailable())
        return answered

    def _conclude(self, answered: Sequence[tuple[Waiter, Done]]) -> None:
        """Get the batch signed, then answer; a refusal needs no signature to be believed."""
        unsettled: SandboxError | None = None
        try:
            self._head.settle()
        except (CheckpointPending, LedgerHalted) as error:
            unsettled = error
        proof = self._head.proofs()
        for waiter, done in answered:
            if done.refusal is not None:
                waiter.answer.refuse(done.refusal)
                continue
            self._follow_up(done)
            if unsettled is not None:
                _refuse([waiter], unsettled)
            else:
                waiter.answer.give(partial(_receipt, self._head.store.ledger, done, proof))

    def _turn_away(self, batch: Sequence[Waiter]) -> None:
        """Start nothing; tell those whose act is durable already that only the receipt lacks."""
        for waiter in batch:
            _refuse([waiter], CheckpointPending() if self._is_done(waiter) else LedgerUnavailable())

    def _is_done(self, waiter: Waiter) -> bool:
        try:
            with self._head.store.snapshot() as tables:
                return find_repeat(tables, waiter.actor.account, waiter.command) is not None
        except SandboxError:
            return False


def _receipt(ledger: str, done: Done, proof: Callable[[int], str]) -> Receipt:
    return Receipt(
        ledger=ledger,
        index=done.index,
        entry=done.entry or b"",
        proof=proof(done.index),
        reply=done.reply,
    )


def _refuse(waiters: Sequence[Waiter], error: SandboxError) -> None:
    for waiter in waiters:
        # An exception of one's own each: tracebacks of several threads don't mix in one object.
        waiter.answer.refuse(type(error)(error.code, error.message))
