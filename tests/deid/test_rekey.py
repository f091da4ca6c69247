"""The same cleaned item under another key: other surrogates, and nothing else."""

import csv
import re
from datetime import date, timedelta
from io import BytesIO

import pydicom
import pytest
from dicom_maker import CT, EXPLICIT, ct, element, sequence
from hypothesis import given, settings
from hypothesis import strategies as st
from make_wheel_verdicts import GOLDEN, wheel_files

from sandbox.clean.item import clean_item
from sandbox.clean.masters import Master, unpack_master
from sandbox.clean.recipes import recipe_named
from sandbox.clean.rekeying import rekeyed
from sandbox.deid.dicom_rekey import agree, rekey_dicom
from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.text import clean_text
from sandbox.deid.text_moving import Moved, is_form
from sandbox.deid.text_rekey import outline, rekey_text
from sandbox.errors import VerificationFailed
from sandbox.formats.dicom_words import KNOWN_UIDS

HOSPITAL, ONE, TWO = (Pseudonyms(bytes([n]) * 32) for n in range(3))
NOBODY, RECIPE = Register(), recipe_named("basic")
UID = re.compile(rb"[0-9]+(?:\.[0-9]+){4,}")
KEYS = st.binary(min_size=32, max_size=32).map(Pseudonyms)


def master(data: bytes, name: str = "a.dcm", register: Register = NOBODY) -> Master:
    verdict = clean_item(data, name, RECIPE, HOSPITAL, register, "S01")
    assert verdict.data is not None
    return Master(verdict.data, verdict.subject, verdict.moves)


def film(*more: bytes) -> bytes:
    """A CT that refers to another one, at two depths."""
    reference = element(0x00081150, "UI", CT) + element(0x00081155, "UI", "1.2.3.111.9")
    inner = reference + sequence(0x00081199, reference)
    return ct(sequence(0x00081140, inner), element(0x00200052, "UI", "1.2.3.111.4"), *more)


def issued(text: str, key: Pseudonyms, register: Register = NOBODY) -> str:
    made = master(text.encode(), "a.txt", register)
    return rekeyed(made, "text", (HOSPITAL, key), register).decode()


# --- DICOM -----------------------------------------------------------------------------------
def cleanable() -> list[str]:
    """Names of the wheel's files that are cleaned, by the committed table."""
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["file"] for row in rows if (row["kind"], row["result"]) == ("dicom", "cleaned")]


def own_uids(data: bytes) -> set[str]:
    pixels = data.find(b"\xe0\x7f\x10\x00")
    found = {uid.decode() for uid in UID.findall(data[: pixels if pixels > 0 else None])}
    return {uid for uid in found if uid.startswith("2.25.")} - KNOWN_UIDS - {WRITER}


WRITER = "2.25.189402770145917624630175391446237918342"


@pytest.mark.requirement("R28")
@pytest.mark.requirement("R30")
@pytest.mark.parametrize("name", cleanable())
def test_a_real_file_keeps_everything_but_its_identifiers(name):
    data = master(dict(wheel_files())[name].read_bytes()).data
    one, two = rekey_dicom(data, ONE), rekey_dicom(data, TWO)

    before, after = pydicom.dcmread(BytesIO(data)), pydicom.dcmread(BytesIO(one))
    assert agree(data, one)
    assert agree(one, two)
    assert before.get("PixelData") == after.get("PixelData")
    assert len(own_uids(data)) == len(own_uids(one)) == len(own_uids(two))
    assert not own_uids(data) & own_uids(one)
    assert not own_uids(one) & own_uids(two)
    assert after.PatientID == after.PatientName == ONE.subject(str(before.PatientID))
    instance = str(after.file_meta.MediaStorageSOPInstanceUID)
    assert instance in KNOWN_UIDS or instance.encode() not in data
    assert after.PatientIdentityRemoved == "YES"
    assert before.DeidentificationMethodCodeSequence == after.DeidentificationMethodCodeSequence
    assert b"seal:" in data
    assert b"seal:" not in one


