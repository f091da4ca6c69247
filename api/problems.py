"""Every refusal as RFC 9457 `application/problem+json`, with a stable code.

- What the sandbox refuses keeps its code, status and message.
- What the framework refuses (no such path, wrong method, a body that does not fit) gets a code of
  the same kind; a wrong field is named, its value never echoed.
- What nobody foresaw becomes `internal-error` with an incident id and nothing else; the log line
  with that id names the place in the code, never the message or a value.

Source: RFC 9457, 3 and 4.2.
"""

import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sandbox.errors import SandboxError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("anbiao.problems")

FRAMEWORK_CODES: Mapping[int, str] = {
    400: "malformed",
    401: "unauthenticated",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "media-type-unsupported",
    416: "range-not-satisfiable",
    422: "field-refused",
}
"""Codes of what is refused before any of our own code runs, by status."""


@dataclass(frozen=True)
class Problem:
    """One refusal as it goes out."""

    status: int
    code: str
    title: str
    detail: str = ""
    field: str | None = None
    incident: str | None = None

    def body(self) -> dict[str, Any]:  # Any: strings and one number
        """The members of the problem document; what is empty is left out."""
        members = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "field": self.field,
            "incident": self.incident,
        }
        return {name: value for name, value in members.items() if value}

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """The problem as an answer."""
        extra = dict(headers or {})
        if self.status == 401:  # noqa: PLR2004 - the status that RFC 9110 asks a challenge for
            extra["WWW-Authenticate"] = "Bearer"
        if self.status in (429, 503):
            extra["Retry-After"] = "1"
        return JSONResponse(
            self.body(), status_code=self.status, headers=extra, media_type=MEDIA_TYPE
        )


def of_error(error: SandboxError) -> Problem:
    """The problem that a refusal of the sandbox becomes."""
    title = (type(error).__doc__ or "").splitlines()[0]
    return Problem(error.status, error.code, title, error.message, error.field)


def of_status(status: int) -> Problem:
    """The problem that a refusal of the framework becomes."""
    code = FRAMEWORK_CODES.get(status, "request-refused")
    return Problem(status, code, code.replace("-", " ").capitalize() + ".")


def of_fields(errors: Sequence[Mapping[str, Any]]) -> Problem:  # Any: pydantic's own form
    """The problem of a body or parameter that does not fit; the first wrong field is named.

    Only the kind of the fault is told: pydantic's sentences may quote the value. A member that
    does not belong there is not named either: its name, too, is whatever was sent.
    """
    first = errors[0]
    if first["type"] == "json_invalid":
        return Problem(400, "malformed", "The body is not JSON.")
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    if first["type"] == "extra_forbidden":
        place.pop()
    field = ".".join(place) or None
    kind = str(first["type"]).replace("_", " ")
    return Problem(422, "field-refused", "A field does not fit.", kind, field)


def incident(error: Exception) -> Problem:
    """The problem of something that nobody foresaw; where it happened goes to the log."""
    name = secrets.token_hex(8)
    frames = traceback.extract_tb(error.__traceback__)
    path = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-6:]))
    _log.error("incident %s: %s at %s", name, type(error).__name__, path)
    return Problem(500, "internal-error", "Something went wrong inside.", incident=name)


def install(app: FastAPI) -> None:
    """Have `app` answer every refusal with a problem."""

    def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SandboxError)  # noqa: S101 - registered for this class alone
        return of_error(error).response()

    def framework(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
        return of_status(error.status_code).response(error.headers)

    def fields(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
        return of_fields(error.errors()).response()

    app.add_exception_handler(SandboxError, refused)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, fields)
