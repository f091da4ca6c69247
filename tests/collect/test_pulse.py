"""When a deposit was last heard of, by one server and by several."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.collect.pulse import Pulse, idle_since
from sandbox.errors import LedgerUnavailable

IDLE = timedelta(seconds=300)
START = datetime(2026, 7, 1, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


class Book:
    """What several servers tell one another; `broken` while it can't be reached."""

    def __init__(self) -> None:
        self.told: dict[str, datetime] = {}
        self.tellings = 0
        self.broken = False

    def get(self, name: str) -> datetime | None:
        if self.broken:
            raise LedgerUnavailable
        return self.told.get(name)

    def tell(self, name: str, at: datetime) -> None:
        if self.broken:
            raise LedgerUnavailable
        self.tellings += 1
        self.told[name] = max(at, self.told.get(name, at))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_server_takes_silence_from_its_own_start_on(clock):
    pulse = Pulse(clock, IDLE)
    before = clock.now
    clock.pass_by(100)

    assert pulse.heard_at("a") == before
    pulse.beat("a")
    assert (pulse.heard_at("a"), pulse.heard_at("b")) == (clock.now, before)


def test_what_one_server_hears_all_of_them_know(clock):
    book = Book()
    one, other = Pulse(clock, IDLE, book), Pulse(clock, IDLE, book)

    assert other.heard_at("a") is None
    one.beat("a")

    assert other.heard_at("a") == clock.now
    assert other.heard_at("b") is None


def test_a_server_that_starts_anew_makes_nobody_wait_longer(clock):
    book = Book()
    Pulse(clock, IDLE, book).beat("a")
    heard = clock.now
    clock.pass_by(1_000)

    assert Pulse(clock, IDLE, book).heard_at("a") == heard


def test_signs_of_life_are_told_seldom_and_never_a_third_of_the_silence_late(clock):
    book = Book()
    one, other = Pulse(clock, IDLE, book), Pulse(clock, IDLE, book)

    for _ in range(1_000):
        one.beat("a")
        assert clock.now - other.heard_at("a") < IDLE / 3
        clock.pass_by(1)

    assert book.tellings == 10


def test_what_could_not_be_told_is_told_with_the_next_piece(clock):
    book = Book()
    one, other = Pulse(clock, IDLE, book), Pulse(clock, IDLE, book)
    book.broken = True
    one.beat("a")
    with pytest.raises(LedgerUnavailable):
        other.heard_at("a")
    book.broken = False

    one.beat("a")

    assert other.heard_at("a") == clock.now


def test_a_flood_of_deposits_is_not_remembered_without_end(clock):
    pulse = Pulse(clock, IDLE)
    clock.pass_by(5)
    for n in range(10_001):
        pulse.beat(str(n))

    assert (pulse.heard_at("0"), pulse.heard_at("10000")) == (START, clock.now)


@pytest.mark.parametrize(("heard_s", "since_s"), [(None, 0), (-5, 0), (7, 7)])
def test_silence_begins_with_the_opening_or_with_what_came_later(heard_s, since_s):
    heard = None if heard_s is None else START + timedelta(seconds=heard_s)

    assert idle_since(START, heard) == START + timedelta(seconds=since_s)
