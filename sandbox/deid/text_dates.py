"""Finds dates of every form, and says which day each means where that can be told.

Marked: every element finer than a year. Not marked: years alone, times of day, durations, days
counted from an operation, routine weekdays, ratios and measurements.

Source: 45 CFR 164.514(b)(2)(i)(C).
"""

import re
from collections.abc import Iterator

from sandbox.deid.text_day import Day
from sandbox.deid.words import alternatives

_Y4 = r"(?P<y>(?:19|20)\d{2})"
_Y = r"(?P<y>(?:19|20)?\d{2})"
_M = r"(?P<m>1[0-2]|0?[1-9])"
_D = r"(?P<d>3[01]|[12]\d|0?[1-9])"
_NUM = r"[〇零一二三四五六七八九十廿卅]"
_ZH_Y = r"(?P<y>[〇零一二三四五六七八九]{4})"
_ZH_M = r"(?P<m>十[一二]|[一二三四五六七八九十正元])"
_ZH_D = (
    r"(?P<d>三十一?|二?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|卅一?|"
    r"二十[一二三四五六七八九]?|[一二三四五六七八九])"
)
_DAY_MARK = r"\s?[日号]"
_MON = (
    r"(?P<mon>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|"
    r"JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|"
    r"SEPT?(?:EMBER)?|OCT(?:OBER)?|NOV(?:EMBER)?|DEC(?:EMBER)?)"
)
_EN_WEEKDAY = (
    r"(?:Mon(?:day)?|Tue(?:s(?:day)?)?|Wed(?:nesday)?|Thu(?:r(?:s(?:day)?)?)?|Fri(?:day)?|"
    r"Sat(?:urday)?|Sun(?:day)?)"
)
_EN_WEEKDAY_FULL = r"(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_NOT_IN_NUMBER = r"(?<![\dA-Za-z.\-/×*^])"
_NUMBER_ENDS = r"(?![\d]|[.\-/×*]\d|\s?(?:mm|cm|mg|ml|kg|%|μ|°))"
_CLOCK = r"\s{0,2}(?:[01]?\d|2[0-3])[:时点]\s?[0-5]?\d?"

