"""Chinese names by their place or form alone: a cell, a signature, 老李, 陈某某, 姓景的.

Also names of other peoples, put together of known pieces or written with a dot.
"""

import re
from collections.abc import Iterator
from functools import cache

from sandbox.deid.text_chinese import (
    FOLLOW,
    HAN,
    is_bounded,
    is_han,
    is_ordinary,
    name_end,
    name_span,
    peoples,
    surname_pattern,
)
from sandbox.deid.text_names_zh import KIN
from sandbox.deid.text_spans import Span
from sandbox.deid.text_view import SEALED
from sandbox.deid.words import words

_ROLE_HEAD = re.compile(rf"(?:患者|病人|患儿|产妇|孕妇|姓名|{KIN})+(?=[一-鿿]{{2}})")
_SHORT = 2
_NEAR = 24
_CELL = re.compile(rf"(?<![{HAN}A-Za-z\d])[{HAN}]{{2,4}}(?![{HAN}])")
_CELL_MARKS = " \t\n|(/^" + SEALED
_AFTER_MARK = re.compile(rf"(?:(?<=[:。\n])|^)(?=[{HAN}])")
_LATIN_NAME = re.compile(r"[A-Z][A-Za-z]+ [A-Z][A-Za-z]+$")
_LATIN_BEFORE = re.compile(r"(?<=[a-zA-Z])(?: / | ?/ ?| \(| )(?=[一-鿿])")
_DOTTED = re.compile(
    rf"[{HAN}]{{2,8}}[·•・‧][{HAN}]{{2,8}}(?:[·•・‧][{HAN}]{{2,8}})?(?!氏|综合|病|征|反应)"
)
_SOMEONE = re.compile(
    r"(?:{s})(?:某{1,3}|[xX×*＊○〇]{1,2}(?![\d.A-Za-z])|[xX](?![A-Za-z\d]))"
    r"(?![部医厂公单日地种些个次时年月校军院区县市村])"
)
_SAID_SURNAME = re.compile(r"姓(?P<n>{s})(?=[的,，。、?!\s(]|$)")
_ADDRESS_FORM = re.compile(
    r"(?:(?<![一-鿿])|(?<=[写叫找让请跟和与问给由被号是说妇家人友晨午日天晚士师生员者]))[老小](?P<n>{s})"
    r"(?=[:,，。、\s(说的又来也就在让跟给和陪代去要问回已正刚今夜值接交]|护士|医[师生]|大夫|师傅|阿姨|$)"
)
_TWIN = re.compile(
    rf"(?:患儿|宝宝|宝贝|小朋友|妈妈说|爸爸说|女儿|儿子|孩子|小名|"
    rf"乳名)(?:叫)?[:：]?(?P<n>([{HAN}])\2)(?![{HAN}]\2)"
)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(template.replace("{s}", surname_pattern()))


def _cells(text: str) -> Iterator[Span]:
    """Names with a place of their own: a line, a cell, a bracket, between two marks."""
    for match in _CELL.finditer(text):
        start, end = match.span()
        found = name_end(text, start)
        if found == (end, True) and not _has_ordinary(match.group()):
            before, after = text[max(0, start - 1) : start] or "\n", text[end : end + 1] or "\n"
            if _is_set_off(before, after, full=end - start > _SHORT):
                yield name_span(start, end, 51)


def _is_set_off(before: str, after: str, *, full: bool) -> bool:
    """Whether what stands between two characters has a place of its own."""
    if before in _CELL_MARKS and after in _CELL_MARKS:
        return True
    if before == "(" and after in "),":
        return True
    return full and before in " \t\n。,:;、(" and after in "\n。,:;、(."


def _has_ordinary(name: str) -> bool:
    return is_ordinary(name) or is_ordinary(name[:2]) or is_ordinary(name[1:])


def _opening(text: str) -> Iterator[Span]:
    """Full names that open a sentence and go on as names do: `方一诺用过丙球`."""
    for match in _AFTER_MARK.finditer(text):
        at = match.end()
        found = name_end(text, at)
        if found is None or not found[1] or found[0] - at <= _SHORT:
            continue
        if not _has_ordinary(text[at : found[0]]) and FOLLOW.match(text, found[0]):
            yield name_span(at, found[0], 50)


def _beside_latin(text: str) -> Iterator[Span]:
    """`WU Xiaoqin / 邬小琴`: the same name once more."""
    for match in _LATIN_BEFORE.finditer(text):
        before = text[max(0, match.start() - _NEAR) : match.start()]
        found = name_end(text, match.end()) if _LATIN_NAME.search(before) else None
        if found and found[1] and is_bounded(text, found[0]):
            yield name_span(match.end(), found[0], 51)


def _odd_forms(text: str) -> Iterator[Span]:
    for match in _DOTTED.finditer(text):
        role = _ROLE_HEAD.match(match.group())
        yield name_span(match.start() + (role.end() if role else 0), match.end(), 66)
    for match in _pattern(_SOMEONE.pattern).finditer(text):
        yield name_span(*match.span(), 57)
    for match in _pattern(_SAID_SURNAME.pattern).finditer(text):
        yield name_span(*match.span("n"), 57)
    for match in _pattern(_ADDRESS_FORM.pattern).finditer(text):
        if match.group() not in words("ordinary_forms"):
            yield name_span(*match.span(), 57)
    for match in _TWIN.finditer(text):
        if not is_ordinary(match.group("n")):
            yield name_span(*match.span("n"), 57)


def _of_peoples(text: str) -> Iterator[Span]:
    """Names put together of pieces that Tibetan, Uyghur and other names are made of."""
    for match in peoples().finditer(text):
        yield name_span(*match.span(), 59)


def names_alone_in(text: str) -> Iterator[Span]:
    """Every Chinese name of a view's text that needs no word of persons beside it."""
    if any(map(is_han, text)):
        yield from _cells(text)
        yield from _opening(text)
        yield from _beside_latin(text)
        yield from _odd_forms(text)
        yield from _of_peoples(text)
