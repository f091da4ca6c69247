"""The published logs, as C2SP tlog-tiles: heads, keys and hashes for anyone, entries by role.

Source: C2SP tlog-tiles v0.1.0.
"""

import re
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from api.authentication import ActorHere
from sandbox.errors import NotFound
from sandbox.wiring import House

_LEDGER = re.compile(r"platform|[0-9a-f]{32}")
_INDEX = r"(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[0-9]{1,3})?"
_HASHES = re.compile(rf"[0-9]{{1,2}}/{_INDEX}")
_ENTRIES = re.compile(_INDEX)
_FOR_EVER = "public, max-age=31536000, immutable"
_PRIVATE = "private, max-age=31536000, immutable"
_NOTE = "text/plain; charset=utf-8"
_OCTETS = "application/octet-stream"


def router(house: House) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter(prefix="/log/{ledger}", tags=["log"], default_response_class=Response)

    @routes.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint(ledger: str) -> Response:
        """The signed head of a log."""
        return _answer(house.log, ledger, "checkpoint", _NOTE, "no-cache")

    @routes.get("/witnessed", response_class=PlainTextResponse)
    def witnessed(ledger: str) -> Response:
        """The largest head of a log that a quorum of the operator's witnesses cosigned."""
        return _answer(house.log, ledger, "witnessed", _NOTE, "no-cache")

    @routes.get("/keys", response_class=PlainTextResponse)
    def keys(ledger: str) -> Response:
        """The log's verifier keys; pin them from elsewhere before you trust them."""
        return _answer(house.log, ledger, "keys", _NOTE, "no-cache")

    @routes.get("/tile/entries/{path:path}")
    def entries(ledger: str, path: str, actor: ActorHere) -> Response:
        """A bundle of entries, for readers of the ledger."""
        if _LEDGER.fullmatch(ledger) is None or _ENTRIES.fullmatch(path) is None:
            raise NotFound
        house.people.log_access.admit(actor, ledger)
        return _answer(house.log, ledger, f"tile/entries/{path}", _OCTETS, _PRIVATE)

    @routes.get("/tile/{path:path}")
    def hashes(ledger: str, path: str) -> Response:
        """A tile of hashes."""
        if _HASHES.fullmatch(path) is None:
            raise NotFound
        return _answer(house.log, ledger, f"tile/{path}", _OCTETS, _FOR_EVER)

    return routes


def _answer(folder: Path, ledger: str, name: str, media_type: str, cache: str) -> Response:
    """A published file; both parts of its name were matched against closed grammars."""
    if _LEDGER.fullmatch(ledger) is None:
        raise NotFound
    try:
        octets = (folder / ledger / name).read_bytes()
    except OSError as error:
        raise NotFound from error
    return Response(octets, media_type=media_type, headers={"Cache-Control": cache})
