"""Most entries are checked by one pattern: whatever it lets pass, the long way lets pass, too."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_hospital import SmallHospital

from crypto import verifier


def entries() -> list[bytes]:
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.label()
    log.add("labeller", "label.submit", {"task": "0" * 32}, facts=log.facts, refusal="not-found")
    return [octets for octets in log.raw if b'"signed":' not in octets]


ENTRIES = entries()
PIECES = (
    b"{}", b"[]", b"null", b"true", b"false", b'"w"', b"-1", b"0", b"1", b"00", b",", b"}", b"{",
    b'""', b'"":1', b'"x":"y"', b'"x":"y",', b'"n":5,', b'"refusal":null', b'"refusal":"forbidden"',
    b"9" * 16, b'"ruling":null', b'"counts":{},', b'"codes":{"a":"b"},', b'["labeller"]', b"[7,3]",
    b"[3,3]", b" ", b"a", b"\xff", b"\\u0041", b'"a":1,"a":1',
)  # fmt: skip


def test_entries_of_a_day_go_the_short_way():
    assert len(ENTRIES) > 3
    for octets in ENTRIES:
        assert verifier._plain_entry(octets) == json.loads(octets)


def altered(octets: bytes, choose: random.Random) -> bytes:
    """The entry with the members of one of its objects in another order, one of them said twice."""
    value: dict[str, Any] = json.loads(octets)
    outcome = value["outcome"]
    maps = [value["facts"], value["objects"], outcome, *outcome.values(), value]
    chosen = choose.choice([each for each in maps if each])
    pairs = [f"{json.dumps(name)}:{spelled(member)}" for name, member in chosen.items()]
    choose.shuffle(pairs)
    other = f"{{{','.join(pairs + pairs[: choose.randrange(2)])}}}"
    return octets.replace(spelled(chosen).encode(), other.encode())


def spelled(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@settings(max_examples=4_000)
@given(st.data())
def test_what_goes_the_short_way_would_go_the_long_way(data):
    octets = data.draw(st.sampled_from(ENTRIES))
    if data.draw(st.booleans()):
        octets = altered(octets, data.draw(st.randoms(use_true_random=False)))
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(octets)))
        stop = min(len(octets), start + data.draw(st.sampled_from((0, 1, 1, 2, 4, 13, 40))))
        octets = octets[:start] + data.draw(st.sampled_from(PIECES)) + octets[stop:]

    found = verifier._plain_entry(octets)

    if found is not None:
        long_way = verifier.check_schema(verifier.parse_canonical(octets, "entry"), "entry")
        assert json.dumps(found) == json.dumps(long_way)


@pytest.mark.parametrize(
    "swap",
    [
        ('"grade":3', '"grade":3,"grade":3'),
        ('"roles":["worker"]', '"roles":["worker","worker"]'),
        ('"v":1}', '"v":1,"v":1}'),
        ('"refusal":null', '"refusal":null '),
        ('"index":', '"index":0'),
        ('"grade":3', '"grade":3.0'),
        ('"grade":3', '"grade":-0'),
        ('"allowed":true', '"allowed":false'),
    ],
)
def test_near_misses_are_refused(swap):
    octets = next(o.decode() for o in ENTRIES if swap[0] in o.decode())

    with pytest.raises(verifier.Broken):
        verifier.parse_entry(octets.replace(*swap).encode(), "entry")
