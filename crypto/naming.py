"""Names of sealed objects that say equal or not, and nothing else, to whoever lacks the key.

- An object's id is an HMAC of what is deposited under its dataset's naming key: the same file
  has the same id whoever seals it, and no guess at a file can be tried against the id.
- The key reaches a depositor sealed to the depositor's own key, and counts only under the
  signature of the worker's identity key: a relay that puts a key of its own in its place could
  try guesses, so it must not be able to.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from crypto import canonical

ID_BYTES: Final = 16
_SEAL_LABEL: Final = b"anbiao-naming-key-v1\n"
_OFFER_LABEL: Final = b"anbiao-naming-offer-v1\n"
_OBJECT_LABEL: Final = b"anbiao-object-name-v1\n"


def seal_info(ledger: str, dataset: str) -> bytes:
    """HPKE `info` of a naming key sealed to a depositor."""
    return _SEAL_LABEL + canonical.encode({"ledger": ledger, "dataset": dataset})


def offer_message(ledger: str, dataset: str, sealing_key: bytes, sealed: bytes) -> bytes:
    """What the worker signs when it offers a naming key to the holder of `sealing_key`."""
    return _OFFER_LABEL + canonical.encode(
        {
            "ledger": ledger,
            "dataset": dataset,
            "sealing_key": b64encode(sealing_key).decode(),
            "sealed": b64encode(sealed).decode(),
        }
    )


def object_id(key: bytes, words: Mapping[str, str | int | None]) -> str:
    """The id of the object that these words describe, 32 hex digits."""
    message = _OBJECT_LABEL + canonical.encode(dict(words))
    return hmac.digest(key, message, hashlib.sha256)[:ID_BYTES].hex()
