"""What is held and what is quarantined, with which code, and that nothing leaks on the way."""

import logging
import random
import struct
import zlib

import dicom_maker as make
import pytest

from sandbox.deid.forms import Result
from sandbox.deid.reasons import HELD, QUARANTINED, REASONS
from sandbox.formats import dicom_read

STORAGE = "1.2.840.10008.5.1.4.1.1."


def ct_of(sop_class=make.CT, modality="CT", extra=()):
    return make.ct(
        make.element(0x00080016, "UI", sop_class),
        make.element(0x00080060, "CS", modality),
        *extra,
        sop_class=sop_class,
    )


def held(verdict, reason):
    return (
        verdict.result is Result.HELD
        and verdict.reason == reason
        and verdict.data is None
        and reason in HELD
    )


def quarantined(verdict, reason):
    return (
        verdict.result is Result.QUARANTINED
        and verdict.reason == reason
        and verdict.data is None
        and reason in QUARANTINED
    )


@pytest.mark.parametrize(
    "modality", ["US", "IVUS", "ES", "XC", "OT", "XA", "RF", "SC", "GM", "SM", "OP", "DMS", "us"]
)
def test_risky_modalities_are_held_whatever_they_say(clean, modality):
    says_no = make.element(0x00280301, "CS", "NO")

    assert held(clean(ct_of(modality=modality, extra=[says_no])), "pixels-unchecked")


@pytest.mark.parametrize(
    "part",
    ["3.1", "6.1", "6.2", "7", "7.4", "12.1", "12.2", "12.2.1", "13.1.1", "77.1.1", "77.1.6"],
)
def test_risky_classes_are_held_whatever_they_say(clean, part):
    says_no = make.element(0x00280301, "CS", "NO")

    assert held(clean(ct_of(STORAGE + part, "CT", [says_no])), "pixels-unchecked")


def test_a_risky_class_that_only_the_file_meta_group_admits_is_held(clean):
    assert held(clean(make.ct(sop_class=STORAGE + "7")), "pixels-unchecked")


@pytest.mark.parametrize("value", ["YES", "yes", "", "MAYBE", "NO\\YES"])
def test_burned_in_annotation_other_than_no_is_held(clean, value):
    assert held(clean(make.ct(make.element(0x00280301, "CS", value))), "pixels-unchecked")


@pytest.mark.parametrize("value", ["NO", "NO ", " NO"])
def test_burned_in_annotation_no_passes_on_ct(clean, value):
    verdict = clean(make.ct(make.element(0x00280301, "CS", value)))

    assert verdict.result is Result.CLEANED


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x00080064, "WSD"),
        (0x00280302, "YES"),
        (0x00080008, "DERIVED\\SECONDARY\\SCREEN SAVE"),
    ],
)
def test_other_signs_of_shown_identity_are_held(clean, tag, value):
    assert held(clean(make.ct(make.element(tag, "CS", value))), "pixels-unchecked")


def test_an_overlay_in_the_pixels_own_bits_is_held(clean):
    bits = [make.element(0x60000010, "US", 16), make.element(0x60000102, "US", 12)]
    data = make.element(0x60003000, "OW", bytes(32))

    assert held(clean(make.ct(*bits)), "pixels-unchecked")
    assert held(clean(make.ct(*bits, data)), "pixels-unchecked")
    assert held(clean(make.ct(bits[0])), "pixels-unchecked")


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        (STORAGE + "104.1", "DOC"),
        (STORAGE + "104.2", "CT"),
        (STORAGE + "104.3", "M3D"),
        (STORAGE + "9.4.1", "AU"),
        (STORAGE + "66", "CT"),
        (STORAGE + "68.1", "CT"),
        (STORAGE + "201.1", "CT"),
        ("1.2.3.4.5", "CT"),
        ("", "CT"),
        (make.CT, "AU"),
    ],
)
def test_documents_sound_and_unknown_classes_are_held(clean, sop_class, modality):
    assert held(clean(ct_of(sop_class, modality)), "content-unchecked")


