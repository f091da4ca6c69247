"""Numbers that prove themselves by their form or their check digits, whatever stands around them.

Identity numbers (GB 11643), cards (Luhn), US social security, NHS numbers, telephones, e-mail, web
and network addresses, number plates. Numbers that only a label tells apart are in `text_labels`.
"""

import re
from collections.abc import Iterator
from datetime import date

from sandbox.deid.text_spans import Kind, Span

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_PROVINCES = frozenset(
    {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46}
    | {50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83}
)
_GAP = r"[ \t\n\-‐-―−·.]?"

_ID_18 = re.compile(rf"(?<![\dA-Za-z.])\d(?:{_GAP}\d){{16}}{_GAP}[\dXx](?![\dA-Za-z])")
_ID_15 = re.compile(r"(?<![\dA-Za-z.])\d{15}(?![\dA-Za-z.])")
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")
_NHS = re.compile(r"(?<!\d)\d{3}([ -])\d{3}\1\d{4}(?!\d)")
_CARD = re.compile(r"(?<![\dA-Za-z.])[2-6](?:[ -]?\d){12,19}(?![\dA-Za-z.])")
_CARD_MIN, _CARD_MAX = 13, 20
_PROOF = 80
_IBAN = re.compile(
    r"(?<![A-Za-z\d])[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?(?![A-Za-z\d])"
)

_DASH = r"[ \t\-‐-―−.·]"
_MOBILE = re.compile(
    rf"(?<![\dA-Za-z.])(?:(?:\+|00)?\(?86\)?{_DASH}?)?\(?(?:1[3-9]\d{{9}}|"
    rf"1[3-9]\d\)?{_DASH}{{1,3}}\d{{4}}{_DASH}{{1,3}}\d{{4}}"
    rf"|1[3-9]\d{{2}}{_DASH}\d{{3}}{_DASH}\d{{4}}|1[3-9]\d{_DASH}\d{{3}}{_DASH}\d{{5}}|"
    rf"1[3-9]\d{{5}}{_DASH}\d{{4}}|1[3-9]\d[ \-]\d{{8}}"
    rf"|1[ \-][3-9](?:[ \-]\d){{9}}|1[3-9]\d(?:{_DASH}\d\d){{4}})(?![\dA-Za-z])"
)
_EXTENSION = r"(?:[ ,;]{0,2}(?:转|分机|ext\.?|x)[ :]{0,2}\d{1,6})?"
_LANDLINE = re.compile(
    rf"(?<![\dA-Za-z.])(?:(?:\+|00)86[ -]?)?(?:\(0?\d{{2,3}}\)|0\d{{2,3}}|(?<=86[ -])\d{{2,3}})"
    rf"[ \-‐-―]{{0,3}}[2-9]\d{{2,3}}[ \-‐-―]?\d{{4}}(?!\d){_EXTENSION}",
    re.IGNORECASE,
)
_US_PHONE = re.compile(
    r"(?<![\dA-Za-z.])(?:\+?1[-. ])?(?:\(\d{3}\)[ \n]?|\d{3}[-. ])\d{3}[-. ]\s?\d{4}(?![\dA-Za-z])"
    rf"{_EXTENSION}",
    re.IGNORECASE,
)
_SHORT_PHONE = re.compile(
    r"(?<![\dA-Za-z.-])\d{3}-\d{4}[ ,]{1,2}(?:x|ext\.?)[ ]?\d{1,6}(?!\d)", re.IGNORECASE
)
_WORLD_PHONE = re.compile(
    r"(?<![\dA-Za-z])(?:\+|00)[1-9]\d{0,2}(?:[ \-.]?\(?\d{1,5}\)?){2,6}(?!\d)"
)
_UK_PHONE = re.compile(
    r"(?<![\dA-Za-z.])0(?:\d{4} \d{6}|\d{4} \d{3} \d{3}|\d{3} \d{3} \d{4}|\d{2} \d{4} \d{4})(?!\d)"
)
_WORLD_DIGITS = 8

_SAID = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_SAID_PHONE = re.compile(rf"\b{_SAID}(?:[ ,.\-]{{1,3}}{_SAID}){{6,15}}\b", re.IGNORECASE | re.ASCII)
_CHINESE_PHONE = re.compile(
    r"[零〇一二三四五六七八九幺洞拐两](?:[ 、,\-]?[零〇一二三四五六七八九幺洞拐两]){6,19}"
)

_EMAIL = re.compile(
    r"(?<![A-Za-z\d._%+\-])[A-Za-z\d_][A-Za-z\d._%+\-]{0,63}\s?@\s?[A-Za-z\d\-]{1,63}"
    r"(?:\.[A-Za-z\d\-]{1,63}){0,4}\.[A-Za-z]{2,24}"
)
_URL = re.compile(
    r"(?:https?|ftp)://[^\s<>\"'，。；、）)\]|]{3,400}|\bwww\.[A-Za-z\d\-._/~?=&%#+]{4,200}",
    re.IGNORECASE | re.ASCII,
)
_DOMAIN = re.compile(
    r"(?<![A-Za-z\d.@\-])(?:[A-Za-z\d][A-Za-z\d\-]{0,62}\.){1,4}"
    r"(?:com|cn|net|org|gov|edu|io|hk|tw|uk|info|health|example|local|eu|de|fr|au|in|me|cc|top|xyz)"
    r"(?:\.[a-z]{2})?(?:/[A-Za-z\d\-._/~?=&%#+]{0,200})?(?![A-Za-z\d\-])"
)
_IPV4 = re.compile(
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)"
    r"(?::\d{2,5})?"
)
_MAC = re.compile(r"(?<![\dA-Fa-f:])[\dA-Fa-f]{2}(?:[:-][\dA-Fa-f]{2}){5}(?![\dA-Fa-f:])")
_IPV6 = re.compile(r"(?<![\dA-Fa-f:])(?:[\dA-Fa-f]{1,4}:){4,7}[\dA-Fa-f]{1,4}(?![\dA-Fa-f:])")