@pytest.mark.requirement("R30")
def test_references_among_files_still_meet():
    first = pydicom.dcmread(BytesIO(rekey_dicom(master(film()).data, ONE)))
    other = ct(element(0x00080018, "UI", "1.2.3.111.9"))
    second = pydicom.dcmread(BytesIO(rekey_dicom(master(other).data, ONE)))

    (reference,) = first.ReferencedImageSequence
    assert reference.ReferencedSOPInstanceUID == second.SOPInstanceUID
    (inner,) = reference.ReferencedSOPSequence
    assert inner.ReferencedSOPInstanceUID == second.SOPInstanceUID
    assert (first.StudyInstanceUID, first.SeriesInstanceUID) == (
        second.StudyInstanceUID,
        second.SeriesInstanceUID,
    )
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert first.SOPClassUID == CT
    assert first.file_meta.TransferSyntaxUID == EXPLICIT


@pytest.mark.requirement("R28")
def test_dates_move_by_one_more_shift_and_dummies_stay():
    data = master(film()).data
    before = pydicom.dcmread(BytesIO(data))

    after = pydicom.dcmread(BytesIO(rekey_dicom(data, ONE)))

    moved = date.fromisoformat(after.StudyDate) - date.fromisoformat(before.StudyDate)
    assert moved.days == ONE.shift_days(str(before.PatientID))
    assert -365 <= moved.days <= -1
    dummy = data.replace(before.StudyDate.encode(), b"19000101")
    assert pydicom.dcmread(BytesIO(rekey_dicom(dummy, ONE))).StudyDate == "19000101"


def test_a_file_that_did_not_come_out_of_the_cleaning_is_refused():
    with pytest.raises(VerificationFailed) as refused:
        rekeyed(Master(film()), "dicom", (HOSPITAL, ONE), NOBODY)

    assert refused.value.code == "master-malformed"


def altered(data: bytes):
    """An issued file with one thing wrong, by what it is."""
    after = rekey_dicom(data, ONE)
    old, new = pydicom.dcmread(BytesIO(data)), pydicom.dcmread(BytesIO(after))

    def swapped(there: str, here: str) -> bytes:
        return after.replace(there.encode(), here.encode().ljust(len(there), b"\0"))

    return {
        "a pixel": after[:-1] + bytes([after[-1] ^ 1]),
        "a word": after.replace(b"MONOCHROME2", b"MONOCHROME1"),
        "an old date": swapped(new.StudyDate, old.StudyDate),
        "an old pseudonym": swapped(new.PatientID, old.PatientID),
        "something behind": after + b"trailing",
        "another class": after.replace(
            b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.5.1.4.1.1.4\0"
        ),
        "nothing done": data,
        "one element less": cut(after),
    }


def cut(data: bytes) -> bytes:
    shorter = pydicom.dcmread(BytesIO(data))
    del shorter.SeriesInstanceUID
    stream = BytesIO()
    shorter.save_as(stream)
    return stream.getvalue()


@pytest.mark.requirement("R28")
@pytest.mark.parametrize("what", altered(master(film()).data))
def test_the_check_finds_what_else_changed_or_did_not(what):
    data = master(film()).data

    assert agree(data, rekey_dicom(data, ONE))
    assert not agree(data, altered(data)[what])


def test_a_uid_left_as_it_was_is_found():
    data = master(film()).data
    before, after = pydicom.dcmread(BytesIO(data)), pydicom.dcmread(BytesIO(rekey_dicom(data, ONE)))
    after.FrameOfReferenceUID = before.FrameOfReferenceUID
    stream = BytesIO()
    after.save_as(stream)

    assert not agree(data, stream.getvalue())


def test_residue_in_what_would_be_issued_is_refused():
    data = master(film(element(0x00080070, "LO", "Ottokar"))).data
    register = Register((RegisterRow("S09", name="Ottokar"),))

    with pytest.raises(VerificationFailed) as refused:
        rekeyed(Master(data), "dicom", (HOSPITAL, ONE), register)

    assert refused.value.code == "issue-residue"


# --- text ------------------------------------------------------------------------------------
REPORT = """患者：王小明，住院号：ZY-77123，电话 13800138000。
2024年3月17日入院，3月19日手术，24.3.25 复查；2024年4月随访，二〇二四年八月十二日再诊。
Seen on March 21st, 2024 and 02/14/2024; next visit 12-Jul-2024, Oct 2024.
王小明于2024年3月28日出院，患者93岁。"""
DATED = re.compile(r"\[DATE-[A-Z]{6} ([^\]]+)\]")


