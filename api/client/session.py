"""Coming in: setup, invitations, second factors, logins; and keeping a session between commands.

`Authenticator` computes codes for clients that hold the seed: the demo and tests do. People keep
it in a program of their own and type the code.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from api.client.errors import ClientError
from api.client.http import Door, Json, connect, new_id
from crypto import canonical, secretfile
from crypto.errors import VerificationError
from crypto.signing import PersonKey

SESSION_FILE: Final = "session.json"
_STEP_S: Final = 30
_REFUSED: Final = 401
_SERVICE_LABEL: Final = b"anbiao-service-login-v1\n"


@dataclass
class Authenticator:
    """Time-based codes from a seed, none of them twice (RFC 6238).

    A second code within one step is the next step's: servers accept one step of drift. A third
    has to wait.
    """

    secret: str = field(repr=False)
    clock_s: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    _last_step: int = 0

    def code(self) -> str:
        """A code that was not given before."""
        while (step := max(self._now_step(), self._last_step + 1)) > self._now_step() + 1:
            self.pause(1.0)
        self._last_step = step
        return self._code_at(step)

    def _now_step(self) -> int:
        return int(self.clock_s()) // _STEP_S

    def _code_at(self, step: int) -> str:
        seed = base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))
        mac = hmac.digest(seed, step.to_bytes(8, "big"), hashlib.sha1)
        offset = mac[-1] & 0x0F
        number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
        return str(number % 1_000_000).zfill(6)


def set_up(door: Door, code: str, name: str, password: str) -> Json:
    """The first account of an empty store; the answer holds the seed and the recovery codes.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    return door.post("/setup", {"code": code, "name": name, "password": password})


def accept(door: Door, invitation: str, password: str) -> Json:
    """Take up an invitation; the answer holds the seed and the recovery codes.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    return door.post("/invitations/accept", {"invitation": invitation, "password": password})


def confirm(door: Door, account: str, password: str, code: str, purpose: str | None = None) -> Door:
    """Confirm a second factor; the door is open from then on, for a purpose where data is due.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    body: dict[str, object] = {"account": account, "password": password, "code": code}
    if purpose is not None:
        body["purpose"] = purpose
    with _clock_told():
        return door.with_token(str(door.post("/totp/confirm", body)["token"]))


def log_in(door: Door, name: str, password: str, code: str, purpose: str | None = None) -> Door:
    """Open a session by password and code, or by password and a recovery code.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    body: dict[str, object] = {"name": name, "password": password}
    body["code" if code.isdigit() else "recovery"] = code
    if purpose is not None:
        body["purpose"] = purpose
    with _clock_told():
        return door.with_token(str(door.post("/sessions", body)["token"]))


def log_in_service(door: Door, account: str, key: PersonKey) -> Door:
    """Open a session for a service by its key.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    at = datetime.fromtimestamp(door.clock_s(), UTC).isoformat()
    given = {"account": account, "at": at, "nonce": new_id()}
    signature = key.sign(_SERVICE_LABEL + canonical.encode(given))
    body = {**given, "signature": base64.b64encode(signature).decode()}
    with _clock_told():
        return door.with_token(str(door.post("/service-sessions", body)["token"]))


@contextmanager
def _clock_told() -> Iterator[None]:
    """Codes and service logins are of a moment: refused, a wrong clock is the first thing to mend.

    Raises:
        ClientError: `clock-differs`, in place of a refusal of a login by a clock far from the
            server's; any other as it is.
    """
    try:
        yield
    except ClientError as error:
        behind_s = error.clock_behind_s
        if error.status != _REFUSED or behind_s is None or abs(behind_s) < _STEP_S:
            raise
        how = "behind" if behind_s > 0 else "ahead of"
        # Whole minutes where there are some: the header tells seconds, and answers take time.
        unit_s = 60 if abs(behind_s) >= 2 * 60 else 1
        span = timedelta(seconds=round(abs(behind_s) / unit_s) * unit_s)
        raise ClientError(
            "clock-differs",
            f"the login was refused, and this machine's clock is {span} {how} the server's: "
            "set it, then log in again",
            status=error.status,
        ) from error


def keep_session(folder: Path, url: str, door: Door) -> None:
    """Keep an open door's token in the person's folder, readable by its owner alone."""
    path = folder / SESSION_FILE
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": url, "token": door.token}, file)
    beside.replace(path)


def kept_session(folder: Path, certificates: Path | None = None) -> Door:
    """The door that was kept open.

    Raises:
        ClientError: `session-missing`: nobody logged in here.
    """
    try:
        kept = json.loads(secretfile.read(folder / SESSION_FILE))
        url, token = str(kept["url"]), str(kept["token"])
    except (VerificationError, ValueError, KeyError, TypeError) as error:
        raise ClientError(
            "session-missing", "log in first: anbiao enrol login", status=401
        ) from error
    return connect(url, certificates=certificates).with_token(token)


def forget_session(folder: Path) -> None:
    """Take the kept token away."""
    (folder / SESSION_FILE).unlink(missing_ok=True)
