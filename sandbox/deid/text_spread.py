"""Finds again every name that was found once, and the parts of it that people go on to use.

- A Chinese name is looked for whole, its given name of two characters alone, and its first or
  last character doubled, as families call one another.
- A Latin name is looked for by its words of three letters and more, written with a capital, where
  they are neither an eponym nor an everyday word.
- A number in brackets right behind a name is the person's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sandbox.deid.forms import RegisterRow
from sandbox.deid.text_chinese import HAN, is_han, is_ordinary, surname_end
from sandbox.deid.text_names_en import is_eponym_use, is_everyday
from sandbox.deid.text_names_zh import in_name_context
from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.words import characters

_WORD = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ'’\-]{1,40}")
_MIN_WORD = 3
_PAIR = 2
_LONGEST = 4
_DOUBLED = re.compile(rf"(?P<c>[{HAN}])(?P=c)(?!(?P=c))")
_CALLED = frozenset("说叫是让给")
_BESIDE = re.compile(
    r"\s?\((?P<n>[A-Z]{0,4}-?\d[\d\-]{4,15})\)"
    r"|[ ,]{1,3}[男女MF][ ,]{1,3}(?:\d{1,3}\s?[岁Yy])?[ ,]{0,3}"
    r"(?P<m>[A-Z]{1,4}\d[\d\-]{4,15})(?=[\s,]|$)"
)


def mentions_in(text: str, spans: Sequence[Span], rows: Iterable[RegisterRow]) -> Iterator[Span]:
    """Later mentions of the names among `spans`, and parts of the names of `rows`.

    Each mention's surrogate is that of the whole name.
    """
    names = [(text[span.start : span.end], span.value) for span in spans if span.kind is Kind.NAME]
    names += [(row.name, row.name) for row in rows if row.name]
    chinese: dict[str, str] = {}
    latin: dict[str, str] = {}
    for written, whole in names:
        tight = "".join(written.split())
        if any(map(is_han, written)):
            chinese.setdefault(tight, whole or tight)
            continue
        for word in _WORD.findall(written):
            latin.setdefault(word.casefold(), whole or tight)
    yield from _numbers_beside(text, spans)
    yield from _chinese(text, chinese)
    yield from _latin(text, latin)


def _numbers_beside(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """`陶xx(K30219)`: a record number that only the name beside it tells apart."""
    for span in spans:
        match = _BESIDE.match(text, span.end) if span.kind is Kind.NAME else None
        if match:
            group = "n" if match.group("n") else "m"
            yield Span(*match.span(group), Kind.MRN, 60)


def _chinese(text: str, names: Mapping[str, str]) -> Iterator[Span]:
    usual = characters("given")
    ends: dict[str, str] = {}
    for name, whole in names.items():
        if len(name) < _PAIR or not all(map(is_han, name)):
            continue
        yield from _places(text, name, whole, 56)
        given = name[surname_end(name, 0) :]
        if len(given) == _PAIR < len(name) and all(c in usual for c in given):
            yield from _places(text, given, whole, 45)
        if len(name) <= _LONGEST:
            ends.setdefault(name[0], whole)
            ends.setdefault(name[-1], whole)
    for match in _DOUBLED.finditer(text) if ends else ():
        before = text[max(0, match.start() - 1) : match.start()]
        free = not before or not is_han(before) or before in _CALLED
        if free and match.group("c") in ends and not is_ordinary(match.group()):
            yield Span(*match.span(), Kind.NAME, 44, ends[match.group("c")])


def _places(text: str, name: str, whole: str, weight: int) -> Iterator[Span]:
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not is_ordinary(name) or in_name_context(text, at, end):
            yield Span(at, end, Kind.NAME, weight, whole)
        at = text.find(name, end)


def _latin(text: str, words: Mapping[str, str]) -> Iterator[Span]:
    for match in _WORD.finditer(text) if words else ():
        bare = re.sub(r"['’]s$", "", match.group())
        whole = words.get(bare.casefold())
        if whole is None or len(bare) < _MIN_WORD or not bare[0].isupper():
            continue
        end = match.start() + len(bare)
        if not is_everyday(bare) and not is_eponym_use(text, match.start(), end):
            yield Span(match.start(), end, Kind.NAME, 46, whole)
