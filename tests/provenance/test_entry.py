"""What may stand in an entry, and everything that may not."""

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import canonical
from policies.ruling import Ruling
from policies.vocabulary import Action, Role
from sandbox.acts import Commitment, Outcome, SignedAct
from sandbox.errors import TooLarge, Unacceptable, VerificationFailed
from sandbox.provenance import entry
from sandbox.provenance.spelling import is_plain

HEX = "ab" * 16
POLICY = "sha256:" + "1" * 64
PLACE = entry.Place(HEX, 7, bytes(32), datetime(2026, 7, 1, 8, 30, 0, 12, UTC))
DOER = entry.Doer("cd" * 16, "firm:one", (Role.REVIEWER, Role.LABELLER), [9, 3], "hospital")
RULING = Ruling(True, "label-submit-1", POLICY, {"grade": 3, "own": True, "kinds": ("a", "b")})
OUTCOME = Outcome(
    objects={"label": HEX},
    counts={"items": 2},
    digests={"package": POLICY},
    commitments=(Commitment("label", bytes(32)),),
    states={"task": "SUBMITTED"},
    codes={"reason": "pixels-unchecked"},
    parts=("0" * 64, 2),
)
DEED = entry.Deed(Action.LABEL_SUBMIT, {"task": HEX}, RULING, outcome=OUTCOME)
SIGNED = SignedAct(bytes(32), bytes(64), HEX, {"task": HEX}, {"verdict": "approve", "x": ""})


def built(**change) -> dict:
    return json.loads(entry.build(PLACE, DOER, replace(DEED, **change)))


def test_entry_has_exactly_the_fields_of_the_specification():
    value = built()

    assert list(value) == sorted(entry.FIELDS)
    assert value["at"] == "2026-07-01T08:30:00.000012Z"
    assert value["prev"] == "sha256:" + "00" * 32
    assert value["roles"] == ["labeller", "reviewer"]
    assert value["granted_by"] == [3, 9]
    assert value["facts"] == {"grade": 3, "own": True, "kinds": ["a", "b"]}
    assert value["outcome"]["parts"] == {"root": "0" * 64, "count": 2}


def test_empty_outcome_members_are_left_out():
    assert built(outcome=Outcome())["outcome"] == {}


def test_refused_entry_has_no_outcome_and_no_signature():
    value = built(refusal="forbidden", signed=SIGNED)

    assert value["outcome"] == {}
    assert "signed" not in value
    assert value["refusal"] == "forbidden"


def test_signed_act_stands_in_the_entry():
    signed = built(signed=SIGNED)["signed"]

    assert signed["key"] == "A" * 43 + "="
    assert signed["terms"] == {"verdict": "approve", "x": ""}


def test_bytes_are_canonical_and_read_back():
    octets = entry.build(PLACE, DOER, replace(DEED, signed=SIGNED))

    assert octets == canonical.encode(json.loads(octets))
    assert entry.read(octets) == json.loads(octets)
    assert entry.time_of(octets) == PLACE.at


WORDS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:/+>,()=-]{0,30}\Z")


@given(
    st.dictionaries(WORDS, WORDS, max_size=4),
    st.dictionaries(WORDS, st.integers(0, canonical.MAX_INTEGER), max_size=4),
    st.dictionaries(
        WORDS,
        st.one_of(
            st.none(),
            st.booleans(),
            WORDS,
            st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER),
            st.lists(WORDS, max_size=3).map(tuple),
        ),
        max_size=4,
    ),
)
def test_fast_form_is_the_canonical_form(objects, counts, facts):
    deed = replace(
        DEED,
        objects=objects,
        ruling=replace(RULING, facts=facts),
        outcome=Outcome(counts=counts),
    )

    octets = entry.build(PLACE, DOER, deed)

    assert octets == canonical.encode(canonical.decode(octets))


