"""The gate's public face: `perform` for acts, `consult` and `snapshot` for reads."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from policies.ruling import Facts, Ruling
from policies.vocabulary import Action
from sandbox.acts import PLATFORM, Actor, Command, DecisionPoint, Receipt
from sandbox.errors import (
    CheckpointPending,
    LedgerHalted,
    LedgerUnavailable,
    Malformed,
    NotFound,
    Unavailable,
)
from sandbox.gate.deed import Done, Handlers, Rules
from sandbox.gate.head import Head
from sandbox.gate.standing import epoch_of, memberships_of
from sandbox.gate.writer import Writer
from sandbox.provenance.entry import is_domain, is_word
from sandbox.provenance.notary import Notary
from sandbox.provenance.publishing import Publisher
from sandbox.records.people import Hospital
from sandbox.records.port import Ledgers, LedgerStore, Tables


@dataclass
class Gate:
    """Every act of this process goes through one of these.

    Threads may share it; processes each have their own over the same ledgers.
    """

    ledgers: Ledgers
    decision_point: DecisionPoint
    handlers: Handlers
    notary: Notary
    publisher: Publisher
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    governing: Callable[[Tables], DecisionPoint] | None = None  # asked in each unit, when given
    _writers: dict[str, Writer] = field(default_factory=dict, init=False)  # guarded by _lock
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _closed: bool = field(default=False, init=False)  # guarded by _lock

    def perform(self, actor: Actor, command: Command) -> Receipt:
        """Carry out `command` or refuse it; either way exactly one entry joins the ledger.

        A request that was done before under the same request key is answered with its receipt
        and adds nothing. Before a ledger's first entry refusals leave none.

        Raises:
            Malformed: `object-malformed`: an id or the domain can't stand in an entry.
            NotFound: there is no such ledger; or what the room did not find.
            Forbidden: policy does not allow it.
            SignatureRequired: it lacks the person's signature.
            Conflict: `act-replayed`, `idempotency-key-reused`, or the room's own.
            CheckpointPending: done and durable, not yet signed.
            LedgerUnavailable: nothing was done.
            LedgerHalted: database and notary disagree.
            SandboxError: whatever else the room refuses; `internal-error` when it broke.
        """
        _check_words(command)
        return self._writer(command.ledger).submit(actor, command).result()

    def consult(
        self, actor: Actor, ledger: str, domain: str, action: Action, facts: Facts
    ) -> Ruling:
        """What policy says of a read that leaves no entry.

        Raises:
            NotFound: there is no such ledger.
            LedgerUnavailable: the database fails.
        """
        with self.snapshot(ledger) as tables:
            memberships = memberships_of(tables, actor.account, domain, self.clock())
            roles = tuple(sorted({m.role for m in memberships}))
            return self.decision_point.rule_on(roles, domain, action, facts, epoch_of(tables))

    def snapshot(self, ledger: str) -> AbstractContextManager[Tables]:
        """The committed rows of a ledger, read only.

        Raises:
            NotFound: there is no such ledger.
        """
        return self._store(ledger).snapshot()

    def finish_tails(self) -> None:
        """At the start: have every ledger compared, signed and published up to its end.

        All are tried; one that can't be settled now is tried again in the background.

        Raises:
            CheckpointPending: the notary does not answer.
            LedgerHalted: a ledger and the notary disagree.
        """
        failed: Unavailable | None = None
        for ledger in self.ledgers.names():
            head = Head(self._store(ledger), self.notary, self.publisher)
            try:
                head.settle()
            except (CheckpointPending, LedgerHalted) as error:
                failed = error
            with self._lock:
                if not self._closed and ledger not in self._writers:
                    self._writers[ledger] = self._make_writer(head)
        if failed is not None:
            raise failed

    def close(self) -> None:
        """Finish what is queued; later acts are refused."""
        with self._lock:
            self._closed = True
            writers = list(self._writers.values())
        for writer in writers:
            writer.stop()

    def _writer(self, ledger: str) -> Writer:
        store = self._store(ledger)
        with self._lock:
            if self._closed:
                raise LedgerUnavailable
            if ledger not in self._writers:
                head = Head(store, self.notary, self.publisher)
                self._writers[ledger] = self._make_writer(head)
            return self._writers[ledger]

    def _make_writer(self, head: Head) -> Writer:
        rules = Rules(self.decision_point, self.handlers, self.clock, self.new_id, self.governing)
        return Writer(rules, head, self._follow_up)

    def _store(self, ledger: str) -> LedgerStore:
        try:
            return self.ledgers.open(ledger)
        except NotFound:
            if not self._is_announced(ledger):
                raise
            # Its act is in the platform's ledger, and a crash came before the file was made.
            return self.ledgers.create(ledger)

    def _is_announced(self, ledger: str) -> bool:
        if ledger == PLATFORM:
            return False
        with self.ledgers.open(PLATFORM).snapshot() as tables:
            return tables.of(Hospital).get(ledger) is not None

    def _follow_up(self, done: Done) -> None:
        if done.effects.open_ledger is None:
            return
        try:
            self.ledgers.create(done.effects.open_ledger)
        except Unavailable:
            return  # it is made at its first use, as the act is durable


def _check_words(command: Command) -> None:
    objects = command.objects()
    words = [*objects, *objects.values()]
    if not is_domain(command.domain) or not all(map(is_word, words)):
        raise Malformed("object-malformed", "an id or the domain is not of the agreed form")
