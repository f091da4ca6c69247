"""Word lists of the text engine: one folder, one file per list, read once.

A list is UTF-8 text; `#` begins a comment; entries stand between white space. The lists were
written for this project out of general knowledge; none was taken from a corpus.
"""

import re
from functools import cache
from pathlib import Path


@cache
def words(name: str) -> frozenset[str]:
    """The entries of a list; an underscore in an entry stands for a space."""
    text = (Path(__file__).parent / f"{name}.txt").read_text("utf_8")
    lines = (line.partition("#")[0] for line in text.splitlines())
    return frozenset(entry.replace("_", " ") for line in lines for entry in line.split())


@cache
def characters(name: str) -> frozenset[str]:
    """The characters of a list whose entries are strings of them."""
    return frozenset("".join(words(name)))


@cache
def alternatives(name: str) -> str:
    """The entries of a list as alternatives of a pattern, the longest first."""
    return "|".join(sorted(map(re.escape, words(name)), key=lambda e: (-len(e), e)))


def pairs(name: str) -> dict[str, str]:
    """A list of two-character entries as a mapping of the first to the second."""
    return {entry[0]: entry[1] for entry in words(name)}