@pytest.mark.requirement("R28")
def test_a_text_differs_in_its_surrogates_only():
    one, two = issued(REPORT, ONE), issued(REPORT, TWO)
    cleaned = clean_text(REPORT, HOSPITAL, NOBODY, "S01").text

    tags = [set(re.findall(r"-([B-Z]{6})", text)) for text in (cleaned, one, two)]
    assert outline(cleaned) == outline(one) == outline(two)
    assert "[AGE_OVER_89]" in one
    assert len(tags[0]) == len(tags[1]) == len(tags[2])
    assert sum(map(len, tags)) == len(set().union(*tags))


@pytest.mark.requirement("R28")
def test_the_same_value_has_the_same_letters_within_a_project():
    names = re.findall(
        r"\[NAME-([A-Z]{6})\]", issued(REPORT, ONE) + issued("患者：王小明，复诊", ONE)
    )

    assert len(names) == 3
    assert len(set(names)) == 1


WRITTEN = [
    "2024年3月17日", "2024-03-18", "2024/08/11", "24.3.19", "24-3-5", "2024年5月11日", "3月19日",
    "二〇二四年八月十二日", "十月二十一日", "02/14/1951", "17.08.2017", "9 September 1986",
    "January 9, 1962", "Jan 9, 2025", "21-FEB-2025", "March 19th", "12 Aug", "2023年8月", "Oct 2019",
]  # fmt: skip


@pytest.mark.requirement("R28")
@pytest.mark.parametrize("written", WRITTEN)
@given(key=KEYS)
@settings(deadline=None, max_examples=20)
def test_a_date_is_moved_as_if_by_one_shift(written, key):
    text = f"2022年1月9日入院。\n约于 {written} 复诊"
    made = master(text.encode(), "a.txt")
    further = key.shift_days(str(made.subject))
    both = Shifted(HOSPITAL.shift_days("S01") + further)

    once = DATED.findall(clean_text(text, both, NOBODY, "S01").text)
    twice = DATED.findall(
        rekey_text(made.data.decode(), made.subject, made.moves, (HOSPITAL, key), NOBODY)
    )

    moved = [(one.text, one.further(further).text) for one in made.moves]
    # What is written as before is not shown: a year ago, or in the same month.
    assert twice == [after for before, after in moved if after != before]
    assert set(once) <= {after for _, after in moved}
    assert len(moved) == 2


class Shifted(Pseudonyms):
    """A key whose shift is known."""

    def __init__(self, days: int) -> None:
        super().__init__(bytes(32))
        self._days = days

    def shift_days(self, identity: str) -> int:  # noqa: ARG002 - the same for all
        return self._days


def test_dates_found_later_are_told_apart_from_those_before():
    text = "3月2日，2024年3月17日。王小明13800138000，2024-03-18，2023年7月"
    cleaned = clean_text(text, HOSPITAL, NOBODY, "S01")

    shown = DATED.findall(cleaned.text)

    assert shown == [one.text for one in cleaned.moves if one]
    assert len(shown) == 4


def test_a_date_nobody_knows_exactly_is_not_shown():
    once = clean_text("2024年3月17日入院", HOSPITAL, NOBODY, "S01")
    again = clean_text(once.text, HOSPITAL, NOBODY, "S01")

    moved = rekey_text(again.text, None, again.moves, (HOSPITAL, ONE), NOBODY)

    assert again.moves == (None,)
    assert re.fullmatch(r"\[DATE-[A-Z]{6}\]入院", moved)


def test_a_date_that_would_become_a_register_value_is_not_shown():
    made = master("2024年3月17日入院".encode(), "a.txt")
    unlucky = made.moves[0].further(ONE.shift_days(str(made.subject))).text
    register = Register((RegisterRow("S02", name=unlucky),))

    text = rekeyed(made, "text", (HOSPITAL, ONE), register).decode()

    assert re.fullmatch(r"\[DATE-[A-Z]{6}\]入院", text)


def test_a_tag_that_was_written_by_hand_loses_its_letters_too():
    text = "见 [NAME-BCDFGH] 及 [PHONE-BCDFGH 见下] 处"
    made = Master(text.encode())

    one = rekeyed(made, "text", (HOSPITAL, ONE), NOBODY).decode()

    assert "BCDFGH" not in one
    assert outline(one) == outline(text)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (Master(b"\xff\xfe"), "master-malformed"),
        (Master(b"plain", None, (Moved(date(2024, 1, 1), ("%y4",)),)), "master-malformed"),
        (Master(b"call 13800138000"), "issue-residue"),
    ],
)
def test_a_text_that_is_no_master_is_not_issued(made, code):
    with pytest.raises(VerificationFailed) as refused:
        rekeyed(made, "text", (HOSPITAL, ONE), NOBODY)

    assert refused.value.code == code


