"""Policies of witnesses, and what the published log says of them.

- The operator's file (settings `witness_policy`) says whom to ask and where; a copy without the
  addresses lies with the decision tables, by digest, so that a policy of yesterday is still known.
- `witnessed` in a log's published folder is its largest checkpoint that a quorum cosigned.
"""

import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from crypto.errors import VerificationError
from crypto.tlogpolicy import WitnessPolicy, parse_policy
from sandbox.errors import Unacceptable
from sandbox.layout import rights_in
from sandbox.provenance.publishing import WITNESSED

_SUFFIX: Final = ".tlog-policy"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def read_witness_policy(path: Path) -> WitnessPolicy:
    """The operator's policy file.

    Raises:
        Unacceptable: `witness-policy-malformed`; `witness-url-insecure`: a witness elsewhere would
            be asked in the clear.
    """
    try:
        policy = parse_policy(path.read_bytes())
    except (OSError, VerificationError) as error:
        raise Unacceptable(
            "witness-policy-malformed", "witness_policy names no tlog-policy file"
        ) from error
    for party in policy.witnesses.values():
        if party.url is not None and not _may_be_asked(party.url):
            raise Unacceptable(
                "witness-url-insecure", "a witness is asked by https, or on this machine"
            )
    return policy


def keep_policy(folder: Path, policy: WitnessPolicy) -> None:
    """Keep what decides of a policy, by its digest."""
    path = _path(folder, policy.digest)
    if path.exists():
        return
    draft = path.with_name(f".{secrets.token_hex(16)}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights_in(folder) & 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(policy.normal)
    draft.replace(path)


def find_policy(folder: Path, digest: str) -> WitnessPolicy | None:
    """The policy of a digest, as it was kept; None when it was not, or is another's."""
    if _DIGEST.fullmatch(digest) is None:
        return None
    try:
        policy = parse_policy(_path(folder, digest).read_bytes())
    except (OSError, VerificationError):
        return None
    return policy if policy.digest == digest else None


def published_witnessed(log: Path, ledger: str) -> str | None:
    """The largest checkpoint of a ledger that a quorum cosigned, as published; not yet believed."""
    try:
        return (log / ledger / WITNESSED).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _path(folder: Path, digest: str) -> Path:
    return folder / f"{digest.removeprefix('sha256:')}{_SUFFIX}"


def _may_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        here = host == "localhost" or (parts.scheme == "http" and _is_loopback(host))
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
