"""Houses under test: the same small room over every kind of ledger."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "verifier"))

from gate_faults import Faults, FaultyLedgers, FaultyNotary, FaultyPublisher
from gate_house import PREFIX, Clock, House, Remark, rows_of_hospital

from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher
from sandbox.records.port import Ledgers
from sandbox.storage.memory import MemoryLedgers
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.sqlite import SqliteLedgers


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def ledgers(request, tmp_path) -> Iterator[Ledgers]:
    rows = rows_of_hospital()
    opened: Ledgers
    if request.param == "sqlite":
        opened = SqliteLedgers(tmp_path / "db", hospital_rows=rows)
    elif request.param == "memory":
        opened = MemoryLedgers(hospital_rows=rows)
    else:
        at = request.getfixturevalue("postgres").emptied([Remark])
        opened = PostgresLedgers(at.application, hospital_rows=rows)
    yield opened
    opened.close()


@pytest.fixture
def build(tmp_path) -> Iterator[Callable[..., House]]:
    """Open houses over one folder; each is closed at the end."""
    opened = []

    def open_house(**parts: object) -> House:
        opened.append(House(tmp_path, **parts))
        return opened[-1]

    yield open_house
    for each in opened:
        each.close()


@pytest.fixture
def house(build, ledgers) -> House:
    """A house whose hospital ledger was opened by its steward."""
    made = build(ledgers=ledgers)
    made.found()
    return made


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def frail(tmp_path, ledgers, faults) -> Iterator[House]:
    """A house in which each step can be made to fail."""
    notary = NotaryState(tmp_path / "notary", PREFIX, Clock())
    made = House(
        tmp_path,
        ledgers=FaultyLedgers(ledgers, faults),
        notary=FaultyNotary(notary, faults),
        publisher=FaultyPublisher(Publisher(tmp_path / "log"), faults),
    )
    made.found()
    yield made
    made.close()
    notary.close()
