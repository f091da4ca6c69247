"""Time-stamped checkpoints: files beside the published logs, one per stamp.

`<logs>/.stamps/<ledger>/<size>.json` holds canonical JSON `{v, checkpoint, nonce, token}`: the
exact signed note, the nonce of the request, and the RFC 3161 token over the note's SHA-256. A
published log's own folder holds nothing of it. Whether a stamp holds, `crypto/verifier.py` says.

Source: docs/spec/provenance-log.md, clause 10.
"""

import base64
import re
from pathlib import Path
from typing import Final

from crypto import canonical
from sandbox.errors import Unavailable
from sandbox.layout import rights_in

FOLDER: Final = ".stamps"
_NAME: Final = re.compile(r"(0|[1-9][0-9]{0,18})\.json")


def stamp_of(checkpoint: bytes, nonce: int, token: bytes) -> bytes:
    """The octets of a stamp."""
    record = {
        "v": 1,
        "checkpoint": checkpoint.decode(),
        "nonce": f"{nonce:x}",
        "token": base64.b64encode(token).decode(),
    }
    return canonical.encode(record)


def keep_stamp(log: Path, size: int, stamp: bytes) -> Path:
    """Keep a stamp of the log in folder `log`; whole, or not at all.

    Raises:
        Unavailable: `log-unwritable`.
    """
    folder = log.parent / FOLDER / log.name
    try:
        for each in (folder.parent, folder):
            each.mkdir(mode=rights_in(log.parent), exist_ok=True)
        staging = folder / f".{size}.new"
        staging.write_bytes(stamp)
        return staging.replace(folder / f"{size}.json")
    except OSError as error:
        raise Unavailable("log-unwritable", "the stamp can't be kept") from error


def stamps_beside(log: Path) -> dict[int, bytes]:
    """All stamps of the log in folder `log`, by the size of their checkpoints."""
    folder = log.parent / FOLDER / log.name
    names = (_NAME.fullmatch(path.name) for path in folder.glob("*.json"))
    return {int(name[1]): (folder / name[0]).read_bytes() for name in names if name}