_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-Z][ \-·•.]?"
    r"(?:[A-HJ-NP-Z\d]{5,6}|[A-HJ-NP-Z\d]{4}[挂学警港澳领])(?![A-Za-z\d])"
)

_PLAIN = (
    (_EMAIL, Kind.EMAIL, 101),
    (_URL, Kind.URL, 100),
    (_DOMAIN, Kind.URL, 60),
    (_IPV4, Kind.URL, 80),
    (_MAC, Kind.DEVICE_SERIAL, 70),
    (_IPV6, Kind.URL, 70),
    (_PLATE, Kind.PLATE, 90),
    (_SSN, Kind.ID_NUMBER, 80),
    (_MOBILE, Kind.PHONE, 85),
    (_LANDLINE, Kind.PHONE, 82),
    (_US_PHONE, Kind.PHONE, 78),
    (_SHORT_PHONE, Kind.PHONE, 78),
    (_UK_PHONE, Kind.PHONE, 77),
    (_SAID_PHONE, Kind.PHONE, 75),
    (_CHINESE_PHONE, Kind.PHONE, 60),
)


def is_id_18(digits: str) -> bool:
    """Whether 18 characters are an identity number: province, birthday, check character.

    Source: GB 11643-1999, 2 and 3.
    """
    digits = digits.upper()
    total = sum(int(d) * w for d, w in zip(digits, _ID_WEIGHTS, strict=False))
    return (
        int(digits[:2]) in _PROVINCES
        and _is_day(digits[6:14])
        and _ID_CHECKS[total % 11] == digits[17]
    )


def is_id_15(digits: str) -> bool:
    """Whether 15 digits are an identity number of the old form, which has no check digit."""
    return int(digits[:2]) in _PROVINCES and _is_day("19" + digits[6:12])


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others.

    Source: ISO/IEC 7812-1, annex B.
    """
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return sum(sum(divmod(n, 10)) for n in doubled) % 10 == 0


def is_nhs(digits: str) -> bool:
    """Whether 10 digits are an NHS number.

    Source: NHS Data Dictionary, NHS NUMBER.
    """
    rest = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return rest % 11 == int(digits[9])


_PROVEN_LANDLINE = re.compile(
    r"(?<![\dA-Za-z.])(?:\(0\d{2,3}\) ?|0\d{2,3}[\-‐])[2-9]\d{2,3}[\-‐ ]?\d{4}(?![\dA-Za-z.])"
)
PROVEN = frozenset({Kind.ID_NUMBER, Kind.BANK_CARD, Kind.EMAIL, Kind.PHONE, Kind.PLATE})
"""Kinds of which some numbers need no context: `proven_in` finds those."""


def proven_in(text: str) -> Iterator[Span]:
    """Identifiers so clear of form that they are none by chance, in text of any meaning."""
    yield from (span for span in _checked(text) if span.kind in PROVEN and span.weight >= _PROOF)
    for pattern, kind, weight in _PLAIN:
        if kind in PROVEN and weight >= _PROOF:
            sure = _PROVEN_LANDLINE if pattern is _LANDLINE else pattern
            for match in sure.finditer(text):
                yield Span(*match.span(), kind, weight)


def numbers_in(text: str) -> Iterator[Span]:
    """Everything of this module that stands in a view's text."""
    yield from _checked(text)
    for pattern, kind, weight in _PLAIN:
        for match in pattern.finditer(text):
            end = match.start() + len(match.group().rstrip(".,;:"))
            yield Span(match.start(), end, kind, weight)
    for match in _WORLD_PHONE.finditer(text):
        if sum(map(str.isdecimal, match.group())) >= _WORLD_DIGITS:
            yield Span(*match.span(), Kind.PHONE, 76)


def _checked(text: str) -> Iterator[Span]:
    """Numbers with a check digit, and 15-digit identity numbers."""
    for pattern, is_right, kind, weight in _CHECKED:
        for match in pattern.finditer(text):
            if is_right("".join(filter(str.isalnum, match.group()))):
                yield Span(*match.span(), kind, weight)


def _is_card(digits: str) -> bool:
    in_range = _CARD_MIN <= len(digits) <= _CARD_MAX
    return in_range and is_luhn(digits) and not _opens_with_day(digits)


def _opens_with_day(digits: str) -> bool:
    """Whether it may be a point in time, `20240702093015`; no card's number begins like that."""
    return digits[:2] in {"19", "20"} and _is_day(digits[:8])


def _is_iban(value: str) -> bool:
    moved = value[4:] + value[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


_CHECKED = (
    (_ID_18, is_id_18, Kind.ID_NUMBER, 99),
    (_ID_15, is_id_15, Kind.ID_NUMBER, 92),
    (_NHS, is_nhs, Kind.OTHER_ID, 88),
    (_CARD, _is_card, Kind.BANK_CARD, 90),
    (_IBAN, _is_iban, Kind.BANK_CARD, 91),
)