UNFIT = {
    "sentence as an object": {"objects": {"task": "two words"}},
    "name as an object": {"objects": {"task": "张三"}},
    "empty object": {"objects": {"task": ""}},
    "odd kind": {"objects": {"a b": HEX}},
    "sentence as a code": {"outcome": Outcome(codes={"reason": "he said so"})},
    "sentence as a state": {"outcome": Outcome(states={"task": "a b"})},
    "negative count": {"outcome": Outcome(counts={"n": -1})},
    "count beyond every reader": {"outcome": Outcome(counts={"n": 2**53})},
    "truth as a count": {"outcome": Outcome(counts={"n": True})},
    "bare digest": {"outcome": Outcome(digests={"d": "0" * 64})},
    "short commitment": {"outcome": Outcome(commitments=(Commitment("c", bytes(31)),))},
    "commitment twice": {
        "outcome": Outcome(commitments=(Commitment("c", bytes(32)), Commitment("c", bytes(32))))
    },
    "root that is none": {"outcome": Outcome(parts=("xyz", 1))},
    "fact in words": {"ruling": replace(RULING, facts={"title": "CT of the head"})},
    "fraction as a fact": {"ruling": replace(RULING, facts={"x": 0.5})},
    "mapping as a fact": {"ruling": replace(RULING, facts={"x": {"a": 1}})},
    "large fact": {"ruling": replace(RULING, facts={"x": 2**60})},
    "policy without a digest": {"ruling": replace(RULING, policy="latest")},
    "done without permission": {"ruling": replace(RULING, allowed=False)},
    "done without a ruling": {"ruling": None},
    "refusal in words": {"refusal": "not now"},
    "signature over other objects": {"signed": replace(SIGNED, objects={"task": "0" * 32})},
    "term with a blank": {"signed": replace(SIGNED, terms={"reason": "left us"})},
    "long term": {"signed": replace(SIGNED, terms={"reason": "x" * 4097})},
    "nonce": {"signed": replace(SIGNED, nonce="f" * 31)},
}


@pytest.mark.requirement("R66")
@pytest.mark.parametrize("kind", UNFIT)
def test_what_may_not_stand_in_the_log_is_refused(kind):
    with pytest.raises(Unacceptable) as caught:
        entry.build(PLACE, DOER, replace(DEED, **UNFIT[kind]))

    assert caught.value.code == "entry-form"


@pytest.mark.parametrize(
    "place",
    [replace(PLACE, ledger="../x"), replace(PLACE, index=-1), replace(PLACE, prev=b"")],
)
def test_place_must_be_one(place):
    with pytest.raises(Unacceptable):
        entry.build(place, DOER, DEED)


@pytest.mark.parametrize(
    "doer",
    [
        replace(DOER, pseudonym="Zhang San"),
        replace(DOER, organisation="First Hospital"),
        replace(DOER, roles=["king"]),
        replace(DOER, roles=[Role.LABELLER, Role.LABELLER]),
        replace(DOER, granted_by=[3, 3]),
        replace(DOER, domain="everywhere"),
    ],
)
def test_doer_must_be_one(doer):
    with pytest.raises(Unacceptable):
        entry.build(PLACE, doer, DEED)


def test_entry_ends_where_a_bundle_can_frame_it():
    large = Outcome(codes={f"c{n}": "x" * 128 for n in range(500)})

    with pytest.raises(TooLarge) as caught:
        entry.build(PLACE, DOER, replace(DEED, outcome=large))

    assert caught.value.code == "entry-too-large"


def tampered(old: str, new: str) -> bytes:
    octets = entry.build(PLACE, DOER, replace(DEED, signed=SIGNED)).decode()
    assert old in octets
    return octets.replace(old, new, 1).encode()