_FULL = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?<!\d){_Y}\s{{0,2}}年\s{{0,2}}{_M}\s{{0,2}}月\s{{0,2}}{_D}{_DAY_MARK}?",
        rf"(?<![\d.]){_Y4}(?P<s>[-/.])\s?{_M}(?P=s)\s?{_D}(?!\d|[.]\d)",
        rf"{_ZH_Y}\s?年\s?{_ZH_M}\s?月\s?{_ZH_D}{_DAY_MARK}?",
        rf"\b{_D}(?:st|nd|rd|th)?(?:[ \-]of)?[ \-./,]{{1,2}}{_MON}[ \-./,]{{1,2}}{_Y4}(?!\d)",
        rf"\b{_MON}\.?[ \-]{_D}(?:st|nd|rd|th)?[ ,\-]{{1,3}}{_Y4}(?!\d)",
        rf"\b{_D}[-/ ]{_MON}[-/ ]{_Y}(?!\d)",
    )
)
_SHORT_YEAR = re.compile(
    rf"{_NOT_IN_NUMBER}(?P<a>\d{{1,2}})(?P<s>[-/.])(?P<b>\d{{1,2}})(?P=s)"
    rf"(?P<c>(?:19|20)\d\d|\d{{1,2}}){_NUMBER_ENDS}"
)
_DAY_FIRST = re.compile(
    r"(?<!\d)(?:1[3-9]|2\d|3[01])[/.](?:0?[1-9]|1[0-2])[/.](?:\d{2}){1,2}(?!\d)"
)
_SHORT_YEAR_BAD = re.compile(r"\s?(?:[×x*]|cm|mm)")
_COMPACT = re.compile(
    r"(?<![\dA-Za-z.\-])(?P<y>19\d{2}|20[0-4]\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|"
    r"3[01])(?=\d{4}(?:\d\d)?(?!\d)|(?![\d.\-]?\d))"
)
_MONTHS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?<!\d){_Y}\s?年\s?{_M}\s?月份?(?:[上中下]旬|初|底|末|中)?",
        rf"{_ZH_Y}\s?年\s?{_ZH_M}\s?月份?(?:[上中下]旬|初|底|末|中)?",
        rf"\b{_MON}\.?(?:,| of)? {_Y4}(?!\d)",
        rf"(?<![\d.\-/]){_Y4}[./-](?P<m>0[1-9]|1[0-2])(?![\d]|[./-]\d)",
    )
)
_DAYS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?<![\d.]){_M}\s?月\s?{_D}(?:{_DAY_MARK}|(?!\d|\s?[个年天周岁余]))",
        rf"(?<!{_NUM}){_ZH_M}\s?月\s?{_ZH_D}{_DAY_MARK}",
        rf"\b{_MON}\.?[ ]{_D}(?:st|nd|rd|th)?\b(?![-–]\d|[./:]\d|\s?(?:mg|L\b|mL|g\b|%|cm|mm|x\b))",
        rf"(?<![\d./-])\b{_D}(?:st|nd|rd|th)?(?: of| day of)?[ ]{_MON}\b(?! \d{{4}})",
        rf"(?<![\d./-])\b{_D}-{_MON}\b(?!-)",
    )
)
_LOOSE_ZH = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        (
            rf"(?<!\d){_M}\s?月份?(?:第?[一二三四]个?(?:周|星期|礼拜)[一二三四五六日天]|[上中下]旬|"
            rf"初|底|末|中旬)(?![\d])"
        ),
        (
            r"(?:[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]年)?(?:农历|阴历|旧历)?闰?"
            r"(?:正|腊|冬|十[一二]|[一二三四五六七八九十])月(?:初[一二三四五六七八九十]|"
            r"廿[一二三四五六七八九]?|三十|卅|"
            r"二十[一二三四五六七八九]?|十[一二三四五六七八九])(?![个天日号年])"
        ),
        r"(?:农历|阴历|旧历)\s?\d{1,2}月(?:初?\d{1,2}|初[一二三四五六七八九十])日?",
        r"(?:正|腊|冬)月(?:里|底|初|中旬)?(?:[一二三四五六七八九]日?)?",
        (
            rf"(?:今年|明年|去年|前年|后年)\s?(?:{_M.replace('?P<m>', '?:')}|"
            rf"{_ZH_M.replace('?P<m>', '?:')})\s?月份?(?:\s?{_D.replace('?P<d>', '?:')}\s?[日号])?"
        ),
        r"大?年(?:初[一二三四五六七八]|三十)(?!多)",
        (
            r"(?:第\s?\d{1,2}\s?周)?(?<!每)(?:上上|下下|[上下本这])个?(?:周|星期|"
            r"礼拜)[一二三四五六日天]"
        ),
        r"(?:本|这个|上个?|下个?)月\s?(?:\d{1,2}|" + _NUM + r"{1,3})[日号]",
        (
            r"(?:大?后天|明天|昨天|大?前天|今天|"
            r"[周星期礼拜]{1,2}[一二三四五六日天])\s?\(\s?\d{1,2}\s?[日号]\s?\)"
        ),
        r"第\s?\d{1,2}\s?周\s?(?:周|星期)[一二三四五六日天]",
    )
)
_WEEKDAY_ZH = re.compile(
    r"(?<![每逢至到、一二三四五六日天和及\-~隔/])(?:周|星期|礼拜)[一二三四五六日天]"
    r"(?![至到、一二三四五六七八日天和及\-~/期年岁余次个])"
)
_ROUTINE_BEFORE = re.compile(r"(?:每|逢|门诊时间|出诊|坐诊|固定|通常|一般)[^。;\n]{0,6}$")
_ROUTINE_AFTER = re.compile(r"[^。;,\n]{0,3}(?:专家|普通|专科|特需)?(?:门诊|出诊|坐诊|例会|大查房)")
_EN_LOOSE = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"\b(?:the following|the coming|next|last|this|coming|this past) {_EN_WEEKDAY}\b",
        rf"\b{_EN_WEEKDAY},? the \d{{1,2}}(?:st|nd|rd|th)\b",
        (
            rf"\b(?:(?:on|by|until|till|before|after|since|from|for|come|"
            rf"see you) )(?P<k>{_EN_WEEKDAY_FULL})\b(?!s)(?! ?(?:-|–|to|through|and|or|/))"
        ),
        (
            rf"\b{_EN_WEEKDAY},? (?=\d{{1,2}}[/.-]\d{{1,2}}|{_MON.replace('?P<mon>', '?:')}|"
            rf"\d{{1,2}}(?:st|nd|rd|th)? {_MON.replace('?P<mon>', '?:')})"
        ),
        (
            r"\b(?:on|the|of) (?P<k>the \d{1,2}(?:st|nd|rd|th))\b(?= (?:at|for|and|of this|"
            r"of next|of last)|[.,;)])(?! (?:percentile|rib|week|day|toe|finger))"
        ),
    )
)
_ROUTINE_EN = re.compile(r"(?:every|each|alternate|most) $", re.IGNORECASE)
_SLASHED = re.compile(
    rf"{_NOT_IN_NUMBER}(?P<a>\d{{1,2}})(?P<s>[/\-])(?P<b>\d{{1,2}}){_NUMBER_ENDS}"
)
_DATE_BEFORE = re.compile(
    r"(?:日期|时间|于|记录|时|自|至|从|截至|截止|入院|出院|手术|复诊|复查|随访|预约|约|生|"
    r"日|date|Date|DATE|on|since|until|by|from|after|before|till|through|visit|"
    r"performed|done|seen|dated|stamped|admitted|discharged|due|scheduled|surgery|visit|"
    r"f/u|RTC|DOB|dob|born|b\.|Fri|Mon|Tue|Wed|Thu|Sat|Sun|" + _EN_WEEKDAY + r")[ :.,(]{0,3}$"
)
_DATE_AFTER = re.compile(
    rf"(?:{_CLOCK}|\s?(?:夜班|白班|晚班|早班|中班|小夜|大夜|查房|入院|出院|手术|复诊|门诊|"
    rf"病程|记录|\d{{4}}h))"
)
_FESTIVAL = re.compile(alternatives("festivals"))
_BIRTH = re.compile(
    r"(?:D\.?[O0]\.?B\.?|出生(?:日期|年月)?|生日|[Bb]irth(?: ?date|day)?|[Bb]orn(?: on)?)[ :.]{0,4}"
    r"(?P<v>[\dOolI]{1,4}\s?[-/.]\s?[\dOolI]{1,2}(?:\s?[-/.]\s?[\dOolI]{1,4})?)(?![\d])"
)
_RANGE_TAIL = re.compile(r"(?<=[日号])\s?[-–—~至到]\s?(?P<d>\d{1,2})\s?[日号]")

