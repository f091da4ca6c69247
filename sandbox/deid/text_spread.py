"""Finds again every name that was found once, and the parts of it that people go on to use.

A Chinese name is looked for whole; its given name of two characters alone, and doubled. A Latin name
is looked for by its words of three letters and more, where they are written with a capital and aren't
an eponym or an everyday word at that place.
"""

import re
from collections.abc import Iterable, Iterator

from sandbox.deid.forms import RegisterRow
from sandbox.deid.text_chinese import is_han, is_ordinary, surname_end
from sandbox.deid.text_names_en import is_eponym_use, is_everyday
from sandbox.deid.text_names_zh import in_name_context
from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.words import characters

_WORD = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ'’\-]+")
_MIN_WORD = 3
_BESIDE = re.compile(
    r"\s?\((?P<n>[A-Z]{0,4}-?\d[\d\-]{4,15})\)"
    r"|"
    r"[ ,]{1,3}[男女MF][ ,]{1,3}(?:\d{1,3}\s?[岁Yy])?[ ,]{0,3}(?P<m>[A-Z]{1,4}\d[\d\-]{4,15})(?=[\s,]|"
    r"$)"
)


def mentions_in(text: str, spans: Iterable[Span], rows: Iterable[RegisterRow]) -> Iterator[Span]:
    """Later mentions of the names among `spans`, and parts of the register's Latin names."""
    spans = tuple(spans)
    yield from _numbers_beside(text, spans)
    chinese: dict[str, str] = {}
    latin: dict[str, str] = {}
    for span in spans:
        if span.kind is not Kind.NAME:
            continue
        written = text[span.start : span.end]
        whole = span.value or "".join(written.split())
        if any(map(is_han, written)):
            chinese.setdefault("".join(written.split()), whole)
        else:
            for word in _WORD.findall(written):
                latin.setdefault(word.casefold(), whole)
    for row in rows:
        name = row.name or ""
        if name and not any(map(is_han, name)):
            for word in _WORD.findall(name):
                latin.setdefault(word.casefold(), name)
        elif name and any(map(is_han, name)):
            chinese.setdefault("".join(name.split()), name)
    yield from _chinese(text, chinese)
    yield from _latin(text, latin)


def _numbers_beside(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """`陶xx(K30219)`: a record number that only the name beside it tells apart."""
    for span in spans:
        match = _BESIDE.match(text, span.end) if span.kind is Kind.NAME else None
        if match:
            group = "n" if match.group("n") else "m"
            yield Span(*match.span(group), Kind.MRN, 60)


def _chinese(text: str, names: dict[str, str]) -> Iterator[Span]:
    usual = characters("given")
    for name, whole in names.items():
        if not all(map(is_han, name)) or len(name) < 2:  # noqa: PLR2004
            continue
        yield from _places(text, name, whole, 56)
        given = name[surname_end(name, 0) :]
        if len(given) == 2 and len(name) > 2 and all(c in usual for c in given):  # noqa: PLR2004
            yield from _places(text, given, whole, 45)
        for c in {name[0], name[-1]} if len(name) <= 4 else ():  # noqa: PLR2004
            for match in re.finditer(rf"(?<!{c}){c}{c}(?!{c})", text):
                if not is_ordinary(c + c):
                    before = text[match.start() - 1 : match.start()]
                    if not before or not is_han(before) or before in "说叫是让给":
                        yield Span(*match.span(), Kind.NAME, 44)


def _places(text: str, name: str, whole: str, weight: int) -> Iterator[Span]:
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not is_ordinary(name) or in_name_context(text, at, end):
            yield Span(at, end, Kind.NAME, weight, whole)
        at = text.find(name, end)


def _latin(text: str, words: dict[str, str]) -> Iterator[Span]:
    if not words:
        return
    for match in _WORD.finditer(text):
        word = match.group()
        bare = re.sub(r"['’]s$", "", word)
        whole = words.get(bare.casefold())
        if whole is None or len(bare) < _MIN_WORD or not bare[0].isupper():
            continue
        if is_everyday(bare) or is_eponym_use(text, match.start(), match.start() + len(bare)):
            continue
        yield Span(match.start(), match.start() + len(bare), Kind.NAME, 46, whole)
