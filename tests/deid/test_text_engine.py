"""The engine as a whole: verbatim text, surrogates, cleaning twice, odd characters, hard inputs."""

import csv
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.pseudonyms import Pseudonyms, fold
from sandbox.deid.residue import find_residue
from sandbox.deid.text import clean_text, find_spans
from sandbox.deid.text_spans import Kind, Span, settled
from sandbox.deid.text_surrogates import TAG, Surrogates
from sandbox.deid.text_view import view_of

NOBODY = Register()
PSEUDONYMS = Pseudonyms(bytes(range(32)))
EXAMPLES = Path(__file__).parents[2] / "examples"


def register_of_examples():
    with (EXAMPLES / "register.csv").open(encoding="utf_8", newline="") as file:
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
    return Register(tuple(RegisterRow(**row) for row in rows))


REGISTER = register_of_examples()
REPORTS = sorted((EXAMPLES / "reports").iterdir())


def clean(text, register=REGISTER, subject=None):
    return clean_text(text, PSEUDONYMS, register, subject)


# -- the examples


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_no_register_value_survives_in_a_report(path):
    cleaned = clean(path.read_text("utf_8")).text

    folded = fold(cleaned)
    values = [
        v for row in REGISTER.rows for v in (row.name, row.id_number, row.mrn, row.phone) if v
    ]
    assert not [value for value in values if fold(value) in folded]
    assert find_residue(cleaned, REGISTER) == []


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_report_cleaned_twice_equals_once(path):
    once = clean(path.read_text("utf_8"))
    twice = clean(once.text)

    assert (twice.text, dict(twice.removed)) == (once.text, {})


@pytest.mark.parametrize("name", ["hard_negative_en.txt", "无标识-模板.txt"])
def test_report_without_identifiers_is_unchanged(name):
    text = (EXAMPLES / "reports" / name).read_text("utf_8")

    assert clean(text).text == text


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (
            "CT-2024-0312-周慕云.txt",
            "右肺上叶尖段见一磨玻璃结节，大小约 8mm×6mm，边界尚清；余肺野清晰。",
        ),
        (
            "cr_chest_77654033.txt",
            "Impression: No acute abnormality. Parkinson disease noted in history.",
        ),
        ("ouyang_discharge_mixed.txt", "ursodeoxycholic acid 250mg tid ×4w. 术后第3天恢复饮食。"),
        (
            "mr_spine_98890234.txt",
            "L4/L5: broad-based disc protrusion, 5 mm, with contact of the left L5 nerve root.",
        ),
        ("放疗计划-许文静.txt", "50.4Gy/28f，瘤床 60.2Gy/28f"),
    ],
)
def test_clinical_text_of_a_report_stays_verbatim(name, kept):
    assert kept in clean((EXAMPLES / "reports" / name).read_text("utf_8")).text


# -- surrogates


@pytest.mark.requirement("R28")
def test_same_value_gets_the_same_surrogate_under_one_key():
    first = clean("患者：孟庆岚，女", NOBODY).text
    second = clean("家属说孟庆岚已出院。姓名：孟 庆 岚", NOBODY).text

    assert TAG.search(first).group() in second


@pytest.mark.requirement("R28")
def test_surrogates_of_two_keys_have_nothing_in_common():
    texts = [
        clean_text("患者：孟庆岚，女", Pseudonyms(bytes([n]) * 32), NOBODY, None).text
        for n in (1, 2)
    ]

    assert texts[0] != texts[1]


def test_surrogate_says_the_kind_and_spells_no_word():
    tag = Surrogates(PSEUDONYMS).tag(Kind.NAME, "孟庆岚")

    assert re.fullmatch(r"\[NAME-[BCDFGHJKLMNPQRSTVWXZ]{6}\]", tag)


def test_ages_of_ninety_and_more_are_one_class():
    assert (
        clean("年龄：93岁", NOBODY).text
        == clean("年龄：101岁", NOBODY).text
        == "年龄：[AGE_OVER_89]"
    )


def test_counts_are_by_kind():
    removed = clean("患者：孟庆岚，女，93岁，电话13853109926，孟庆岚签字", NOBODY).removed

    assert removed == {"NAME": 2, "AGE_OVER_89": 1, "PHONE": 1}


def test_moved_date_is_taken_for_clean_only_with_its_seal():
    cleaned = clean("2024-03-17", NOBODY).text
    letters, shown = TAG.search(cleaned).group(2), TAG.search(cleaned).group(3)
    forged = f"[DATE-{letters} 2023-01-01]"
    other_key = clean_text(cleaned, Pseudonyms(bytes([9]) * 32), NOBODY, None).text

    assert clean(cleaned, NOBODY).text == cleaned
    assert "2023-01-01" not in clean(forged, NOBODY).text
    assert shown not in other_key


@pytest.mark.parametrize(
    "hidden",
    [
        "[NAME-孟庆岚，女，50岁]",
        "[NAME-KQTZBD 13853109926]",
        "[AGE_OVER_89 13853109926]",
        "[AGE_OVER_89-KQTZBD]13853109926",
    ],
)
def test_nothing_hides_in_what_looks_like_a_surrogate(hidden):
    cleaned = clean(hidden, NOBODY).text

    assert "13853109926" not in cleaned
    assert "孟庆岚" not in cleaned