_NUMERALS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "正": 1, "元": 1}
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY = 100
_RECENT = 40


def dates_in(text: str) -> list[Day]:
    """Every date of a view's text; some overlap."""
    days = [*_full(text), *_partial(text), *_vague(text)]
    return sorted(days, key=lambda day: (day.start, -day.end))


def chinese_number(numerals: str) -> int:
    """The number that Chinese numerals below 100, or four numerals of a year, say."""
    if len(numerals) == len("二〇二四") and not set(numerals) & set("十廿卅"):
        return int("".join(str(_NUMERALS[c]) for c in numerals))
    numerals = numerals.replace("廿", "二十").replace("卅", "三十")
    if "十" not in numerals:
        return _NUMERALS[numerals[-1]]
    tens, _, ones = numerals.partition("十")
    return (_NUMERALS[tens] if tens else 1) * 10 + (_NUMERALS[ones] if ones else 0)


def _part(match: re.Match[str], group: str) -> tuple[int, int, int]:
    return (*match.span(group), _number(match.group(group), group))


def _number(written: str, group: str) -> int:
    if group == "mon":
        return _MONTH_NAMES.index(written[:3].lower()) + 1
    number = int(written) if written.isdecimal() else chinese_number(written)
    if group == "y" and number < _CENTURY:
        number += 2000 if number <= _RECENT else 1900
    return number