def test_a_directory_of_a_medium_is_not_cleaned(clean):
    assert quarantined(clean(ct_of("1.2.840.10008.1.3.10", "")), "kind-unsupported")


@pytest.mark.parametrize("word", [b"Dr OTTILIE Q.", b"MRN-0815-77"])
def test_an_identifier_in_a_comment_of_a_compressed_image_is_held(clean, word):
    comment = b"\xff\xfe" + struct.pack(">H", len(word) + 2) + word
    jpeg = b"\xff\xd8" + comment + b"\xff\xda\x00\x02pixels\xff\xd9"
    jpeg += b"\0" * (len(jpeg) % 2)
    syntax = "1.2.840.10008.1.2.4.50"

    assert held(clean(make.ct(make.fragments(jpeg), syntax=syntax)), "residue-found")
    harmless = jpeg.replace(word, b"x" * len(word))
    assert clean(make.ct(make.fragments(harmless), syntax=syntax)).result is Result.CLEANED


def test_pixels_of_unknown_size_are_held(clean):
    assert held(clean(make.ct(without=(0x00280010,))), "pixels-unchecked")


def test_missing_pixels_are_truncation(clean):
    short = make.element(0x7FE00010, "OW", make.PIXELS[:-2])

    assert quarantined(clean(make.ct(short)), "truncated")


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("magic", "code"),
    [
        (b"MZ\x90\0", "preamble-executable"),
        (b"\x7fELF\2\1\1", "preamble-executable"),
        (b"#!/bin/sh\n", "preamble-executable"),
        (b"\xcf\xfa\xed\xfe", "preamble-executable"),
        (b"PK\3\4", "preamble-archive"),
        (b"\x1f\x8b\x08", "preamble-archive"),
        (b"%PDF-1.7", "preamble-archive"),
    ],
)
def test_programs_and_archives_in_the_preamble_are_quarantined(clean, magic, code):
    assert quarantined(clean(make.ct(preamble=magic.ljust(128, b"\0"))), code)


def deep_by_lengths(depth):
    return make.ct(make.nested(depth, make.element(0x00080070, "LO", "ZQXJ")))


def deep_without_lengths(depth):
    body = make.element(0x00080070, "LO", "ZQXJ")
    for _ in range(depth):
        body = make.open_sequence(0x00081199, body)
    return make.ct(body)


def deep_in_unknown(depth):
    """UN of undefined length at each level, a sequence written implicitly inside."""
    start = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    inner = struct.pack("<HHI", 0x0008, 0x1199, 0xFFFFFFFF) + start
    head = struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF) + start
    return make.ct(head + inner * depth, without=range(0x00100000, 0x7FFFFFFF))


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("maker", [deep_by_lengths, deep_without_lengths, deep_in_unknown])
@pytest.mark.parametrize("depth", [101, 2000])
def test_deep_sequences_are_quarantined_with_a_code(clean, maker, depth):
    assert quarantined(clean(maker(depth)), "too-deep")


def test_the_deepest_sequence_allowed_is_cleaned(clean):
    assert clean(deep_by_lengths(dicom_read.MAX_DEPTH)).result is Result.CLEANED


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("fill", [b"\0", b"Z"])
def test_deflate_bombs_are_quarantined(clean, fill):
    deflater = zlib.compressobj(9, wbits=-15)
    bomb = deflater.compress(fill * (40 << 20)) + deflater.flush()

    assert quarantined(clean(make.file_of(bomb, syntax=make.DEFLATED)), "deflate-bomb")


@pytest.mark.parametrize(
    ("dataset", "code"),
    [
        (b"not deflated at all", "bad-deflate"),
        (zlib.compress(make.element(0x00080060, "CS", "CT"), wbits=-15)[:-2], "truncated"),
    ],
)
def test_broken_deflation_is_quarantined(clean, dataset, code):
    assert quarantined(clean(make.file_of(dataset, syntax=make.DEFLATED)), code)


