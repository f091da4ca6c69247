"""Dates: what is one, and how it is moved."""

import re
from datetime import date

import pytest

from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.text import clean_text, find_spans
from sandbox.deid.text_dates import chinese_number

NOBODY = Register()
PSEUDONYMS = Pseudonyms(bytes(range(32)))
SUBJECT = Register((RegisterRow("S01", mrn="X77-1"),))
SHIFT = PSEUDONYMS.shift_days("X77-1")


def dates(text):
    return [text[a:b] for a, b, kind in find_spans(text, NOBODY) if kind == "DATE"]


def moved(text):
    """The cleaned text with the seals around moved dates taken off."""
    cleaned = clean_text(text, PSEUDONYMS, SUBJECT, "S01").text
    return re.sub(r"\[DATE-[A-Z]{6} ([^\]]+)\]", r"\1", cleaned)


FOUND = [
    "2024年3月17日", "2024-03-18", "2024/08/11", "2024.12.02", "24.3.19", "24-3-5", "24年5月11日",
    "2024 年 7 月\n19 日", "２０２４年３月１７日", "二〇二四年八月十二日", "二零一九年十月二十一日",
    "2023年8月", "2024年10月中旬", "3月19日", "6月20号", "十月二十一日", "11月11", "12月\n4日",
    "02/14/1951", "03/05/24", "17.08.2017", "9 September 1986", "January 9, 1962", "Jan 9, 2025", "21-FEB-2025",
    "12-Jul-2003", "Mar 13", "March 19th", "July 3rd", "12 Aug", "Oct 2019", "4th of May",
    "腊月二十三", "九月初十", "八月廿六", "甲辰年三月初九", "大年初二", "国庆节", "Christmas Day",
    "下周四", "本周日", "上周一", "周五", "星期二", "the following Tuesday", "next Thursday", "Wed the 6th",
    "明年3月", "9月份第一个周三", "2月底",
]  # fmt: skip


@pytest.mark.parametrize("written", FOUND)
def test_date_is_found_whole(written):
    assert "".join(dates(f"约于 {written} 复诊")).replace(" ", "") == written.replace(" ", "")


IN_CONTEXT = [
    ("护理记录 11-05 夜班", ["11-05"]),
    ("电话通知 6/18 16:52", ["6/18"]),
    ("performed 8/3 by the team", ["8/3"]),
    ("who flies in Friday 10/18.", ["Friday 10/18"]),
    ("Card stamped 24/4.", ["24/4"]),
    ("出生1958.11，女", ["1958.11"]),
    ("D.0.B. 11 - O3 - 1968", ["11 - O3 - 1968"]),
    ("MSH|^~\\&|HIS|A|B|C|20240702093015||ADT", ["20240702"]),
]


@pytest.mark.parametrize(("text", "expected"), IN_CONTEXT)
def test_short_date_is_found_where_its_place_says_so(text, expected):
    assert dates(text) == expected


STAYS = [
    "2019年行胆囊切除术", "参照2023年指南", "none from summer 2022", "1999年曾有类似发作",
    "09:42", "凌晨4:20临产", "下午三点一刻", "22:40突发",
    "3月余", "2周", "14天", "6周后复查", "术后第3天", "day 3 after discharge", "每3月查1次", "1-2月后", "孕28+3周",
    "每周一三五透析", "周一至周五开放", "周二上午专家门诊", "every Monday", "Monday to Friday", "Mondays",
    "8mm×6mm", "8.5×6.2mm", "3/6级杂音", "5/5", "20/40", "1/320", "3-5次", "d1-21", "C3-7", "L4/5", "0/3",
    "10-12次/分", "FEV1/FVC 52%", "Kt/V 1.21", "Ranson 3分", "P/F 178", "25/100", "1.2.3.4.5",
    "May give NS 1-2 L", "March-in-place", "May repeat in 4 hours", "Mar 1-2 mg", "augment", "谷雨节气前后",
    "1月余", "5个月", "第1-5天", "3.5-9.5", "T 36.4", "1:1000",
]  # fmt: skip


@pytest.mark.parametrize("text", STAYS)
def test_what_is_no_date_stays(text):
    assert clean_text(text, PSEUDONYMS, NOBODY, None).text == text


