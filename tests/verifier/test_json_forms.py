"""One value, one spelling: what other JSON readers would take for the same is refused."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_hospital import RELEASE, hospital, zipped
from verdicts import BROKEN, SOUND, assert_broken, on_file, on_log, on_package, pins_of

from crypto import canonical, verifier
from crypto.errors import VerificationError
from sandbox.provenance import entry as writers

ALL = os.environ.get("ANBIAO_TORTURE") == "1"
FUZZ = settings(deadline=None, max_examples=5_000 if ALL else 100)
HOUSE = hospital()
PINS = pins_of(HOUSE)
PACK, RECEIPT, PASSPORT = HOUSE.pack(), HOUSE.receipt(12), HOUSE.passports[RELEASE]
MEMBERS = HOUSE.evidence()


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
@st.composite
def edits(draw, octets):
    """The bytes with a few changed, cut out, doubled or put in."""
    out = bytearray(octets)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(out)))
        span = draw(st.integers(0, 40))
        verb = draw(st.sampled_from(("put", "cut", "double", "over")))
        if verb == "put":
            out[at:at] = draw(st.binary(max_size=40))
        elif verb == "cut":
            del out[at : at + span]
        elif verb == "double":
            out[at:at] = out[at : at + span]
        else:
            out[at : at + span] = draw(st.binary(max_size=span))
    return bytes(out)


@FUZZ
@given(edits(RECEIPT))
def test_an_edited_receipt_is_never_sound(octets):
    assert (on_file(octets, PINS)[0] == SOUND) == (octets == RECEIPT)


@FUZZ
@given(edits(PASSPORT))
def test_an_edited_passport_is_never_sound(octets):
    assert (on_file(octets, PINS)[0] == SOUND) == (octets == PASSPORT)


@FUZZ
@given(edits(PACK))
def test_an_edited_pack_is_never_sound(octets):
    assert (on_file(octets, PINS)[0] == SOUND) == (octets == PACK)


@FUZZ
@given(st.data())
def test_an_edited_file_of_a_log_is_never_sound(data):
    files = HOUSE.files()
    name = data.draw(st.sampled_from(sorted(files)))
    octets = data.draw(edits(files[name]))

    verdict = on_log({**files, name: octets}, PINS)

    assert (verdict[0] == SOUND) == (octets == files[name])


@FUZZ
@given(st.data())
def test_an_edited_member_is_never_sound_though_manifest_and_archive_follow(data):
    files = {name: octets for name, octets in MEMBERS.items() if name != "manifest.json"}
    name = data.draw(st.sampled_from(sorted(files)))
    octets = data.draw(edits(files[name]))
    changed = {**files, name: octets}

    verdict = on_file(zipped({**changed, "manifest.json": HOUSE.manifest(changed)}), PINS)

    assert (verdict[0] == SOUND) == (octets == files[name])


@FUZZ
@given(st.data())
def test_an_edited_file_of_a_package_is_never_sound(data):
    files = HOUSE.package()
    name = data.draw(st.sampled_from(sorted(files)))
    octets = data.draw(edits(files[name]))

    verdict = on_package({**files, name: octets}, PINS)

    assert (verdict[0] == SOUND) == (octets == files[name])


@FUZZ
@given(st.binary(max_size=400))
def test_noise_is_never_sound(octets):
    assert on_file(octets, PINS)[0] == BROKEN


# --- values put in place of values --------------------------------------------------------------------
ODD = st.sampled_from(
    (None, True, False, 0, -1, 2**53 - 1, "", "x", "安", [], [[]], {}, {"a": []}, ["x"], [None])
)


@st.composite
def replaced(draw, value):
    """A JSON value with one of its parts replaced, removed or put in."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 4)) == 0:
        return draw(ODD)
    key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    made = dict(value) if isinstance(value, dict) else list(value)
    if draw(st.integers(0, 5)) == 0:
        del made[key]
    else:
        made[key] = draw(replaced(value[key]))
    return made


@FUZZ
@given(replaced(json.loads(PASSPORT)))
def test_odd_values_in_a_passport_end_in_a_named_code(passport):
    verdict = on_file(canonical.encode(passport), PINS)

    assert verdict[0] == BROKEN
    assert "malformed:" not in verdict[1], verdict


@FUZZ
@given(replaced(json.loads(MEMBERS["manifest.json"])))
def test_odd_values_in_a_manifest_end_in_a_named_code(manifest):
    octets = canonical.encode(manifest)
    if octets == MEMBERS["manifest.json"]:
        return

    verdict = on_file(zipped({**MEMBERS, "manifest.json": octets}), PINS)

    # The date is the exporter's word: it stands in nothing that is signed.
    known = json.loads(MEMBERS["manifest.json"])
    only_date = isinstance(manifest, dict) and known == {
        **manifest,
        "created_at": known["created_at"],
    }
    assert verdict[0] == BROKEN or only_date, verdict
    assert "malformed:" not in verdict[1], verdict


@FUZZ
@given(st.data())
def test_an_entry_with_odd_values_is_refused_by_reader_and_writer_alike(data):
    entry = data.draw(st.sampled_from(HOUSE.entries))
    odd = data.draw(replaced(entry))

    code, said = verifier.judged(lambda: str(verifier.check_schema(odd, "here")))

    fault = writers.fault_in(odd)
    if code == SOUND:
        # The writer knows the words of this version; the reader knows their form.
        assert fault in {None, "roles", "action", "clock", "signed"}, odd
    else:
        assert fault is not None, (odd, said)


@FUZZ
@given(st.data())
def test_a_log_with_an_odd_entry_ends_in_a_named_code(data):
    index = data.draw(st.integers(0, len(HOUSE.raw) - 1))
    odd = canonical.encode(data.draw(replaced(HOUSE.entries[index])))
    if odd == HOUSE.raw[index]:
        return
    log = hospital()
    log.take([*HOUSE.raw[:index], odd, *HOUSE.raw[index + 1 :]])

    verdict = on_log(log.files(), PINS)

    assert verdict[0] == BROKEN or index == len(HOUSE.raw) - 1, verdict
    assert "malformed:" not in verdict[1], verdict


def test_a_receipt_is_one_record():
    for octets in (b"[]", b"null", b"{}", b'{"entry":"x"}', b'"envelope"'):
        assert_broken(on_file(octets, PINS), "receipt-malformed")