def test_no_other_kind_is_issued():
    with pytest.raises(VerificationFailed):
        rekeyed(Master(b"a,b\n1,2\n"), "table", (HOSPITAL, ONE), NOBODY)


# --- keys ------------------------------------------------------------------------------------
@pytest.mark.requirement("R28")
@given(key=KEYS, other=KEYS, subjects=st.sets(st.text(min_size=1), min_size=2, max_size=40))
@settings(deadline=None)
def test_one_name_per_subject_and_project(key, other, subjects):
    masters = {HOSPITAL.subject(one) for one in subjects}
    named = {one: key.subject(one) for one in masters}

    assert len(set(named.values())) == len(masters)
    assert named == {one: key.subject(one) for one in masters}
    if key.digest("", "") != other.digest("", ""):
        assert not set(named.values()) & {other.subject(one) for one in masters}


@pytest.mark.requirement("R28")
@given(key=KEYS, numbers=st.sets(st.integers(0, 2**120), min_size=2, max_size=60))
@settings(deadline=None)
def test_the_uid_map_is_injective(key, numbers):
    masters = {f"2.25.{number}" for number in numbers}

    again = {key.uid(one) for one in masters}

    assert len(again) == len(masters)
    assert not again & masters
    assert all(len(uid) <= 64 for uid in again)


@pytest.mark.requirement("R28")
@given(
    key=KEYS, days=st.lists(st.dates(date(1950, 1, 1), date(2030, 1, 1)), min_size=2, max_size=9)
)
@settings(deadline=None)
def test_intervals_of_a_subject_are_kept(key, days):
    text = "；".join(f"{day.year}年{day.month}月{day.day}日复诊" for day in days)
    made = master(text.encode(), "a.txt")

    moved = rekey_text(made.data.decode(), made.subject, made.moves, (HOSPITAL, key), NOBODY)

    shown = [re.findall(r"\d+", one) for one in DATED.findall(moved)]
    found = [date(*map(int, parts)) for parts in shown]
    assert len({day - there for day, there in zip(days, found, strict=True)}) == 1


# --- the sealed form -------------------------------------------------------------------------
@given(
    data=st.binary(max_size=40),
    day=st.dates(),
    form=st.lists(st.sampled_from(["=年", "%y4", "%m2", "%do", "%mF"]), max_size=5),
)
@settings(deadline=None)
def test_a_master_is_packed_and_unpacked(data, day, form):
    made = Master(data, "S-0123456789AB", (None, Moved(day, tuple(form))))

    assert unpack_master(made.packed()) == made


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b"[]",
        b'{"moves":[],"subject":null,"v":2}',
        b'{"moves":[1],"subject":null,"v":1}',
        b'{"moves":[{"day":"x","form":[]}],"subject":null,"v":1}',
        b'{"moves":[{"day":"2024-01-01","form":["%q9"]}],"subject":null,"v":1}',
        b'{"moves":[],"v":1}',
        b'{"v":1,"subject":null,"moves":[]}',
    ],
)
def test_a_head_that_is_none_is_refused(head):
    with pytest.raises(VerificationFailed):
        unpack_master(len(head).to_bytes(4, "big") + head + b"data")


@pytest.mark.parametrize("piece", ["", "x", "%", "%y", "%y9", "%q4", "y4"])
def test_a_piece_of_no_form_is_known(piece):
    assert not is_form([piece])
    assert is_form(["=", "=%", "%y4", "%dz"])


def test_a_date_at_the_calendars_end_goes_no_further():
    assert Moved(date(1, 1, 1), ("%y4",)).further(-1) is None
    assert Moved(date(2024, 3, 1), ("%d1", "=.", "%ms")).further(-1) == Moved(
        date(2024, 3, 1) - timedelta(1), ("%d1", "=.", "%ms")
    )


def test_a_date_that_would_be_written_as_before_is_not_shown():
    made = master("2024年3月19日入院，3月19日手术".encode(), "a.txt")
    a_year = Shifted(
        -366 if (made.moves[0].day - timedelta(366)).day == made.moves[0].day.day else -365
    )

    text = rekey_text(made.data.decode(), made.subject, made.moves, (HOSPITAL, a_year), NOBODY)

    assert re.fullmatch(r"\[DATE-[A-Z]{6} \d+年\d+月\d+日\]入院，\[DATE-[A-Z]{6}\]手术", text)
