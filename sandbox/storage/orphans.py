"""Whole blobs that nothing names any more: what a crash, or a deposit given up, left behind.

- A blob counts as named when its digest stands anywhere in any row of any ledger, whatever the
  row is: a new kind of row can't be forgotten here. Only what an abandoned deposit announces does
  not count.
- A blob is written before the act that names it. So only blobs that have lain for a while are
  looked at; and they are listed before the rows are read, so that no act falls in between.
- When any ledger can't be read nothing is removed.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Final

from crypto.keytree import KeyStore
from sandbox.exchange import headers_prefix
from sandbox.records.deposits import Deposit
from sandbox.records.port import Ledgers, Row, Tables
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.rows import ROWS_OF, kind_of

ABANDONED: Final = "ABANDONED"
REST: Final = timedelta(hours=1)
"""So long a blob lies before it can be an orphan."""

_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")
_PAGE: Final = 256
_DEPOSITS: Final = 8  # a deposit's row holds its manifest, which may be large


def sweep_orphans(
    ledgers: Ledgers, blobs: FileBlobs, exchange: KeyStore, rest: timedelta = REST
) -> int:
    """Remove blobs that nothing names, and headers of abandoned deposits; how many blobs.

    Raises:
        SandboxError: a ledger or a store can't be read; nothing was removed.
    """
    orphans = set(blobs.resting(rest))
    headers: list[str] = []
    for ledger in ledgers.names():
        with ledgers.open(ledger).snapshot() as tables:
            for row in _rows(tables):
                if isinstance(row, Deposit) and row.state == ABANDONED:
                    headers += exchange.names(headers_prefix(ledger, row.id))
                else:
                    orphans.difference_update(_digests(row))
    for name in headers:
        exchange.destroy(name)
    return sum(blobs.delete_resting(digest, rest) for digest in sorted(orphans))


def _rows(tables: Tables) -> Iterator[Row]:
    for row_type in ROWS_OF[kind_of(tables.ledger)]:
        page = _DEPOSITS if row_type is Deposit else _PAGE
        after: str | None = None
        while found := tables.of(row_type).find(after=after, limit=page):
            yield from found
            after = found[-1].id


def _digests(row: Row) -> Iterator[str]:
    for field in fields(row):
        value = getattr(row, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            octets = part.encode() if isinstance(part, str) else part
            if isinstance(octets, bytes):
                yield from (found.decode() for found in _DIGEST.findall(octets))