def _day(match: re.Match[str], *, whole: bool = True) -> Day:
    groups = match.groupdict()
    parts = {}
    for group, part in (("y", "y"), ("m", "m"), ("m2", "m"), ("mon", "m"), ("d", "d"), ("d2", "d")):
        if groups.get(group):
            parts[part] = _part_of(match, group, part)
    return Day(*match.span(), parts, whole)


def _part_of(match: re.Match[str], group: str, part: str) -> tuple[int, int, int]:
    name = "mon" if group == "mon" else part
    return (*match.span(group), _number(match.group(group), name))


def _full(text: str) -> Iterator[Day]:
    for pattern in _FULL:
        for match in pattern.finditer(text):
            yield _day(match)
    yield from _short_years(text)
    for match in _COMPACT.finditer(text):
        yield _day(match)
    for match in _BIRTH.finditer(text):
        yield Day(*match.span("v"), {}, whole=False)


def _short_years(text: str) -> Iterator[Day]:
    """`24.3.19` and `03/05/24`: which number is the year hangs on the size and the mark."""
    day_first = _DAY_FIRST.search(text) is not None
    for match in _SHORT_YEAR.finditer(text):
        a, b, c = (int(match.group(g)) for g in "abc")
        if _SHORT_YEAR_BAD.match(text, match.end()):
            continue
        year_last = match.group("s") == "/" or c > _CENTURY
        order = _order((a, b, c), year_last=year_last, day_first=day_first)
        year = match.group("abc"[order.index("y")]) if order else ""
        if order and len(year) > 1:
            parts = {
                part: (*match.span(group), _number(match.group(group), part))
                for part, group in zip(order, "abc", strict=True)
            }
            yield Day(*match.span(), parts)


def _order(
    numbers: tuple[int, int, int], *, year_last: bool = True, day_first: bool = False
) -> str | None:
    """Which of three numbers is the year, the month and the day; None if they are no date."""
    a, b, c = numbers
    orders = ["ymd"] if not year_last and _fits(b, c) else []
    orders += ["mdy"] if _fits(a, b) else []
    orders += ["dmy"] if _fits(b, a) else []
    if orders == ["mdy", "dmy"]:
        return orders[day_first]
    return orders[0] if orders else None


def _fits(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31  # noqa: PLR2004  # of a calendar


def _partial(text: str) -> Iterator[Day]:
    for pattern in (*_MONTHS, *_DAYS):
        for match in pattern.finditer(text):
            yield _day(match)
    for match in _RANGE_TAIL.finditer(text):
        yield Day(*match.span("d"), {}, whole=False)
    for match in _SLASHED.finditer(text):
        day = _slashed(text, match)
        if day:
            yield day


def _slashed(text: str, match: re.Match[str]) -> Day | None:
    """`11-05` and `6/18`, if what stands around them says that they are days."""
    a, b = int(match.group("a")), int(match.group("b"))
    order = _order((a, b, 1))
    if order is None:
        return None
    before = _DATE_BEFORE.search(text[max(0, match.start() - 12) : match.start()])
    if not before and not _DATE_AFTER.match(text, match.end()):
        return None
    parts = {
        part: (*match.span(group), int(match.group(group)))
        for part, group in zip(order[:2], "ab", strict=True)
    }
    return Day(*match.span(), parts)


def _vague(text: str) -> Iterator[Day]:
    """Dates that name no day of the solar calendar: they are found, and can't be moved."""
    for pattern in (*_LOOSE_ZH, *_EN_LOOSE):
        for match in pattern.finditer(text):
            start, end = match.span("k") if "k" in pattern.groupindex else match.span()
            if not _ROUTINE_EN.search(text[max(0, start - 10) : start]):
                yield Day(start, end, {}, whole=False)
    for match in _FESTIVAL.finditer(text):
        yield Day(*match.span(), {}, whole=False)
    for match in _WEEKDAY_ZH.finditer(text):
        before = text[max(0, match.start() - 12) : match.start()]
        if not _ROUTINE_BEFORE.search(before) and not _ROUTINE_AFTER.match(text, match.end()):
            yield Day(*match.span(), {}, whole=False)
