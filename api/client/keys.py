"""A person's keys: one folder, readable by its owner alone, that never leaves the machine.

`signing.key` is Ed25519 (what the person signs acts with), `sealing.key` X-Wing (what is sealed to
the person opens with it).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto import sealing, secretfile
from crypto.errors import VerificationError
from crypto.sealing import SealingPrivateKey
from crypto.signing import PersonKey

SIGNING_FILE: Final = "signing.key"
SEALING_FILE: Final = "sealing.key"
_SEALING_LABEL: Final = "anbiao-sealing-key-v1 "
_SEALING = re.compile(_SEALING_LABEL + r"([0-9a-f]{64})\n", re.ASCII)


@dataclass(frozen=True)
class PersonKeys:
    """Both private keys of one person."""

    signing: PersonKey
    sealing: SealingPrivateKey

    @property
    def fingerprint(self) -> str:
        """`sha256:<hex>` of the public signing key, to be compared by voice or on paper."""
        return self.signing.fingerprint


def make_keys(folder: Path) -> PersonKeys:
    """Fresh keys in a folder; existing ones are never replaced.

    Raises:
        VerificationError: `key-exists`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = PersonKeys(PersonKey.generate(), sealing.generate())
    keys.signing.save(folder / SIGNING_FILE)
    text = f"{_SEALING_LABEL}{keys.sealing.private_bytes.hex()}\n"
    secretfile.write(folder / SEALING_FILE, text.encode())
    return keys


def open_keys(folder: Path) -> PersonKeys:
    """The keys in a folder.

    Raises:
        VerificationError: `file-missing`, `file-exposed`, `key-malformed`.
    """
    signing = PersonKey.load(folder / SIGNING_FILE)
    found = _SEALING.fullmatch(secretfile.read(folder / SEALING_FILE).decode("ascii", "replace"))
    if found is None:
        raise VerificationError("key-malformed")
    return PersonKeys(signing, SealingPrivateKey(bytes.fromhex(found[1])))
