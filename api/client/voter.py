"""A voter's side: look at the package, check that the statement is about it, sign.

1. The files are hashed here; the statement must name exactly them, this release and this ledger.
2. The act's signature binds package, statement and verdict. An approval signs the statement's
   envelope too: that signature travels in the passport.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.client.enrolment import signed_body
from api.client.http import Door, Json
from api.client.keys import PersonKeys
from api.client.package import check_names, check_statement
from crypto import dsse
from crypto.verifier import package_digest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
APPROVE = "approve"
VERDICTS = (APPROVE, "reject", "return")


@dataclass(frozen=True)
class Inspected:
    """A package that was looked at here, and the statement that is about it."""

    ledger: str
    release: str
    package: str
    statement: bytes
    files: Mapping[str, bytes]
    predicate: Mapping[str, Any]  # Any: JSON

    @property
    def path(self) -> str:
        """Where the server has it."""
        return f"/hospitals/{self.ledger}/releases/{self.release}"


def inspect(door: Door, ledger: str, release: str) -> Inspected:
    """Fetch a package and check it against its statement; the look is in the log.

    Raises:
        ClientError: `package-differs`, or the server refused, or can't be reached.
    """
    shown = door.get(f"/hospitals/{ledger}/releases/{release}/package")
    files = {str(name): str(text).encode() for name, text in shown["files"].items()}
    check_names(files)
    statement = str(shown["statement"]).encode()
    predicate = check_statement(statement, files, ledger, release)
    return Inspected(ledger, release, package_digest(files), statement, files, predicate)


def write_files(inspected: Inspected, folder: Path) -> list[Path]:
    """Write the package's files into a folder, to be read by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for name, data in sorted(inspected.files.items()):
        path = folder / name
        path.write_bytes(data)
        path.chmod(0o600)
        written.append(path)
    return written


def vote(door: Door, keys: PersonKeys, inspected: Inspected, verdict: str) -> Json:
    """Sign and cast a vote: `approve`, `reject` or `return`.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    terms = {
        "package": inspected.package,
        "statement": "sha256:" + hashlib.sha256(inspected.statement).hexdigest(),
        "verdict": verdict,
    }
    objects = {"release": inspected.release}
    signed = signed_body(keys, inspected.ledger, "release.vote", objects, terms)
    envelope = None
    if verdict == APPROVE:
        envelope = _text(dsse.sign(PAYLOAD_TYPE, inspected.statement, keys.signing))
    body = {
        "signing_key": _text(keys.signing.public_bytes),
        "envelope_signature": envelope,
        "terms": terms,
        **signed,
    }
    return door.create(f"{inspected.path}/votes", body)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