WRONG_BYTES = {
    "nothing": b"",
    "no json": b"{",
    "not utf-8": b"\xff\xfe\x00",
    "another value": b"[]",
    "blank inside": tampered('"v":1', '"v": 1'),
    "escape for a letter": tampered('"task"', '"\\u0074ask"'),
    "member twice": tampered('"v":1', '"v":1,"v":1'),
    "order": tampered('"index":7,"ledger"', '"ledger":"x","index":7,"ledger"'),
    "fraction": tampered('"v":1', '"v":1.0'),
    "truth for one": tampered('"v":1', '"v":true'),
    "another version": tampered('"v":1', '"v":2'),
    "unknown member": tampered('"v":1', '"v":1,"w":1'),
    "missing member": tampered('"clock":"system",', ""),
    "another clock": tampered('"system"', '"sundial"'),
    "role list": tampered('["labeller","reviewer"]', '["reviewer","labeller"]'),
    "role of a list": tampered('["labeller","reviewer"]', '[["labeller"]]'),
    "unknown action": tampered("label.submit", "label.burn"),
    "action of a list": tampered('"label.submit"', "[]"),
    "outcome of a refused act": tampered('"refusal":null', '"refusal":"forbidden"'),
    "empty outcome member": tampered('"counts":{"items":2}', '"counts":{}'),
    "ruling without rule": tampered('"rule":"label-submit-1"', '"rules":"label-submit-1"'),
    "objects in a list": json.dumps({**json.loads(tampered("", "")), "objects": []}).encode(),
    "not a number": tampered('"grade":3', '"grade":NaN'),
    "too large": b'"' + b"x" * entry.MAX_ENTRY_BYTES + b'"',
    "deep": b"[" * 40_000,
    "trailing newline": entry.build(PLACE, DOER, DEED) + b"\n",
}


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("kind", WRONG_BYTES)
def test_reader_refuses_everything_else(kind):
    with pytest.raises(VerificationFailed) as caught:
        entry.read(WRONG_BYTES[kind])

    assert caught.value.code in {"not-canonical", "entry-form", "entry-too-large"}


@given(st.data())
def test_changed_byte_never_reads_as_the_same_entry(data):
    octets = bytearray(entry.build(PLACE, DOER, DEED))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= data.draw(st.integers(1, 255))

    with contextlib.suppress(VerificationFailed):
        assert entry.read(bytes(octets)) != json.loads(entry.build(PLACE, DOER, DEED))


REFUSED_ENTRY = entry.build(PLACE, DOER, replace(DEED, refusal="not-found"))
EMPTY_ENTRY = entry.build(PLACE, DOER, replace(DEED, objects={}, outcome=Outcome()))
PIECES = (
    b"{}", b"[]", b"null", b"true", b"false", b'"w"', b"-1", b"0", b"1", b",", b"}", b"{", b'""',
    b'"x":"y"', b'"n":5', b'"outcome":{}', b'"refusal":null', b'"refusal":"forbidden"', b"9" * 16,
    b'"ruling":null', b'"counts":{},', b'"codes":{"a":"b"},', b'["labeller"]', b"[7,3]", b" ", b"a",
)  # fmt: skip


def test_plain_entries_match_as_a_whole():
    for octets in (entry.build(PLACE, DOER, DEED), REFUSED_ENTRY, EMPTY_ENTRY):
        assert is_plain(octets)


@settings(max_examples=3_000)
@given(st.data())
def test_what_matches_as_a_whole_is_sound_field_by_field(data):
    sources = (entry.build(PLACE, DOER, DEED), REFUSED_ENTRY, EMPTY_ENTRY)
    octets = data.draw(st.sampled_from(sources))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(octets)))
        stop = min(len(octets), start + data.draw(st.sampled_from((0, 1, 1, 2, 4, 13, 40))))
        octets = octets[:start] + data.draw(st.sampled_from(PIECES)) + octets[stop:]
    if not is_plain(octets):
        return

    value = json.loads(octets)
    for unordered in ("roles", "granted_by"):
        value[unordered] = sorted(set(value[unordered]))
    assert entry.fault_in(value) is None
