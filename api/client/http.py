"""The HTTP door from outside: JSON in and out, problems as `ClientError`, careful retries.

- A creating request carries an idempotency key made once; the same key goes with each retry.
- Retried are only requests that may be sent twice (GET, PUT, and those with a key), and only when
  the server said that it can't act now, asked to slow down, or did not answer.
"""

import secrets
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from api.client.errors import ClientError

Json = dict[str, Any]  # Any: JSON, read field by field
TIMEOUT_S: Final = 60.0
ATTEMPTS: Final = 8
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_RETRIED: Final = frozenset(
    {"checkpoint-pending", "ledger-unavailable", "too-many-requests", "hashing-busy", "unreachable"}
)


def new_id() -> str:
    """A random id: 128 bits, 32 hex digits."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Door:
    """One server, and the token that opens it; threads may share it.

    Attributes:
        http: the connection pool; closed by whoever made the door.
        token: bearer token, None before a login.
        pause: waits between tries, in seconds.
    """

    http: httpx.Client = field(repr=False)
    token: str | None = field(default=None, repr=False)
    pause: Callable[[float], None] = time.sleep

    def with_token(self, token: str | None) -> "Door":
        """The same door, opened by a token."""
        return replace(self, token=token)

    def get(self, path: str, **params: str | int | None) -> Json:
        """The JSON answer to a GET.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        given = {name: value for name, value in params.items() if value is not None}
        return _json(self._send("GET", path, again=True, params=given))

    def get_bytes(self, path: str) -> bytes:
        """The octets that a GET answers with.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return self._send("GET", path, again=True).content

    def items(self, path: str) -> Iterable[Json]:
        """All members of a list, page by page.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        after: str | None = None
        while True:
            part = self.get(path, after=after)
            yield from part["items"]
            after = part["next"]
            if after is None:
                return

    def create(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> Json:
        """The JSON answer to a creating POST, sent with a key of its own.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        keyed = {"Idempotency-Key": secrets.token_urlsafe(24), **(headers or {})}
        return _json(self._send("POST", path, again=True, json=dict(body), headers=keyed))

    def create_bytes(self, path: str, body: Mapping[str, object]) -> bytes:
        """The octets that a creating POST, sent with a key of its own, answers with.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        keyed = {"Idempotency-Key": secrets.token_urlsafe(24)}
        return self._send("POST", path, again=True, json=dict(body), headers=keyed).content

    def post(self, path: str, body: Mapping[str, object]) -> Json:
        """The JSON answer to a POST that is sent once.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return _json(self._send("POST", path, again=False, json=dict(body)))

    def put(self, path: str, octets: Callable[[], Iterable[bytes]]) -> Json:
        """The JSON answer to a PUT of octets; `octets` starts anew at each try.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        headers = {"Content-Type": "application/octet-stream"}
        return _json(self._send("PUT", path, again=True, octets=octets, headers=headers))

    def delete(self, path: str, body: Mapping[str, object] | None = None) -> Json:
        """The JSON answer to a DELETE; empty where there is none.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        answer = self._send("DELETE", path, again=False, json=dict(body) if body else None)
        return _json(answer) if answer.content else {}

    def _send(
        self,
        method: str,
        path: str,
        *,
        again: bool,
        octets: Callable[[], Iterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        **rest: Any,  # Any: what httpx takes
    ) -> httpx.Response:
        pause_s = _FIRST_PAUSE_S
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for left in reversed(range(ATTEMPTS if again else 1)):
            content = {"content": octets()} if octets else {}
            try:
                return self._once(
                    method, path, headers={**own, **(headers or {})}, **content, **rest
                )
            except ClientError as error:
                if not left or error.code not in _RETRIED:
                    raise
            self.pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        raise ClientError("unreachable")

    def _once(self, method: str, path: str, **rest: Any) -> httpx.Response:  # Any: as in `_send`
        try:
            answer = self.http.request(method, f"/v1{path}", **rest)
        except httpx.HTTPError as error:
            raise ClientError("unreachable", "the server does not answer") from error
        if answer.is_success:
            return answer
        raise _refusal(answer)


def connect(url: str, *, certificates: Path | None = None, timeout_s: float = TIMEOUT_S) -> Door:
    """The door of the server at `url`; `certificates` is a PEM file of who may sign its own."""
    verify = ssl.create_default_context(cafile=certificates)
    # `trust_env` off: no proxy and no netrc of the environment gets between.
    http = httpx.Client(
        base_url=url, timeout=timeout_s, verify=verify, trust_env=False, follow_redirects=False
    )
    return Door(http)


def _json(answer: httpx.Response) -> Json:
    try:
        value = answer.json()
    except ValueError as error:
        raise ClientError("answer-malformed", "the server's answer is not JSON") from error
    if not isinstance(value, dict):
        raise ClientError("answer-malformed", "the server's answer is no object")
    return value


def _refusal(answer: httpx.Response) -> ClientError:
    try:
        problem = answer.json()
        code, field_name = str(problem["code"]), problem.get("field")
    except (ValueError, KeyError, TypeError, AttributeError):
        return ClientError(
            "answer-malformed", f"status {answer.status_code}", status=answer.status_code
        )
    said = str(problem.get("detail") or problem.get("title") or "")
    if code == "field-refused" and field_name:
        said = f"{field_name}: {said}"
    return ClientError(code, said, status=answer.status_code, field=field_name)
