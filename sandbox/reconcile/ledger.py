"""One ledger compared with its log: entries, imprints, rows.

1. The published log is read up to its checkpoint, its entries compared with the stored ones, and
   each imprint with the commitment in its entry.
2. In one survey of the database, the log is read on to the survey's last entry: rows of acts that
   are not signed yet would look as if nobody had made them.
3. Each table is gone through beside the traces that the imprints hold, both in order of the keys.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from crypto.merkle import leaf_hash
from crypto.treehead import Checkpoint
from sandbox.errors import NotFound, VerificationFailed
from sandbox.reconcile.expected import Bound, Expected, Shapes
from sandbox.reconcile.published import UNREADABLE, PublishedLog, rows_commitment
from sandbox.records.imprint import (
    Stored,
    committed,
    read_imprint,
    traced,
    unpack_checks,
)
from sandbox.records.port import Row
from sandbox.storage.fields import Form
from sandbox.storage.schema import ENTRIES, IMPRINT
from sandbox.storage.survey import Survey, Surveyor

PAGE: Final = 512
PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.05
_NEAR: Final = 4_096
"""Entries that may be read while a survey is open."""


class Kind(StrEnum):
    """What is the matter with a row, or why nobody can say."""

    CHANGED = "changed"
    ADDED = "added"
    MISSING = "missing"
    UNPROVED = "unproved"  # as an imprint says that is itself not what the log commits to
    UNTOLD = "untold"  # nothing can be said: no difference, and no agreement


@dataclass(frozen=True)
class Finding:
    """One row, or one thing, that does not agree; never a value of it."""

    ledger: str
    kind: Kind
    table: str
    key: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """How much of a ledger was compared."""

    ledger: str
    entries: int
    rows: int


class LedgerCheck:
    """The comparison of one ledger; `findings` gives one after the other."""

    def __init__(
        self,
        surveyor: Surveyor,
        ledger: str,
        log: PublishedLog,
        row_types: tuple[type[Row], ...],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._surveyor = surveyor
        self._ledger = ledger
        self._log = log
        self._shapes = Shapes(row_types)
        self._expected = Expected(self._shapes)
        self._patience_s = patience_s
        self._bound_from_the_start = False
        self.rows = 0

    @property
    def agreement(self) -> Agreement:
        """What was gone through."""
        return Agreement(self._ledger, self._log.size, self.rows)

    def findings(self) -> Iterator[Finding]:
        """Everything that does not agree.

        Raises:
            Unavailable: the database fails.
        """
        with closing(self._expected):
            try:
                yield from self._compare()
            except NotFound:
                yield self._finding(Kind.MISSING, "ledger", self._ledger)
            except VerificationFailed as error:
                # Rows can't be compared with a log that is not the signed one.
                if error.code != UNREADABLE:
                    yield self._finding(Kind.CHANGED, "log", error.code)
                elif self._log.size or self._has_entries():
                    yield self._finding(Kind.UNTOLD, "log", error.code)

    def _has_entries(self) -> bool:
        with self._surveyor.survey(self._ledger) as survey:
            return survey.size() > 0

    def _compare(self) -> Iterator[Finding]:
        while (head := self._log.head()).size - self._log.size > _NEAR:
            for bundle in self._log.read_on(head):
                # A survey each: entries are only ever added, and none is held open for long.
                with self._surveyor.survey(self._ledger) as survey:
                    yield from self._check_entries(survey, bundle, head.size)
        with self._surveyor.survey(self._ledger) as survey:
            yield from self._compare_at(survey, head.size)

    def _compare_at(self, survey: Survey, published: int) -> Iterator[Finding]:
        size = survey.size()
        head = self._await(size)
        for bundle in self._log.read_on(head):
            yield from self._check_entries(survey, bundle, max(size, published))
        if size > head.size:
            yield self._finding(Kind.UNTOLD, ENTRIES, f"{head.size}-{size - 1}", "unsigned")
            self._take_unsigned(survey, head.size, size)
        if self._expected.unknown:
            yield self._finding(Kind.UNTOLD, IMPRINT, "of unknown tables")
        for name, form in self._shapes.forms.items():
            yield from self._check_table(survey, name, form)

    def _await(self, size: int) -> Checkpoint:
        """The published head, when it covers as many entries; else the last one in time."""
        deadline = time.monotonic() + self._patience_s
        while (head := self._log.head()).size < size and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return head

    def _check_entries(
        self, survey: Survey, bundle: Sequence[bytes], stop: int
    ) -> Iterator[Finding]:
        """Compare published entries below `stop` with what is stored of them."""
        start = self._log.size - len(bundle)
        wanted = bundle[: max(0, stop - start)]
        stored = {index: rest for index, *rest in survey.entries(start, start + len(wanted))}
        for index, entry in enumerate(wanted, start):
            if index not in stored:
                yield self._finding(Kind.MISSING, ENTRIES, str(index))
                continue
            found, leaf, imprint = stored[index]
            wrong = [] if found == entry else ["entry"]
            wrong += [] if leaf == leaf_hash(entry) else ["leaf_hash"]
            wrong += [] if self._take_imprint(index, entry, imprint) else [IMPRINT]
            if wrong:
                yield self._finding(Kind.CHANGED, ENTRIES, str(index), *wrong)

    def _take_imprint(self, index: int, entry: bytes, imprint: Stored) -> bool:
        """Learn what an imprint says of its rows; whether it is the one committed to."""
        commitment = rows_commitment(entry)
        if index == 0:
            self._bound_from_the_start = commitment is not None
        if not isinstance(imprint, bytes):
            return imprint is None and commitment is None
        proved = committed(imprint) == commitment
        # What an altered one says is still the best that is known of its rows.
        with suppress(VerificationFailed):
            self._expected.take(read_imprint(imprint), proved=proved)
        return proved

    def _take_unsigned(self, survey: Survey, start: int, stop: int) -> None:
        for at in range(start, stop, PAGE):
            for index, entry, _, imprint in survey.entries(at, min(at + PAGE, stop)):
                if isinstance(entry, bytes):
                    self._take_imprint(index, entry, imprint)

    def _check_table(self, survey: Survey, name: str, form: Form[Any]) -> Iterator[Finding]:
        """Go through stored rows and expected ones together, both in the order of their keys."""
        unbound = 0
        for row, bound in _side_by_side(_pages(survey, form, None), self._expected.of(name)):
            if row is None:
                if bound is not None:
                    yield self._finding(Kind.MISSING, name, bound.key)
                continue
            self.rows += 1
            if bound is not None:
                yield from self._check_row(name, form, row, bound)
            elif self._bound_from_the_start:
                yield self._finding(Kind.ADDED, name, _text(row[0]))
            else:
                unbound += 1
        if unbound:
            yield self._finding(Kind.UNTOLD, name, f"{unbound} rows", "never bound")

    def _check_row(
        self, name: str, form: Form[Any], row: Sequence[Stored], bound: Bound
    ) -> Iterator[Finding]:
        positions = self._shapes.positions(bound.shape)
        if positions is None:
            yield self._finding(Kind.UNTOLD, name, bound.key, "of other columns")
            return
        digest, packed = traced([row[at] for at in positions])
        if digest == bound.digest:
            if not bound.proved:
                yield self._finding(Kind.UNPROVED, name, bound.key)
            return
        checks = zip(positions, unpack_checks(packed), bound.checks, strict=True)
        wrong = [form.names[at] for at, found, right in checks if found != right]
        yield self._finding(Kind.CHANGED, name, bound.key, *wrong)

    def _finding(self, kind: Kind, table: str, key: str, *columns: str) -> Finding:
        return Finding(self._ledger, kind, table, key, columns)


def _pages(survey: Survey, form: Form[Any], after: Stored) -> Iterator[tuple[Stored, ...]]:
    """All rows of a table, a page at a time."""
    while page := survey.rows(form, after, PAGE):
        yield from page
        after = page[-1][0]


def _side_by_side(
    rows: Iterator[tuple[Stored, ...]], bounds: Iterator[Bound]
) -> Iterator[tuple[tuple[Stored, ...] | None, Bound | None]]:
    """Pairs of the same key; None stands for the one that is not there."""
    row, bound = next(rows, None), next(bounds, None)
    while row is not None or bound is not None:
        here = None if row is None else _order(row[0])
        there = None if bound is None else _order(bound.key)
        if there is None or (here is not None and here < there):
            yield row, None
            row = next(rows, None)
        elif here is None or there < here:
            yield None, bound
            bound = next(bounds, None)
        else:
            yield row, bound
            row, bound = next(rows, None), next(bounds, None)


def _order(key: Stored) -> tuple[bool, bytes]:
    """As databases sort keys: texts by their octets, and what is no text behind them."""
    if isinstance(key, str):
        return False, key.encode("utf-8", "surrogateescape")
    return True, key if isinstance(key, bytes) else ascii(key).encode()


def _text(key: Stored) -> str:
    return key if isinstance(key, str) else ascii(key)
