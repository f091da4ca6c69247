"""Receipts on the client's disk, in the one form that verifiers read."""

from pathlib import Path

from api.client.errors import ClientError
from api.client.http import Json
from crypto import canonical
from crypto.errors import VerificationError


def keep_receipt(folder: Path, name: str, answer: Json) -> Path:
    """Write the receipt in a server's answer to `folder/name.json`.

    Raises:
        ClientError: `answer-malformed`: the answer has none.
    """
    try:
        octets = canonical.encode(answer["receipt"])
    except (KeyError, VerificationError) as error:
        raise ClientError("answer-malformed", "the answer holds no receipt") from error
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_bytes(octets)
    return path
