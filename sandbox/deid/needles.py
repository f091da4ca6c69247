"""Looks for known values (names, numbers, phones) in text, however they are written there.

- Case, width (NFKC), format characters, and the marks DICOM puts between parts of a name don't
  matter; numbers are found with spaces, dots or hyphens between their digits; Chinese is found
  with spaces inside.
- A Latin word or a number counts only as a whole word, so `Lee` is not found in `sleep`; other
  scripts don't set words off.
- Values too short to mean anything are not looked for: fewer than three Latin characters, four
  digits, or two of another script.
"""

import re
import unicodedata
from collections.abc import Iterable

_JOINERS = re.compile(r"[\s^=_]+")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-.()/]+(?=\d)")
_PREFIX = 2
_FEW = 24
_MIN_LATIN, _MIN_DIGITS, _MIN_OTHER, _MIN_PHONE = 3, 4, 2, 7


def _plain(text: str) -> str:
    """`text` in one way of writing: folded case and width, single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return _JOINERS.sub(" ", text).strip().casefold()


def _worth_it(value: str) -> bool:
    if value.isdecimal() and value.isascii():
        return len(value) >= _MIN_DIGITS
    return len(value) >= (_MIN_LATIN if value.isascii() else _MIN_OTHER)


def sets_words_off(character: str) -> bool:
    """Whether a Latin word or a number goes on with this character: a Latin letter or a digit."""
    if character.isascii():
        return character.isalnum()
    return character.isalpha() and "LATIN" in unicodedata.name(character, "")


class _Forms:
    """Values to look for in one way of writing, found by their first two characters."""

    def __init__(self, values: Iterable[str], *, whole_words: bool = True) -> None:
        self._whole_words = whole_words
        self._all = tuple(sorted({value for value in values if _worth_it(value)}))
        by_prefix: dict[str, list[str]] = {}
        for value in self._all:
            by_prefix.setdefault(value[:_PREFIX], []).append(value)
        self._by_prefix = by_prefix

    def __bool__(self) -> bool:
        return bool(self._all)

    def find(self, text: str) -> set[str]:
        """The values that stand in `text`."""
        present = {value for value in self._candidates(text) if value in text}
        if not self._whole_words:
            return present
        return {value for value in present if _stands_alone(value, text)}

    def _candidates(self, text: str) -> Iterable[str]:
        if len(self._all) <= _FEW:
            return self._all
        present = {text[i : i + _PREFIX] for i in range(len(text) - 1)}
        return [v for prefix in present & self._by_prefix.keys() for v in self._by_prefix[prefix]]


def _stands_alone(value: str, text: str) -> bool:
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        before = start > 0 and sets_words_off(value[0]) and sets_words_off(text[start - 1])
        after = end < len(text) and sets_words_off(value[-1]) and sets_words_off(text[end])
        if not before and not after:
            return True
        start = text.find(value, start + 1)
    return False


class Needles:
    """A set of values to look for."""

    def __init__(self, values: Iterable[str]) -> None:
        plain = {_plain(value) for value in values}
        words = {value for value in plain if value.isascii()}
        self._words = _Forms(words | {form for value in words for form in _orders(value)})
        self._tight = _Forms(
            {value.replace(" ", "") for value in plain if not value.isascii()}, whole_words=False
        )
        digits = (_BETWEEN_DIGITS.sub("", value.lstrip("(+ ")) for value in words)
        self._digits = _Forms(value for value in digits if _is_number(value))

    def __bool__(self) -> bool:
        return bool(self._words or self._tight or self._digits)

    def find(self, text: str) -> set[str]:
        """The values found in `text`, as they are looked for; empty when there is none."""
        if not self:
            return set()
        plain = _plain(text)
        found = self._words.find(plain)
        if self._tight and not plain.isascii():
            found |= self._tight.find(plain.replace(" ", ""))
        if self._digits:
            found |= self._digits.find(_BETWEEN_DIGITS.sub("", plain))
        return found


def _is_number(value: str) -> bool:
    return sum(map(str.isdecimal, value)) >= _MIN_PHONE


def _orders(value: str) -> Iterable[str]:
    """A name's parts the other way round and run together, as files write them too."""
    parts = value.split(" ")
    if len(parts) == _PREFIX and all(part.isalpha() for part in parts):
        first, second = parts
        yield f"{second} {first}"
        yield f"{second}, {first}"
        yield f"{first}, {second}"
        yield first + second
        yield second + first
