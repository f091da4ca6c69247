"""What a witness holds: its keys, the logs it knows, the last head of each, and evidence.

- The keys are made here and never leave: an Ed25519 one and an ML-DSA-44 one, under one name.
- A log is known because its operator's keys were written here by whoever runs the witness; no
  request adds one.
- A head is durable before its cosignature is answered; a kill at any point leaves the old head or
  the new one, never none.
- One process at a time: a lock on the folder ends with the process, however it ends.

A copy of the folder that is put back later makes the witness forget what it cosigned since, and a
copy that runs beside it makes two witnesses of one key. Neither can be noticed from within.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from api.client.errors import ClientError
from api.witness.files import made, put
from crypto import secretfile
from crypto.errors import VerificationError
from crypto.note import Ed25519Cosigner, MldsaSigner, NoteSigner, VerifierKey

KEY_FILE: Final = "key"
LOGS_FILE: Final = "logs"
_SEED_BYTES: Final = 32
_KEY = re.compile(r"anbiao-witness-key-v1 ([^\s+]+) ([0-9a-f]{128})\n")
MOST_EVIDENCE: Final = 1_000
"""Files of evidence that are kept; whoever could add more has the log's own key."""


@dataclass(frozen=True)
class KnownLog:
    """A log that the witness was told of: its own keys, and where its files are read."""

    origin: str
    keys: tuple[VerifierKey, ...]
    url: str | None = None

    @property
    def folder_name(self) -> str:
        """A file name for the log, whatever stands in its origin."""
        return hashlib.sha256(self.origin.encode()).hexdigest()[:32]


class Book:
    """The folder of one witness, open for one process.

    Raises:
        ClientError: `witness-running`, `logs-malformed`.
        VerificationError: the key file is missing, exposed or malformed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signers = read_signers(folder)
        self.logs = read_logs(folder / LOGS_FILE)
        self._lock = _only_one(folder / "lock")
        self._heads = made(folder / "heads")
        self._evidence = made(folder / "evidence")

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def head(self, log: KnownLog) -> str | None:
        """The checkpoint that was cosigned last, with the cosignatures; None before the first."""
        return last_head(self.folder, log)

    def keep_head(self, log: KnownLog, note: str) -> None:
        """Keep the checkpoint before its cosignature is answered.

        Raises:
            OSError: it can't be kept.
        """
        put(self._heads / log.folder_name, note.encode())

    def keep_evidence(self, log: KnownLog, octets: bytes) -> str | None:
        """Keep what shows that a log misbehaved; the file's name, None when there is no room.

        Raises:
            OSError: it can't be kept.
        """
        name = f"{log.folder_name}-{hashlib.sha256(octets).hexdigest()[:16]}.json"
        path = self._evidence / name
        if path.exists():
            return name
        if sum(1 for _ in self._evidence.iterdir()) >= MOST_EVIDENCE:
            return None
        put(path, octets)
        return name


def make_keys(folder: Path, name: str) -> None:
    """Make the witness's keys under its name.

    Raises:
        VerificationError: `key-exists`; `vkey-malformed`: it can't be called so.
        OSError: the folder can't be made.
    """
    seeds = secrets.token_bytes(2 * _SEED_BYTES)
    _signers(name, seeds)
    text = f"anbiao-witness-key-v1 {name} {seeds.hex()}\n"
    secretfile.write(made(folder) / KEY_FILE, text.encode())


def read_signers(folder: Path) -> tuple[NoteSigner, ...]:
    """The witness's signers: Ed25519, then ML-DSA-44.

    Raises:
        VerificationError: `file-missing`, `file-exposed`, `key-malformed`.
    """
    text = secretfile.read(folder / KEY_FILE).decode("utf-8", "replace")
    found = _KEY.fullmatch(text)
    if found is None:
        raise VerificationError("key-malformed")
    return _signers(found[1], bytes.fromhex(found[2]))


def _signers(name: str, seeds: bytes) -> tuple[NoteSigner, ...]:
    ed25519 = Ed25519PrivateKey.from_private_bytes(seeds[:_SEED_BYTES])
    mldsa = MLDSA44PrivateKey.from_seed_bytes(seeds[_SEED_BYTES:])
    return Ed25519Cosigner(name, ed25519), MldsaSigner(name, mldsa)


def trust(folder: Path, keys: Sequence[VerifierKey], url: str | None) -> None:
    """Write a log's own keys down, as received from its operator; they replace no others.

    Raises:
        ClientError: `log-known`: keys of the log stand there; `logs-malformed`.
        OSError: it can't be written.
    """
    path = made(folder) / LOGS_FILE
    known = read_logs(path)
    origins = {key.name for key in keys}
    if len(origins) != 1 or origins & known.keys():
        raise ClientError("log-known", "give all keys of one log that is not known yet, at once")
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = "".join(f"{key}{f' {url}' if url else ''}\n" for key in keys)
    put(path, (old + lines).encode())


def read_logs(path: Path) -> Mapping[str, KnownLog]:
    """The known logs by origin: lines `VKEY [URL]`; `#` begins a comment.

    Raises:
        ClientError: `logs-malformed`.
    """
    known: dict[str, KnownLog] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            key = VerifierKey.parse(words[0])
        except VerificationError as error:
            raise ClientError("logs-malformed", f"line {number} is no verifier key") from error
        if len(words) > 2:  # noqa: PLR2004 - key and address
            raise ClientError("logs-malformed", f"line {number} has more than key and address")
        old = known.get(key.name)
        url = words[1] if len(words) > 1 else None
        keys = (*(old.keys if old else ()), key)
        known[key.name] = KnownLog(key.name, keys, url or (old.url if old else None))
    return known


def last_head(folder: Path, log: KnownLog) -> str | None:
    """The checkpoint of a log that was cosigned last, with the cosignatures."""
    try:
        return (folder / "heads" / log.folder_name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def evidence_of(folder: Path, log: KnownLog) -> list[Path]:
    """The files of evidence against a log."""
    return sorted((folder / "evidence").glob(f"{log.folder_name}-*.json"))


def _only_one(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise ClientError("witness-running", "a witness runs over this folder") from error
    return handle
