"""What the makers of vectors share: fixed keys and bytes, and how bytes are altered."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from crypto import merkle
from crypto.note import ED25519_COSIGNATURE, Ed25519Signer, VerifierKey

HERE = Path(__file__).parent
LEDGER = "5f" * 16
ORIGIN = f"anbiao.localhost/{LEDGER}"
NOW = 1_790_000_000

Vector = dict[str, object]


def fixed(label: str, size: int = 32) -> bytes:
    return hashlib.shake_256(label.encode()).digest(size)


class Drawn:
    """Bytes that no label gives: drawn at random once, then kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def take(self, label: str, draw: Callable[[], bytes]) -> bytes:
        if label not in self.kept:
            self.kept[label] = base64.b64encode(draw()).decode()
        return base64.b64decode(self.kept[label])


DRAWN = Drawn(HERE / "drawn.json")
ED25519_KEY = Ed25519PrivateKey.from_private_bytes(fixed("log ed25519"))
MLDSA_KEY = MLDSA44PrivateKey.from_seed_bytes(fixed("log ml-dsa"))
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(fixed("witness"))
ED25519 = Ed25519Signer(ORIGIN, ED25519_KEY)
MLDSA = VerifierKey(ORIGIN, 6, MLDSA_KEY.public_key().public_bytes_raw())
WITNESS_PUBLIC = WITNESS_KEY.public_key().public_bytes_raw()
WITNESS = VerifierKey("witness.example/w1", ED25519_COSIGNATURE, WITNESS_PUBLIC)
ENTRIES = [b'{"index":%d}' % index for index in range(11)]


def tree_of(entries: list[bytes]) -> merkle.Tree:
    tree = merkle.Tree()
    tree.extend([merkle.leaf_hash(entry) for entry in entries])
    return tree


def flip(octets: bytes, at: int, bit: int = 0) -> bytes:
    changed = bytearray(octets)
    changed[at] ^= 1 << bit
    return bytes(changed)
