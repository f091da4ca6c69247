"""One value, one spelling: what other JSON readers would take for the same is refused."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_hospital import RELEASE, SmallHospital, hospital, zipped
from verdicts import BROKEN, SOUND, assert_broken, on_file, on_log, on_package, pins_of

from crypto import canonical, verifier
from crypto.errors import VerificationError
from sandbox.provenance import entry as writers

ALL = "TORTURE_EVERY" in os.environ
FUZZ = settings(deadline=None, max_examples=5_000 if ALL else 100)
HOUSE = hospital()
PINS = pins_of(HOUSE)
PACK, RECEIPT, PASSPORT = HOUSE.pack(), HOUSE.receipt(12), HOUSE.passports[RELEASE]
MEMBERS, LOG, PACKAGE = HOUSE.evidence(), HOUSE.files(), HOUSE.package()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" {}",
        b"{}\n",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"\xe5\xae\x89":1,"\xe5\xae\x89":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1,}',
        b'{"a":1\r\n}',
        b"[1.0]",
        b"[1.5]",
        b"[1e3]",
        b"[-0]",
        b"[01]",
        b"[+1]",
        b"[0x10]",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[9007199254740992]",
        '["安",9007199254740992]'.encode(),
        b"[-9007199254740992]",
        b"[" + b"9" * 5000 + b"]",
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b'"\xff"',
        b'"\\u0041"',
        b'"\\u00E9"',
        b'"\\/"',
        b'"\\x41"',
        b'"\\u000A"',
        b'"\n"',
        b'"\\b\\u001F"',
        b"'a'",
        b"nul",
        b"True",
        b"null null",
        b"// no\n1",
        '{"\ufb33":1,"\U0001f600":1}'.encode(),
    ],
)
def test_another_spelling_is_refused(octets):
    with pytest.raises(verifier.Broken, match="not-canonical-json"):
        verifier.parse_canonical(octets, "here")


@pytest.mark.parametrize(
    "octets",
    [
        b"{}",
        b"[]",
        b"0",
        b"-1",
        b"[9007199254740991,-9007199254740991]",
        b"[" * 32 + b"]" * 32,
        b'{"a":1,"b":[true,false,null,""]}',
        b'"\\b\\t\\n\\f\\r\\"\\\\/\x7f\\u001f"',
        '{"\U0001f600":1,"\ufb33":1}'.encode(),
        '"\u2028é安"'.encode(),
    ],
)
def test_the_one_spelling_is_read(octets):
    assert verifier.canonical(verifier.parse_canonical(octets, "here")) == octets


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@FUZZ
@given(values, st.booleans())
def test_two_readers_take_the_same_bytes_for_the_same_value(value, ascii_only):
    octets = json.dumps(
        value, ensure_ascii=ascii_only, sort_keys=True, separators=(",", ":")
    ).encode("utf-8", "surrogatepass")
    try:
        read = verifier.parse_canonical(octets, "here")
    except verifier.Broken:
        return  # narrower on purpose: no fractions, less depth

    assert canonical.decode(octets) == read
    assert canonical.encode(read) == octets


@FUZZ
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda s: s.encode("utf-8", "ignore")))
def test_what_the_writer_would_not_write_is_not_read(octets):
    try:
        canonical.decode(octets)
    except VerificationError:
        with pytest.raises(verifier.Broken):
            verifier.parse_canonical(octets, "here")


# --- random edits ----------------------------------------------------------------------------------
# Edits are drawn as recipes, not as their results: a failure prints a line, and not 80 KiB.
EDITS = st.lists(
    st.tuples(
        st.sampled_from(("put", "cut", "double", "over")),
        st.integers(0, 2**20),
        st.integers(0, 40),
        st.binary(max_size=40),
    ),
    min_size=1,
    max_size=3,
)


def edited(octets: bytes, recipe) -> bytes:
    """The bytes with a few changed, cut out, doubled or put in."""
    out = bytearray(octets)
    for verb, place, span, more in recipe:
        at = place % (len(out) + 1)
        if verb == "put":
            out[at:at] = more
        elif verb == "cut":
            del out[at : at + span]
        elif verb == "double":
            out[at:at] = out[at : at + span]
        else:
            out[at : at + span] = more
    return bytes(out)


@FUZZ
@given(EDITS)
def test_edited_files_are_never_sound(recipe):
    for octets in (RECEIPT, PASSPORT, PACK):
        changed = edited(octets, recipe)

        assert (on_file(changed, PINS)[0] == SOUND) == (changed == octets)


@FUZZ
@given(st.sampled_from(sorted(LOG)), EDITS)
def test_an_edited_file_of_a_log_is_never_sound(name, recipe):
    octets = edited(LOG[name], recipe)

    verdict = on_log({**LOG, name: octets}, PINS)

    assert (verdict[0] == SOUND) == (octets == LOG[name])


@FUZZ
@given(st.sampled_from(sorted(set(MEMBERS) - {"manifest.json"})), EDITS)
def test_an_edited_member_is_never_sound_though_manifest_and_archive_follow(name, recipe):
    files = {n: octets for n, octets in MEMBERS.items() if n != "manifest.json"}
    files[name] = edited(files[name], recipe)

    verdict = on_file(zipped({**files, "manifest.json": HOUSE.manifest(files)}), PINS)

    assert (verdict[0] == SOUND) == (files[name] == MEMBERS[name])


@FUZZ
@given(st.sampled_from(sorted(PACKAGE)), EDITS)
def test_an_edited_file_of_a_package_is_never_sound(name, recipe):
    octets = edited(PACKAGE[name], recipe)

    verdict = on_package({**PACKAGE, name: octets}, PINS)

    assert (verdict[0] == SOUND) == (octets == PACKAGE[name])


@FUZZ
@given(st.binary(max_size=400))
def test_noise_is_never_sound(octets):
    assert on_file(octets, PINS)[0] == BROKEN


# --- values put in place of values --------------------------------------------------------------------
ODD = (None, True, False, 0, -1, 2**53 - 1, "", "x", "安", [], [[]], {}, {"a": []}, ["x"], [None])
SWAPS = st.tuples(
    st.lists(st.integers(0, 99), max_size=6), st.just("take out") | st.sampled_from(ODD)
)


def swapped(value, swap):
    """A JSON value with the part at the end of a path replaced or taken out."""
    path, odd = swap
    if not path or not isinstance(value, dict | list) or not value:
        return None if odd == "take out" else odd
    keys = sorted(value) if isinstance(value, dict) else range(len(value))
    key = keys[path[0] % len(keys)]
    made = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and odd == "take out":
        del made[key]
    else:
        made[key] = swapped(value[key], (path[1:], odd))
    return made


@FUZZ
@given(SWAPS)
def test_odd_values_in_a_passport_end_in_a_named_code(swap):
    octets = canonical.encode(swapped(json.loads(PASSPORT), swap))

    verdict = on_file(octets, PINS)

    # An officer's approval may be missing: it is told, and nothing in a passport rests on it.
    beside = swap[1] == "take out" and b"approval.sign" not in octets
    assert (verdict[0] == BROKEN) == (octets != PASSPORT) or beside, verdict
    assert "malformed:" not in verdict[1], verdict


@FUZZ
@given(SWAPS)
def test_odd_values_in_a_manifest_end_in_a_named_code(swap):
    known = json.loads(MEMBERS["manifest.json"])
    octets = canonical.encode(swapped(known, swap))

    verdict = on_file(zipped({**MEMBERS, "manifest.json": octets}), PINS)

    assert (verdict[0] == BROKEN) == (octets != MEMBERS["manifest.json"]), verdict
    assert "malformed:" not in verdict[1], verdict


@FUZZ
@given(st.integers(0, len(HOUSE.entries) - 1), SWAPS)
def test_an_entry_with_odd_values_is_refused_by_reader_and_writer_alike(index, swap):
    odd = swapped(HOUSE.entries[index], swap)

    code, said = verifier.judged(lambda: str(verifier.check_schema(odd, "here")))

    fault = writers.fault_in(odd)
    if code == SOUND:
        # The writer knows the words of this version; the reader knows their form.
        assert fault in {None, "roles", "action", "clock", "signed"}
    else:
        assert fault is not None, said


@FUZZ
@given(st.integers(0, len(HOUSE.entries) - 2), SWAPS)
def test_a_log_with_an_odd_entry_ends_in_a_named_code(index, swap):
    odd = canonical.encode(swapped(HOUSE.entries[index], swap))
    log = SmallHospital()
    log.take([*HOUSE.raw[:index], odd, *HOUSE.raw[index + 1 :]])

    verdict = on_log(log.files(), PINS)

    assert (verdict[0] == BROKEN) == (odd != HOUSE.raw[index]), verdict
    assert "malformed:" not in verdict[1], verdict


def test_a_receipt_is_one_record():
    for octets in (b"[]", b"null", b"{}", b'{"entry":"x"}', b'"envelope"'):
        assert_broken(on_file(octets, PINS), "receipt-malformed")
