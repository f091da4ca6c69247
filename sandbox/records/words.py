"""Codes that people choose themselves and that stand in the log for ever."""

import re
from typing import Final

_CODE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,3}")
_LONGEST: Final = 32


def is_code(text: str) -> bool:
    """Whether a text is a short code: a sentence would say too much."""
    return len(text) <= _LONGEST and _CODE.fullmatch(text) is not None
