"""Long request bodies: in pieces of a fair size, and never waited for without end."""

from collections.abc import AsyncIterator, Callable
from typing import Final

from anyio import fail_after
from anyio.to_thread import run_sync
from fastapi import Request
from starlette.requests import ClientDisconnect

from sandbox.errors import Unavailable

STALL_S: Final = 60.0
HOP_BYTES: Final = 2**20
"""Handed on at a time: a change of threads costs more than small pieces."""


async def take(request: Request, write: Callable[[bytes], None], heard: Callable[[], None]) -> int:
    """Hand a request's body to `write`, in a thread; how many octets there were.

    Args:
        request: whose body it is.
        write: takes the next octets.
        heard: called whenever some came, in a thread too.

    Raises:
        Unavailable: `upload-cut`, `upload-stalled`.
        SandboxError: what `write` refuses.
    """
    taken = 0

    def take_piece(piece: bytes) -> None:
        heard()
        write(piece)

    async for piece in pieces(request):
        await run_sync(take_piece, piece)
        taken += len(piece)
    return taken


async def pieces(request: Request, stall_s: float = STALL_S) -> AsyncIterator[bytes]:
    """The body in pieces of `HOP_BYTES` or a little more; the last one is what is left.

    Raises:
        Unavailable: `upload-cut`, `upload-stalled`: the rest does not come; nobody may be left
            holding half an object for ever.
    """
    stream, held = request.stream(), bytearray()
    try:
        while True:
            with fail_after(stall_s):
                piece = await anext(stream, None)
            if piece is None:
                break
            held += piece
            if len(held) >= HOP_BYTES:
                yield bytes(held)
                held.clear()
    except TimeoutError:
        raise Unavailable("upload-stalled", f"nothing came for {stall_s:.0f} s") from None
    except ClientDisconnect:
        raise Unavailable("upload-cut", "the connection ended before the object") from None
    if held:
        yield bytes(held)
