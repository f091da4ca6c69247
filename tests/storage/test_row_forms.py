"""Whatever a row can hold comes back equal, from every store; the rest is refused."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import records
from sandbox.errors import Unacceptable
from sandbox.records import deposits, people
from sandbox.storage import fields as written
from sandbox.storage.memory import MemoryLedgers
from sandbox.storage.rows import HOSPITAL_ROWS, PLATFORM_ROWS
from sandbox.storage.schema import table_name
from sandbox.storage.sqlite import SqliteLedgers

LEDGER = "a" * 32
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "青"


class Level(IntEnum):
    HIGH = 4


@dataclass(frozen=True)
class Specimen:
    """One field of every type, each also with None; names that are words of SQL."""

    INDEXED: ClassVar[tuple[str, ...]] = ("index", "maybe_time")

    id: str
    select: str
    index: int
    truth: bool
    octets: bytes
    time: datetime
    colour: Colour
    texts: tuple[str, ...]
    maybe_text: str | None
    maybe_number: int | None
    maybe_truth: bool | None
    maybe_octets: bytes | None
    maybe_time: datetime | None
    maybe_colour: Colour | None
    maybe_texts: tuple[str, ...] | None


SOUND = Specimen(
    *("k", "", 0, True, b"", NOON, Colour.RED, ()),
    *(None, None, None, None, None, None, None),
)

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
numbers = st.integers(-(1 << 63), (1 << 63) - 1)
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)  # noqa: DTZ001
tuples = st.lists(texts).map(tuple)
colours = st.sampled_from(Colour)
octets = st.binary()
specimens = st.builds(
    Specimen,
    *(texts, texts, numbers, st.booleans(), octets, times, colours, tuples),
    *(st.none() | each for each in (texts, numbers, st.booleans(), octets, times, colours, tuples)),
)


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def shelf(request, tmp_path_factory):
    rows = {"hospital_rows": (Specimen,)}
    folder = tmp_path_factory.mktemp("forms")
    house = SqliteLedgers(folder, **rows) if request.param == "sqlite" else MemoryLedgers(**rows)
    yield house.create(LEDGER)
    house.close()


@settings(max_examples=150, deadline=None)
@given(row=specimens)
def test_every_row_comes_back_equal_and_is_found_by_every_field(shelf, row):
    with shelf.unit() as unit:
        specimens = unit.tables.of(Specimen)
        specimens.insert(row)

        assert specimens.require(row.id) == row
        assert [type(value) for value in vars(specimens.require(row.id)).values()] == [
            type(value) for value in vars(row).values()
        ]
        for field in fields(Specimen):
            assert specimens.find(**{field.name: getattr(row, field.name)}) == [row]
        assert specimens.count(**vars(row)) == 1


@settings(max_examples=50, deadline=None)
@given(keys=st.sets(texts, max_size=8), limit=st.integers(1, 3))
def test_pages_show_every_row_once_in_order(shelf, keys, limit):
    with shelf.unit() as unit:
        specimens = unit.tables.of(Specimen)
        for key in keys:
            specimens.insert(replace(SOUND, id=key))
        seen, after = [], None
        while page := specimens.find(after=after, limit=limit):
            seen += [row.id for row in page]
            after = seen[-1]

    assert seen == sorted(keys)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"select": "half a \ud800"}, Unacceptable),
        ({"select": "nul \0"}, Unacceptable),
        ({"id": "\udfff"}, Unacceptable),
        ({"texts": ("fine", "\ud800")}, Unacceptable),
        ({"texts": ("\0",)}, Unacceptable),
        ({"index": 1 << 63}, Unacceptable),
        ({"index": -(1 << 63) - 1}, Unacceptable),
        ({"time": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=8)))}, Unacceptable),
        ({"time": datetime(2026, 8, 1)}, TypeError),  # noqa: DTZ001 - that is the fault
        ({"time": "2026-08-01T00:00:00+00:00"}, TypeError),
        ({"maybe_time": 0}, TypeError),
        ({"select": b"bytes"}, TypeError),
        ({"select": None}, TypeError),
        ({"index": "1"}, TypeError),
        ({"index": True}, TypeError),
        ({"index": 1.0}, TypeError),
        ({"truth": 1}, TypeError),
        ({"octets": "text"}, TypeError),
        ({"octets": bytearray(b"x")}, TypeError),
        ({"colour": "green"}, TypeError),
        ({"colour": 1}, TypeError),
        ({"texts": ["a"]}, TypeError),
        ({"texts": (1,)}, TypeError),
        ({"texts": None}, TypeError),
    ],
)
def test_what_no_database_keeps_is_refused(shelf, changed, refusal):
    with shelf.unit() as unit:
        with pytest.raises(refusal):
            unit.tables.of(Specimen).insert(replace(SOUND, **changed))

        assert unit.tables.of(Specimen).count() == 0


def test_a_row_of_another_type_is_refused(shelf):
    with shelf.unit() as unit, pytest.raises(TypeError):
        unit.tables.of(Specimen).insert(people.Epoch("k", 1))


def test_enums_pass_as_the_plain_values_they_are(shelf):
    with shelf.unit() as unit:
        specimens = unit.tables.of(Specimen)
        specimens.insert(replace(SOUND, select=Colour.BLUE, index=Level.HIGH, colour="青"))

        found = specimens.require("k")

    assert (type(found.select), type(found.index), type(found.colour)) == (str, int, Colour)


def test_a_type_that_cannot_be_written_is_refused_at_the_start():
    for hint in (float, list[str], str | int, dict[str, str], Level):
        bad = type("Bad", (), {"__annotations__": {"id": str, "field": hint}})
        with pytest.raises(TypeError):
            written.Form(dataclass(frozen=True)(bad))


def test_a_row_type_has_its_key_first_and_names_its_own_fields():
    keyless = type("Keyless", (), {"__annotations__": {"name": str, "id": str}})
    numbered = type("Numbered", (), {"__annotations__": {"id": int}})
    lost = type("Lost", (), {"__annotations__": {"id": str}, "INDEXED": ("colour",)})
    for bad in (keyless, numbered, lost):
        with pytest.raises(TypeError):
            written.Form(dataclass(frozen=True)(bad))


def test_every_row_type_of_the_house_is_kept_somewhere():
    modules = [
        importlib.import_module(f"{records.__name__}.{each.name}")
        for each in pkgutil.iter_modules(records.__path__)
    ]
    defined = {
        found
        for module in modules
        for _, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__
        and is_dataclass(found)
        and fields(found)[0].name == "id"
    }

    assert defined == {*PLATFORM_ROWS, *HOSPITAL_ROWS}
    assert table_name(deposits.IntakeKey) == "intake_key"
    for kind in (PLATFORM_ROWS, HOSPITAL_ROWS):
        assert len({table_name(each) for each in kind}) == len(kind)