FORMS = [
    ("2024年3月17日", "{0.year}年{0.month}月{0.day}日", date(2024, 3, 17)),
    ("2024-03-17", "{0:%Y-%m-%d}", date(2024, 3, 17)),
    ("2024/03/17", "{0:%Y/%m/%d}", date(2024, 3, 17)),
    ("03/17/2024", "{0:%m/%d/%Y}", date(2024, 3, 17)),
    ("17/03/2024", "{0:%d/%m/%Y}", date(2024, 3, 17)),
    ("17.03.2024", "{0:%d.%m.%Y}", date(2024, 3, 17)),
    ("03/17/24", "{0:%m/%d/%y}", date(2024, 3, 17)),
    ("20240317", "{0:%Y%m%d}", date(2024, 3, 17)),
    ("17 Mar 2024", "{0:%d %b %Y}", date(2024, 3, 17)),
    ("17-MAR-2024", None, date(2024, 3, 17)),
    ("March 17, 2024", "{0:%B %d, %Y}", date(2024, 3, 17)),
]


@pytest.mark.requirement("R28")
@pytest.mark.parametrize(("written", "form", "day"), FORMS)
def test_date_moves_by_the_subjects_shift_in_its_own_form(written, form, day):
    new = date.fromordinal(day.toordinal() + SHIFT)
    expected = form.format(new) if form else f"{new:%d-%b-%Y}".upper()

    assert moved(f"seen {written}, well") == f"seen {expected}, well"


def test_chinese_numerals_are_written_again():
    new = date.fromordinal(date(2019, 10, 21).toordinal() + SHIFT)

    text = moved("二〇一九年十月二十一日完成")
    year, month, day = re.fullmatch(r"(.{4})年(.+)月(.+)日完成", text).groups()

    assert (chinese_number(year), chinese_number(month), chinese_number(day)) == (
        new.year,
        new.month,
        new.day,
    )


def test_ordinal_follows_its_number():
    text = moved("on March 1st, 2024 and March 2nd, 2024 and March 3rd, 2024 and March 4th, 2024")

    for number, suffix in re.findall(r"(\d{1,2})(st|nd|rd|th)", text):
        right = (
            {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
            if number not in {"11", "12", "13"}
            else "th"
        )
        assert suffix == right


def test_distance_between_dates_stays():
    first, second = re.findall(r"\d{4}-\d\d-\d\d", moved("自2024-03-01至2024-03-29"))

    assert (date.fromisoformat(second) - date.fromisoformat(first)).days == 28


def test_date_without_a_year_takes_that_of_the_text():
    new = date.fromordinal(date(2024, 3, 19).toordinal() + SHIFT)

    assert f"{new.month}月{new.day}日手术" in moved("入院2024-03-17，3月19日手术")


def test_date_without_a_year_is_masked_where_no_year_is_known():
    assert re.fullmatch(
        r"于\[DATE-[A-Z]{6}\]手术", clean_text("于3月19日手术", PSEUDONYMS, NOBODY, None).text
    )


def test_all_texts_of_a_subject_move_alike_and_others_apart():
    other = Register((RegisterRow("S02", mrn="Y88-2"),))
    first = clean_text("2024-03-17", PSEUDONYMS, SUBJECT, "S01").text
    by_number = clean_text("MRN: X77-1 on 2024-03-17", PSEUDONYMS, SUBJECT, None).text

    assert first in by_number
    assert first != clean_text("2024-03-17", PSEUDONYMS, other, "S02").text


@pytest.mark.parametrize("text", ["2024年13月1日", "2023-02-30", "0000-00-00", "31/31/2024"])
def test_impossible_date_does_not_raise(text):
    clean_text(text, PSEUDONYMS, NOBODY, None)


@pytest.mark.parametrize("text", ["0001-01-01", "1900年1月1日", "2099-12-31"])
def test_edge_of_the_calendar_does_not_raise(text):
    clean_text(text, PSEUDONYMS, NOBODY, None)


def test_moved_date_that_would_be_a_register_value_is_masked():
    new = date.fromordinal(date(2024, 3, 17).toordinal() + SHIFT)
    register = Register((RegisterRow("S01", mrn="X77-1"), RegisterRow("S02", mrn=f"{new:%Y%m%d}")))

    cleaned = clean_text("2024-03-17", PSEUDONYMS, register, "S01").text

    assert re.fullmatch(r"\[DATE-[A-Z]{6}\]", cleaned)


def test_month_that_stays_the_same_when_moved_is_masked():
    for number in range(40):
        pseudonyms = Pseudonyms(bytes([number]) * 32)
        assert "2024年10月" not in clean_text("约2024年10月中旬", pseudonyms, SUBJECT, "S01").text
