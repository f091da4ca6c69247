"""The identifier scan of texts that people type or that would leave: any find refuses the text.

It is the search of the text engine, without any hospital's register: names with a title or a
label, numbers that prove themselves, dates, phones, addresses. Class names, titles, guidelines,
comments, reasons and the strings of a package pass through it (R47, R56).
"""

from collections.abc import Sequence

from sandbox.deid.forms import Register
from sandbox.deid.text import find_spans

_NOBODY = Register()


def identifiers_in(text: str) -> Sequence[str]:
    """Kinds of identifiers found in `text`, sorted; empty when it is clean."""
    return sorted({kind for _, _, kind in find_spans(text, _NOBODY)})