def item_of_length(length):
    return make.element(0x00081199, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, length))


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("dataset", "code"),
    [
        (b"\x08\x00\x60\x00CS\xff\x00CT", "truncated"),
        (b"\x08\x00\x60\x00", "truncated"),
        (b"\x08\x00\x60\x00??\x02\x00CT", "bad-element"),
        (b"\x08\x00\x99\x11SQ\x00\x00\xff\xff\xff\xff", "truncated"),
        (b"\x08\x00\x99\x11SQ\x00\x00\xff\xff\xff\xff" + bytes(8), "bad-element"),
        (b"\x08\x00\x70\x00UT\x00\x00\xff\xff\xff\xff" + bytes(8), "bad-length"),
        (item_of_length(400), "bad-length"),
        (make.element(0x00081199, "SQ", b"\xfe\xff\x00\xe0"), "bad-length"),
        (make.sequence(0x00081199, b"\x08\x00\x70\x00LO\x90\x00ab"), "bad-length"),
        (make.fragments(b"abcd")[:-8], "truncated"),
        (make.fragments(b"abcd")[:-12] + bytes(40), "bad-element"),
        (b"", "kind-unsupported"),
    ],
)
def test_wrong_lengths_are_quarantined(clean, dataset, code):
    verdict = clean(make.file_of(dataset, sop_class="1.2.840.10008.1.3.10"))

    assert quarantined(verdict, code)


@pytest.mark.parametrize("syntax", ["1.2.3.4", make.CT, "1.2.840.10008.1.2.4.94"])
def test_unknown_syntaxes_are_quarantined(clean, syntax):
    assert quarantined(clean(make.ct(syntax=syntax)), "syntax-unsupported")


@pytest.mark.parametrize(
    "data", [b"", b"DICM", b"hello", bytes(128) + b"DICX", bytes(200), b"\x08"]
)
def test_other_bytes_are_not_dicom(clean, data):
    assert quarantined(clean(data), "not-dicom")


def test_too_many_elements_are_quarantined(clean, monkeypatch):
    monkeypatch.setattr(dicom_read, "MAX_ELEMENTS", 30)

    many = [make.element(0x00200000 + n, "LO", "") for n in range(1, 60)]
    assert quarantined(clean(make.ct(*many)), "too-many-elements")


@pytest.mark.requirement("R20")
def test_no_cut_of_a_file_raises_or_leaks(clean):
    name = make.element(0x00281055, "LO", "Quackenbush")
    whole = make.ct(make.nested(2, name, tag=0x00289132), make.open_sequence(0x00289145, name))
    for end in range(len(whole)):
        verdict = clean(whole[:end])
        assert verdict.result is not Result.CLEANED or b"Quackenbush" not in verdict.data


@pytest.mark.requirement("R20")
def test_no_flipped_byte_raises_or_leaks_a_listed_value(clean):
    draw = random.Random(2021)  # noqa: S311 - a repeatable walk through wrong files
    whole = make.ct(make.nested(2, make.element(0x00104000, "LT", "ZQXJ")))
    for _ in range(3000):
        touched = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            touched[draw.randrange(128, len(whole))] = draw.randrange(256)
        verdict = clean(bytes(touched))
        assert verdict.reason is None or verdict.reason in REASONS


@pytest.mark.requirement("R66")
def test_nothing_of_a_bad_file_reaches_a_log_or_a_stream(clean, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    wrong = make.element(0x00080020, "DA", "ZQXJ") + make.element(0x0020000D, "UI", "ZQXJ..x")

    for data in (
        make.ct(wrong),
        make.ct(wrong)[:300],
        make.ct(make.element(0x00200013, "IS", "ZQXJ")),
    ):
        clean(data)

    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_every_reason_has_a_sentence_and_one_place():
    assert not HELD.keys() & QUARANTINED.keys()
    assert all(text.endswith(".") and text[0].isupper() for text in REASONS.values())
    assert all(code == code.lower() and " " not in code for code in REASONS)
