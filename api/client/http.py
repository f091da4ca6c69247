"""The HTTP door from outside: JSON in and out, problems as `ClientError`, careful retries.

- A creating request carries an idempotency key made once; the same key goes with each retry.
- Retried are only requests that may be sent twice (GET, PUT, and those with a key), and only when
  the server said that it can't act now, asked to slow down, or did not answer.
- Retries end; each one and the pause before it is told to whoever wants to hear of it.
- A server that refuses a login while this machine's clock is far from its own is told as that.
"""

import secrets
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import httpx

from api.client.errors import ClientError

Json = dict[str, Any]  # Any: JSON, read field by field
TIMEOUT_S: Final = 60.0
ATTEMPTS: Final = 8
UPLOAD_TIMEOUT_S: Final = 300.0
"""For the answer to an upload, which comes when the whole of it is on the server's disk."""
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
RETRIED: Final = frozenset(
    {
        "blob-store-unavailable",
        "checkpoint-pending",
        "hashing-busy",
        "key-store-unavailable",
        "ledger-unavailable",
        "too-many-requests",
        "unreachable",
        "upload-cut",
        "upload-stalled",
    }
)
_GATEWAY: Final = frozenset({502, 503, 504})


Notice = Callable[[ClientError, float], None]
"""Told why something is tried again, and after how many seconds."""


def _unheard(_why: ClientError, _pause_s: float) -> None:
    return


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
        attempts: how often a request that may be sent again is tried at most.
        notice: told of each new try.
        clock_s: this machine's clock, in seconds since 1970.
    """

    http: httpx.Client = field(repr=False)
    token: str | None = field(default=None, repr=False)
    pause: Callable[[float], None] = time.sleep
    attempts: int = ATTEMPTS
    notice: Notice = _unheard
    clock_s: Callable[[], float] = time.time

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
        return _json(self._send("PUT", path, again=True, octets=octets, **_UPLOAD))

    def put_once(self, path: str, octets: Iterable[bytes]) -> Json:
        """The JSON answer to a PUT that is tried once; whoever sends it tries again.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return _json(self._send("PUT", path, again=False, octets=lambda: octets, **_UPLOAD))

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
        pause_s = FIRST_PAUSE_S
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for left in reversed(range(self.attempts if again else 1)):
            content = {"content": octets()} if octets else {}
            try:
                return self._once(
                    method, path, headers={**own, **(headers or {})}, **content, **rest
                )
            except ClientError as error:
                if not left or error.code not in RETRIED:
                    raise
                self.notice(error, pause_s)
            self.pause(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        raise ClientError("unreachable")

    def _once(self, method: str, path: str, **rest: Any) -> httpx.Response:  # Any: as in `_send`
        try:
            answer = self.http.request(method, f"/v1{path}", **rest)
        except httpx.HTTPError as error:
            raise _unanswered(error) from error
        if answer.is_success:
            return answer
        refusal = _refusal(answer)
        refusal.clock_behind_s = _behind(answer, self.clock_s())
        raise refusal


_UPLOAD: Final[Mapping[str, Any]] = {  # Any: what httpx takes
    "headers": {"Content-Type": "application/octet-stream"},
    "timeout": httpx.Timeout(TIMEOUT_S, read=UPLOAD_TIMEOUT_S),
}


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
        if answer.status_code in _GATEWAY:
            said = f"something between here and the server answers {answer.status_code}"
            return ClientError("unreachable", said, status=answer.status_code)
        return ClientError(
            "answer-malformed", f"status {answer.status_code}", status=answer.status_code
        )
    said = str(problem.get("detail") or problem.get("title") or "")
    if code == "field-refused" and field_name:
        said = f"{field_name}: {said}"
    return ClientError(code, said, status=answer.status_code, field=field_name)


def _unanswered(error: httpx.HTTPError) -> ClientError:
    refused: BaseException | None = error
    while refused is not None and not isinstance(refused, ssl.SSLCertVerificationError):
        refused = refused.__cause__ or refused.__context__
    if refused is None:
        return ClientError("unreachable", "the server does not answer")
    # Waiting helps no certificate, but for one that is not valid yet: a wrong clock looks so.
    return ClientError("certificate-refused", f"{refused.verify_message}; is the clock right?")


def _behind(answer: httpx.Response, now_s: float) -> float | None:
    """Seconds by which this machine's clock is behind the server's, as its Date header tells."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp() - now_s
    except (KeyError, ValueError):
        return None