# -- the view


TRICKS = [
    "１３８５３１０９９２６", "138\u200b5310\u200b9926", "138\u00ad5310\u00ad9926", "1\ufe0f3853109926",
    "138\u00a05310\u00a09926", "138\u30005310\u30009926", "138‐5310‐9926", "\ufeff13853109926", "138\u20605310\u20609926",
]  # fmt: skip


@pytest.mark.parametrize("written", TRICKS)
def test_phone_is_found_however_its_characters_are_written(written):
    cleaned = clean(f"电话{written}。", NOBODY).text

    assert re.fullmatch(r"电话\ufeff?\[PHONE-[A-Z]{6}\]。", cleaned)


@pytest.mark.parametrize("written", ["孟\u200b庆\u200d岚", "孟庆岚", "孟　庆　岚", "孟庆\u2060岚"])
def test_name_is_found_however_its_characters_are_written(written):
    assert re.fullmatch(r"姓名：\[NAME-[A-Z]{6}\]，女", clean(f"姓名：{written}，女", NOBODY).text)


def test_combining_marks_go_with_their_letter():
    cleaned = clean("Patient: Jose\u0301 Nu\u0301n\u0303ez, seen", NOBODY).text

    assert re.fullmatch(r"Patient: \[NAME-[A-Z]{6}\], seen", cleaned)


@pytest.mark.parametrize(
    "text",
    ["10⁹/L", "①②③", "Ⅱ/甲愈合", "½片", "ＡＢＣ　全角", "37℃ ㎜ μg", "\u200b零宽", "é e\u0301"],
)
def test_odd_characters_outside_identifiers_stay_as_they_are(text):
    assert clean(text, NOBODY).text == text


def test_superscript_makes_no_number():
    assert view_of("138531099²6", lambda _: []).text == "138531099²6"


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_view_leads_back_to_the_original(text):
    view = view_of(text, lambda _: [])

    assert len(view.text) == len(view.starts) == len(view.ends)
    for at in range(len(view.text)):
        start, end = view.original(at, at + 1)
        assert 0 <= start < end <= len(text)


# -- properties


PIECES = st.sampled_from(
    [
        "患者", "孟庆岚", "，女，", "93岁", "主任", "医师：", "王", "小", "老李", "电话", "13853109926", "138 5310", " ", "\n", "：", "（", "）", "、",
        "2024年3月17日", "3月19日", "03/05/24", "11-05", "下周二", "住院号", "S24-08831", "济南市", "历下区", "青年东路", "18号", "我院", "泉城医院",
        "Dr. ", "Patient: ", "Parkinson", "disease", "SUMMERS, ", "Eleanor", "a@b.example", "[NAME-", "]", "[DATE-KQTZBD 2024-01-01]", "10.0.0.1",
        "高兴", "周慕云", "370102196303124510", "1CT1", "8mm×6mm", "\u200b", "５", "Ⅱ", "e\u0301", "12床", "某", "单位：", "|", "^", "PID|1||",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example("1CT1e\u0301")
@example("1CT1д")
def test_cleaning_twice_equals_once(text):
    once = clean(text)

    assert clean(once.text).text == once.text
    assert find_residue(once.text, REGISTER) == []


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=80))
def test_any_text_is_cleaned_without_an_error(text):
    once = clean(text)

    assert clean(once.text).text == once.text


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_what_is_outside_the_spans_stays_verbatim(text):
    spans = find_spans(text, REGISTER)

    assert all(a < b for a, b, _ in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_settled_covers_all_that_any_span_covered():
    text = "abcdefghij"
    spans = [Span(0, 6, Kind.NAME, 50), Span(4, 9, Kind.PHONE, 60), Span(2, 3, Kind.DATE, 70)]

    result = settled(spans, text)

    assert [(s.start, s.end, s.kind) for s in result] == [
        (0, 2, Kind.NAME), (2, 3, Kind.DATE), (3, 4, Kind.NAME), (4, 9, Kind.PHONE),
    ]  # fmt: skip


def test_empty_text_stays_empty():
    assert clean("").text == ""


# -- hard inputs: time grows no faster than the text, near enough

SEEDS = [
    "1", "1-", "A", "Aa ", "A. ", "张", "张伟", "市", "区市", "SN ", "医师：", "a@", "a.", "one ", "零、", "(", "[", "PID|", "\n", "1/", "Dr. ",
    "北京市", "Aa-", "O'", "月1", "^", "http://", "Mr Aa", "主任", "12 Aa St ", "AA, ", "张·", "works at ", "Aa\n", "ABCDEF0123", "[DATE-KQTZBD 1",
]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_repetition_does_not_make_a_pattern_explode(seed):
    text = (seed * 8000)[:8000]
    start = time.perf_counter()

    find_spans(text, REGISTER)

    assert time.perf_counter() - start < 5


def test_many_identifiers_in_one_text_are_replaced_in_time():
    text = "电话13853109926，患者孟庆岚，2024-03-17。" * 1500
    start = time.perf_counter()

    cleaned = clean(text, NOBODY).text

    assert time.perf_counter() - start < 60
    assert "孟庆岚" not in cleaned
