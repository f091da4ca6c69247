"""Small questions about parsed JSON, asked of every document that people bring."""

from collections.abc import Collection, Mapping

MAX_NAME = 64


def holds_more(document: Mapping[str, object], known: Collection[str]) -> bool:
    """Whether a document has members beside the known ones."""
    return any(name not in known for name in document)


def strings(value: object) -> tuple[str, ...] | None:
    """The strings of a list of strings, or None."""
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        return None
    return tuple(value)


def is_plain(name: object) -> bool:
    """Whether a name is short, printable and without space around it."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME
        and name == name.strip()
        and name.isprintable()
    )


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether a value is an integer within limits; true and false are none."""
    return type(value) is int and least <= value <= most
