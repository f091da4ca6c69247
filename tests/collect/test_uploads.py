"""Bodies that come slowly, in crumbs, or not to their end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request

from api.uploads import HOP_BYTES, pieces, take
from sandbox.errors import Unavailable

Receive = Callable[[], Awaitable[dict[str, object]]]


def request(*messages: dict[str, object], forever: bool = False) -> Request:
    """A request whose body comes as these messages say."""
    left = list(messages)

    async def receive() -> dict[str, object]:
        if not left and forever:
            await asyncio.Event().wait()
        return left.pop(0)

    return Request({"type": "http", "method": "PUT", "headers": []}, receive)


def part(body: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": more}


async def gathered(body: Request, stall_s: float = 60.0) -> list[bytes]:
    return [piece async for piece in pieces(body, stall_s)]


def test_crumbs_are_handed_on_in_fair_pieces():
    crumbs = [part(b"x" * 1000) for _ in range(3 * HOP_BYTES // 1000)]

    found = asyncio.run(gathered(request(*crumbs, part(b"end", more=False))))

    assert b"".join(found) == b"x" * (1000 * len(crumbs)) + b"end"
    assert len(found) == 3


def test_an_empty_body_gives_nothing():
    assert asyncio.run(gathered(request(part(b"", more=False)))) == []


@pytest.mark.requirement("R66")
def test_a_connection_that_was_cut_is_no_fault_of_ours():
    body = request(part(b"half"), {"type": "http.disconnect"})

    with pytest.raises(Unavailable) as refused:
        asyncio.run(gathered(body))

    assert (refused.value.code, refused.value.status) == ("upload-cut", 503)


def test_who_sends_nothing_more_is_not_waited_for_for_ever():
    body = request(part(b"half"), forever=True)

    with pytest.raises(Unavailable) as refused:
        asyncio.run(gathered(body, 0.05))

    assert refused.value.code == "upload-stalled"


def test_every_piece_is_a_sign_of_life():
    taken, heard = [], []
    body = request(part(b"x" * HOP_BYTES), part(b"y", more=False))

    size = asyncio.run(take(body, taken.append, lambda: heard.append(1)))

    assert (size, len(taken), len(heard)) == (HOP_BYTES + 1, 2, 2)
