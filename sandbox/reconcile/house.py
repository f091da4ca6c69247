"""All ledgers of a house, one after the other, and what the whole comes to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.history import pinned_logs
from sandbox.reconcile.ledger import PATIENCE_S, Agreement, Finding, Kind, LedgerCheck
from sandbox.reconcile.published import PublishedLog
from sandbox.settings import Settings
from sandbox.storage.postgres_link import address_given
from sandbox.storage.rows import ROWS_OF, kind_of
from sandbox.storage.schema import is_ledger_id
from sandbox.storage.survey import PostgresSurveyor, SqliteSurveyor, Surveyor

AGREED: Final = 0
DIFFERS: Final = 1
CANNOT_TELL: Final = 2

Told = Callable[[Finding | Agreement], None]


def surveyor_of(settings: Settings) -> Surveyor:
    """What reads the ledgers of a house as they lie there; it writes nothing.

    Raises:
        SandboxError: the database can't be reached, or is another version's.
    """
    address = address_given(settings.database, settings.database_file)
    return SqliteSurveyor(settings.dir / "db") if address is None else PostgresSurveyor(address)


def worker_pins(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The keys of each ledger's log that the worker pinned, as far as this user may see them."""
    return pinned_logs(settings.pins.parent / "log-pins")


def reconcile(
    surveyor: Surveyor,
    logs: Path,
    pins: Mapping[str, Sequence[str]],
    told: Told,
    patience_s: float = PATIENCE_S,
) -> int:
    """Compare every ledger with its log; the exit code.

    Args:
        surveyor: reads the database.
        logs: folder of the published logs.
        pins: keys of each ledger's log, from somewhere other than beside it.
        told: gets each finding, and what was compared of each ledger behind its findings.
        patience_s: how long the last acts are awaited in the published log.

    Raises:
        Unavailable: the database fails.
    """
    kinds: set[Kind] = set()
    for ledger in _ledgers(surveyor, logs):
        log = PublishedLog(logs / ledger, pins.get(ledger))
        check = LedgerCheck(surveyor, ledger, log, ROWS_OF[kind_of(ledger)], patience_s)
        for finding in _findings(check, ledger, pinned=ledger in pins):
            kinds.add(finding.kind)
            told(finding)
        told(check.agreement)
    if kinds - {Kind.UNTOLD}:
        return DIFFERS
    return CANNOT_TELL if kinds else AGREED


def _ledgers(surveyor: Surveyor, logs: Path) -> list[str]:
    """Those of the database, and those that were published."""
    published = {path.name for path in logs.glob("*") if is_ledger_id(path.name)}
    return sorted(published.union(surveyor.names()))


def _findings(check: LedgerCheck, ledger: str, *, pinned: bool) -> Iterator[Finding]:
    if not pinned:
        # A log that brings its own key proves nothing: a difference is one all the same.
        yield Finding(ledger, Kind.UNTOLD, "log", "no pinned key")
    yield from check.findings()
