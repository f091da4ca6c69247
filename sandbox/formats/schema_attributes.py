"""What a mark may say beside its class: titles and attributes of label types.

An attribute is a choice among declared words, a flag, or a whole number within limits. There is
no free text: what a schema does not name can't be said, so nothing else can be carried out (R53).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sandbox.errors import Unacceptable
from sandbox.formats.plain_json import holds_more, is_plain, is_whole, strings

MAX_CHOICES = 50
MAX_NUMBER = 1_000_000

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LANGUAGES = ("zh", "en")
_WANTED = ("name", "kind", "required")


class AttributeKind(StrEnum):
    """What an attribute's value is."""

    CHOICE = "choice"
    FLAG = "flag"
    WHOLE = "whole"


_OPTIONS: Mapping[AttributeKind, tuple[str, ...]] = {
    AttributeKind.CHOICE: ("choices",),
    AttributeKind.FLAG: (),
    AttributeKind.WHOLE: ("least", "most"),
}


@dataclass(frozen=True)
class Title:
    """How people read a name; empty where it is not given."""

    zh: str = ""
    en: str = ""

    def document(self) -> dict[str, object]:
        """The title as it is kept."""
        return {name: text for name, text in (("zh", self.zh), ("en", self.en)) if text}

    def texts(self) -> Iterator[str]:
        """What people wrote."""
        return (text for text in (self.zh, self.en) if text)


@dataclass(frozen=True)
class Attribute:
    """One thing that a mark may say beside its class."""

    name: str
    title: Title
    kind: AttributeKind
    required: bool
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0

    def document(self) -> dict[str, object]:
        """The attribute as it is kept and published."""
        options: dict[str, object] = {
            "choices": list(self.choices),
            "least": self.least,
            "most": self.most,
        }
        title = self.title.document()
        return {
            "name": self.name,
            **({"title": title} if title else {}),
            "kind": str(self.kind),
            "required": self.required,
            **{name: options[name] for name in _OPTIONS[self.kind]},
        }

    def texts(self) -> Iterator[str]:
        """Every string in it that people wrote."""
        yield self.name
        yield from self.title.texts()
        yield from self.choices

    def allows(self, value: object) -> bool:
        """Whether a mark may have this value."""
        if self.kind is AttributeKind.FLAG:
            return isinstance(value, bool)
        if self.kind is AttributeKind.CHOICE:
            return isinstance(value, str) and value in self.choices
        return is_whole(value, self.least, self.most)


def parse_title(document: object, at: str) -> Title:
    """A title in one language at least.

    Raises:
        Unacceptable: `schema-title-wrong`.
    """
    if (
        not isinstance(document, Mapping)
        or not document
        or holds_more(document, _LANGUAGES)
        or not all(is_plain(text) for text in document.values())
    ):
        raise Unacceptable("schema-title-wrong", "plain words in zh, en or both", field=at)
    return Title(str(document.get("zh", "")), str(document.get("en", "")))


def parse_attribute(document: object, at: str) -> Attribute:
    """An attribute.

    Raises:
        Unacceptable: `schema-attribute-wrong`, `schema-title-wrong`; the field is named.
    """
    if not isinstance(document, Mapping) or not all(name in document for name in _WANTED):
        raise Unacceptable("schema-attribute-wrong", "name, kind and required", field=at)
    name, required = document["name"], document["required"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Unacceptable("schema-attribute-wrong", "a-z, 0-9, -", field=f"{at}/name")
    if not isinstance(required, bool):
        raise Unacceptable("schema-attribute-wrong", "true or false", field=f"{at}/required")
    kind = _kind(document["kind"], at)
    if holds_more(document, (*_WANTED, "title", *_OPTIONS[kind])):
        raise Unacceptable("schema-attribute-wrong", "a field that is not known here", field=at)
    title = parse_title(document["title"], f"{at}/title") if "title" in document else Title()
    choices = _choices(document, at) if kind is AttributeKind.CHOICE else ()
    least, most = _limits(document, at) if kind is AttributeKind.WHOLE else (0, 0)
    return Attribute(name, title, kind, required, choices, least, most)


def _kind(value: object, at: str) -> AttributeKind:
    try:
        return AttributeKind(str(value))
    except ValueError as error:
        raise Unacceptable(
            "schema-attribute-wrong", "choice, flag or whole", field=f"{at}/kind"
        ) from error


def _choices(document: Mapping[str, object], at: str) -> tuple[str, ...]:
    names = strings(document.get("choices"))
    if (
        not names
        or len(names) > MAX_CHOICES
        or len(set(names)) != len(names)
        or not all(map(is_plain, names))
    ):
        raise Unacceptable("schema-attribute-wrong", "plain words", field=f"{at}/choices")
    return names


def _limits(document: Mapping[str, object], at: str) -> tuple[int, int]:
    least, most = document.get("least"), document.get("most")
    if not is_whole(least, -MAX_NUMBER, MAX_NUMBER):
        raise Unacceptable("schema-attribute-wrong", "a whole number", field=f"{at}/least")
    if not is_whole(most, int(str(least)) + 1, MAX_NUMBER):
        raise Unacceptable("schema-attribute-wrong", "above `least`", field=f"{at}/most")
    return int(str(least)), int(str(most))
