"""What many requests share: idempotency keys, cursors, bytes in text."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query

from sandbox.errors import Malformed

_KEY = re.compile(r"[\x21-\x7e]{8,128}")
PAGE = 50
LONGEST_PAGE = 500


# Both are `async`: a plain function FastAPI sends to a thread, which costs more than it does.
async def request_key(idempotency_key: Annotated[str | None, Header()] = None) -> str:
    """The `Idempotency-Key` of a creating request.

    Raises:
        Malformed: it is missing, or not 8 to 128 printable characters.
    """
    if idempotency_key is None:
        raise Malformed("idempotency-key-missing", "send an Idempotency-Key header")
    if _KEY.fullmatch(idempotency_key) is None:
        raise Malformed("idempotency-key-malformed", "use 8 to 128 printable characters")
    return idempotency_key


RequestKey = Annotated[str, Depends(request_key)]
"""A creating route's idempotency key."""


@dataclass(frozen=True)
class Window:
    """Which part of a list is asked for: up to `limit` members from behind `after`."""

    after: str | None
    limit: int


async def window(
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = PAGE,
) -> Window:
    """The part of a list that a request asks for."""
    return Window(after, limit)


WindowHere = Annotated[Window, Depends(window)]
"""A list route's window."""


def from_base64(text: str) -> bytes:
    """The bytes of strict base64.

    Raises:
        Malformed: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("base64-malformed", "not standard base64 with padding") from error
