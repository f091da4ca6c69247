"""Parts that fail on demand, before or after they did their work; else they are the real ones."""

from collections.abc import Callable
from contextlib import contextmanager

from sandbox.errors import LedgerHalted, LedgerUnavailable, Unavailable

BEFORE, AFTER = "failed-not-persisted", "failed-but-persisted"


class Faults:
    """How often each step shall fail from now on, and on which side of its work."""

    def __init__(self) -> None:
        self.left: dict[tuple[str, str], int] = {}
        self.meanwhile: Callable[[], object] = lambda: None  # what happens while `open` fails

    def plan(self, step: str, side: str, times: int = 1) -> None:
        self.left[step, side] = times

    def clear(self) -> None:
        self.left.clear()

    def due(self, step: str, side: str) -> bool:
        left = self.left.get((step, side), 0)
        self.left[step, side] = left - 1
        return left > 0


class FaultyNotary:
    def __init__(self, inner, faults: Faults) -> None:
        self.inner, self.faults = inner, faults

    def extend(self, ledger, start, leaf_hashes):
        if self.faults.due("halt", BEFORE):
            raise LedgerHalted("ledger-differs")
        if self.faults.due("notary", BEFORE):
            raise Unavailable("notary-unavailable")
        note = self.inner.extend(ledger, start, leaf_hashes)
        if self.faults.due("notary", AFTER):
            raise Unavailable("notary-unavailable")
        return note

    def keys(self, ledger):
        return self.inner.keys(ledger)


class FaultyPublisher:
    def __init__(self, inner, faults: Faults) -> None:
        self.inner, self.faults = inner, faults

    def publish(self, *parts):
        if self.faults.due("publish", BEFORE):
            raise Unavailable("log-unwritable")
        published = self.inner.publish(*parts)
        if self.faults.due("publish", AFTER):
            raise Unavailable("log-unwritable")
        return published

    def republish(self, *parts):
        if self.faults.due("publish", BEFORE):
            raise Unavailable("log-unwritable")
        published = self.inner.republish(*parts)
        if self.faults.due("publish", AFTER):
            raise Unavailable("log-unwritable")
        return published

    def keep_evidence(self, *parts):
        return self.inner.keep_evidence(*parts)


class FaultyTables:
    def __init__(self, inner, faults: Faults) -> None:
        self.inner, self.faults = inner, faults

    def of(self, row_type):
        if self.faults.due(f"rows of {row_type.__name__}", BEFORE):
            raise LedgerUnavailable
        return self.inner.of(row_type)

    def __getattr__(self, name):
        return getattr(self.inner, name)


class FaultyUnit:
    def __init__(self, inner, faults: Faults) -> None:
        self.inner, self.faults = inner, faults
        self.tables, self.attempt = FaultyTables(inner.tables, faults), inner.attempt

    @property
    def written(self):
        return self.inner.written

    def append(self, index, entry, leaf_hash, imprint=b""):
        if self.faults.due("append", BEFORE):
            raise LedgerUnavailable
        self.inner.append(index, entry, leaf_hash, imprint)
        if self.faults.due("append", AFTER):
            raise LedgerUnavailable

    def commit(self):
        if self.faults.due("commit", BEFORE):
            raise LedgerUnavailable
        if self.faults.due("gone", BEFORE):
            self._go()
        self.inner.commit()
        if self.faults.due("gone", AFTER):
            self._go()
        if self.faults.due("commit", AFTER):
            raise LedgerUnavailable

    def _go(self):
        """The database is gone, and is not back at once."""
        self.faults.plan("open", BEFORE)
        raise LedgerUnavailable


class FaultyStore:
    def __init__(self, inner, faults: Faults) -> None:
        self.inner, self.faults = inner, faults

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def snapshot(self):
        if self.faults.due("snapshot", BEFORE):
            raise LedgerUnavailable
        return self.inner.snapshot()

    @contextmanager
    def unit(self):
        if self.faults.due("open", BEFORE):
            self.faults.meanwhile()
            raise LedgerUnavailable("ledger-busy")
        with self.inner.unit() as unit:
            yield FaultyUnit(unit, self.faults)


class FaultyLedgers:
    def __init__(self, inner, faults: Faults) -> None:
        self.inner, self.faults = inner, faults

    def open(self, ledger):
        return FaultyStore(self.inner.open(ledger), self.faults)

    def __getattr__(self, name):
        return getattr(self.inner, name)
