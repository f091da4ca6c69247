"""The house's side of its witnesses: a round to each of them every so often, in `serve`.

One process of a house asks: a lock in `run/` ends with the process, however it ends, and the next
one takes over. How the witnesses answer stands in `run/witnesses.json`, for `doctor`.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sandbox.errors import Unacceptable
from sandbox.provenance.cosigning import Cosigning
from sandbox.provenance.publishing import Publisher
from sandbox.provenance.witness_wire import WitnessClient
from sandbox.provenance.witnesses import find_policy, keep_policy, read_witness_policy
from sandbox.settings import Settings

STATUS_FILE: Final = "witnesses.json"
_LOCK_FILE: Final = "witnesses.lock"
_EVERY_S: Final = 1.0
_FOLDER_MODE: Final = 0o700


@contextmanager
def cosigning(settings: Settings) -> Iterator[Cosigning | None]:
    """What asks the configured witnesses; None where none are configured.

    Raises:
        Unacceptable: `witness-policy-malformed`, `witness-url-insecure`,
            `witness-certificates-malformed`.
    """
    if settings.witness_policy is None:
        yield None
        return
    policy = read_witness_policy(settings.witness_policy)
    keep_policy(_made(settings.dir / "policy"), policy)
    certificates = settings.witness_policy.with_suffix(".pem")
    try:
        client = WitnessClient(certificates if certificates.exists() else None)
    except OSError as error:
        raise Unacceptable(
            "witness-certificates-malformed", "the file beside the witness policy is no PEM file"
        ) from error
    log = _made(settings.dir / "log")
    try:
        yield Cosigning(log, Publisher(log), policy, client, time.monotonic)
    finally:
        client.close()


def ask_until(settings: Settings, stop: threading.Event) -> None:
    """Ask the witnesses again and again, until stopped; at once back where there are none.

    Raises:
        Unacceptable: as `cosigning`.
    """
    with cosigning(settings) as asking:
        if asking is None:
            return
        run = _made(settings.dir / "run")
        lock = os.open(run / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not stop.wait(_EVERY_S):
                if _is_ours(lock):
                    asking.turn()
                    _tell(run / STATUS_FILE, asking)
        finally:
            os.close(lock)


def is_known(settings: Settings, digest: str) -> bool:
    """Whether the house knows the policy of witnesses of this digest."""
    return find_policy(settings.dir / "policy", digest) is not None


def _is_ours(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tell(path: Path, asking: Cosigning) -> None:
    draft = path.with_suffix(".new")
    text = json.dumps({"policy": asking.policy.digest, "witnesses": asking.standing()})
    draft.write_text(f"{text}\n", encoding="utf-8")
    draft.replace(path)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    return folder
