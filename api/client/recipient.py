"""A recipient's side: fetch the sealed package, open it with one's own key, check all of it.

1. The passport names the package; seal and ciphertext open for that package only.
2. Every file is hashed and compared with the signed statement.
3. With the log's key pinned, the whole passport is verified offline: entries, proofs, votes.
Files are written only when all of it held.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.client.errors import ClientError
from api.client.http import Door
from api.client.keys import PersonKeys
from api.client.package import check_statement, unpack
from crypto import chunked
from crypto.canonical import decode, encode
from crypto.errors import VerificationError
from crypto.sealing import HEADER_SIZE, open_header
from crypto.verifier import Broken, CannotTell, check_passport, read_pins

PASSPORT = "passport.json"
_CONTEXT = "anbiao-release-v1"


@dataclass(frozen=True)
class Delivery:
    """An opened package with its passport; `verified` when a pinned key vouched for it."""

    release: str
    package: str
    files: Mapping[str, bytes]
    passport: bytes
    verified: bool


def fetch(
    door: Door, keys: PersonKeys, ledger: str, release: str, pins: Sequence[str] = ()
) -> Delivery:
    """Fetch and open a release; the download is in the log.

    Args:
        door: the server.
        keys: the recipient's own keys.
        ledger: the hospital's.
        release: its id.
        pins: verifier keys of the log, or files of them, received out of band.

    Raises:
        ClientError: `package-differs`, `passport-broken`, `seal-altered`, or the server refused.
    """
    path = f"/hospitals/{ledger}/releases/{release}"
    passport = door.get_bytes(f"{path}/passport")
    statement = _statement(passport)
    sealed = door.get_bytes(f"{path}/sealed")
    package = str(_predicate(statement).get("package"))
    files = unpack(_open(keys, ledger, release, package, sealed))
    check_statement(statement, files, ledger, release)
    return Delivery(release, package, files, passport, _verified(passport, pins))


def write(delivery: Delivery, folder: Path) -> list[Path]:
    """Write the package folder: its files and the passport, readable by their owner alone.

    Raises:
        ClientError: `folder-not-empty`: nothing is written over.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ClientError("folder-not-empty", "the folder for the package has to be empty")
    written = []
    for name, data in sorted({**delivery.files, PASSPORT: delivery.passport}.items()):
        path = folder / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(data)
        written.append(path)
    return written


def _statement(passport: bytes) -> bytes:
    try:
        envelope = decode(passport)["envelope"]
        return base64.b64decode(envelope["payload"], validate=True)
    except (VerificationError, KeyError, TypeError, ValueError) as error:
        raise ClientError("passport-broken", "the passport has another form") from error


def _predicate(statement: bytes) -> Mapping[str, object]:
    try:
        return dict(decode(statement)["predicate"])
    except (VerificationError, KeyError, TypeError, ValueError) as error:
        raise ClientError("passport-broken", "the statement has another form") from error


def _open(keys: PersonKeys, ledger: str, release: str, package: str, sealed: bytes) -> bytes:
    context = encode({"what": _CONTEXT, "ledger": ledger, "release": release, "package": package})
    try:
        key = open_header(keys.sealing, context, sealed[:HEADER_SIZE])
        return chunked.open_all(key, context, sealed[HEADER_SIZE:])
    except VerificationError as error:
        raise ClientError(error.code, "the package is not sealed to this key") from error


def _verified(passport: bytes, pins: Sequence[str]) -> bool:
    """Whether pinned keys vouch for the passport; without any, nobody can tell."""
    if not pins:
        return False
    try:
        check_passport(passport, read_pins(pins))
    except (Broken, CannotTell) as error:
        raise ClientError("passport-broken", str(error)) from error
    return True
