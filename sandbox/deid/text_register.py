"""Finds the register's values of every subject in a text, in every spelling.

- Spaces, line ends, width and case don't matter, nor hyphens, dots, commas and carets inside
  numbers and Latin names; names stand in either order.
- Latin words and numbers count as whole words only; other scripts don't set words off.
- A name that is also an ordinary word counts where it stands as a name.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import permutations

from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.needles import sets_words_off
from sandbox.deid.text_chinese import is_han, is_ordinary
from sandbox.deid.text_names_zh import in_name_context
from sandbox.deid.text_spans import Kind, Span
from sandbox.deid.text_view import view_of

_MARKS = frozenset(" \t\n\r\f\v-‐‑‒–—−_.,^=·•・'’/()|\u3000\xa0")
_BLANKS = frozenset(" \t\n\r\f\v^=_·•・\u3000\xa0")
_PREFIX = 2
_MIN_LATIN, _MIN_DIGITS, _MIN_OTHER = 3, 4, 2
_MAX_PARTS = 4
_FEW = 500

_FIELDS = (
    ("name", Kind.NAME),
    ("id_number", Kind.ID_NUMBER),
    ("mrn", Kind.MRN),
    ("phone", Kind.PHONE),
    ("id", Kind.OTHER_ID),
)


class RegisterFinder:
    """A register, ready to be looked for."""

    def __init__(self, register: Register) -> None:
        self.rows = register.rows
        self._latin: dict[str, dict[str, tuple[Kind, RegisterRow]]] = {}
        self._other: dict[str, dict[str, tuple[Kind, RegisterRow]]] = {}
        for row in register.rows:
            for field, kind in _FIELDS:
                self._add(getattr(row, field), kind, row)

    def _add(self, value: str | None, kind: Kind, row: RegisterRow) -> None:
        plain = _folded(value or "")
        latin = not any(map(is_han, plain)) and any(c.isascii() and c.isalnum() for c in plain)
        for form in _forms(plain, kind) if latin else [_squashed(plain, _BLANKS)[0]]:
            if _worth_it(form):
                index = self._latin if latin else self._other
                index.setdefault(form[:_PREFIX], {}).setdefault(form, (kind, row))

    def spans(self, text: str) -> Iterator[Span]:
        """Every place in a view's text where a value stands."""
        for start, end, kind, row in self._hits(text):
            value = row.name if kind is Kind.NAME else None
            yield Span(start, end, kind, 98, value)

    @property
    def names(self) -> tuple[RegisterRow, ...]:
        """Rows whose name is looked for in parts as well; none where there are too many of them.

        Among thousands of names every second word of a text is a part of one.
        """
        return self.rows if len(self.rows) <= _FEW else ()

    def rows_in(self, text: str) -> list[RegisterRow]:
        """The subjects whose name or numbers stand in a view's text, in the register's order."""
        there = {id(row) for _, _, _, row in self._hits(text)}
        return [row for row in self.rows if id(row) in there]

    def _hits(self, text: str) -> Iterator[tuple[int, int, Kind, RegisterRow]]:
        if self._latin:
            yield from _found(text.casefold(), self._latin, _MARKS)
        if self._other:
            for start, end, kind, row in _found(text, self._other, _BLANKS, whole=False):
                word = _squashed(text[start:end], _BLANKS)[0]
                if not is_ordinary(word) or in_name_context(text, start, end):
                    yield start, end, kind, row


@lru_cache(maxsize=8)
def register_finder(register: Register) -> RegisterFinder:
    """The finder of a register."""
    return RegisterFinder(register)


def _folded(value: str) -> str:
    return view_of(value, lambda _: []).text.casefold().strip()


def _squashed(text: str, marks: frozenset[str]) -> tuple[str, list[int]]:
    """`text` without `marks`, and where each character of it stood."""
    places = [at for at, c in enumerate(text) if c not in marks]
    return "".join(text[at] for at in places), places


def _forms(value: str, kind: Kind) -> Iterable[str]:
    """A Latin value or number without marks; a name in every order of its parts."""
    yield _squashed(value, _MARKS)[0]
    if kind is Kind.NAME:
        parts = [part for part in value.replace(",", " ").replace("^", " ").split() if part]
        if 1 < len(parts) <= _MAX_PARTS:
            for order in permutations(parts):
                yield _squashed("".join(order), _MARKS)[0]
    if kind is Kind.PHONE and value.startswith("+"):
        digits = _squashed(value, _MARKS)[0]
        yield digits.removeprefix("+")


def _worth_it(form: str) -> bool:
    if form.isdecimal():
        return len(form) >= _MIN_DIGITS
    return len(form) >= (_MIN_LATIN if form.isascii() else _MIN_OTHER)


def _found(
    text: str,
    index: dict[str, dict[str, tuple[Kind, RegisterRow]]],
    marks: frozenset[str],
    *,
    whole: bool = True,
) -> Iterator[tuple[int, int, Kind, RegisterRow]]:
    squashed, places = _squashed(text, marks)
    for at in range(len(squashed) - 1):
        forms = index.get(squashed[at : at + _PREFIX])
        if not forms:
            continue
        for form, (kind, row) in forms.items():
            if not squashed.startswith(form, at):
                continue
            start, end = places[at], places[at + len(form) - 1] + 1
            if not whole or _stands_alone(text, start, end):
                yield start, end, kind, row


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not (
        (sets_words_off(text[start]) and start and sets_words_off(text[start - 1]))
        or (sets_words_off(text[end - 1]) and end < len(text) and sets_words_off(text[end]))
    )
