"""Rates of the primitives: seals to a key, signatures, trees, canonical JSON, the passphrase."""

import hashlib
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from figures import best_of, record

from crypto import canonical, merkle, note, roots, sealing, signing
from crypto.checkpoint import Checkpoint, sign_checkpoint

LEAVES = 1 << 20
ENTRY = {
    "action": "label.submit", "actor": "ab" * 16, "at": "2026-01-01T00:00:00.000000Z",
    "clock": "system", "domain": "project:" + "cd" * 16, "facts": {"grade": 3, "stage": "LEASED"},
    "granted_by": [4], "index": 17, "ledger": "ef" * 16, "objects": {"task": "01" * 16},
    "organisation": "firm:a", "outcome": {"commitments": {"label": "23" * 32}},
    "prev": "sha256:" + "45" * 32, "refusal": None, "roles": ["labeller"], "v": 1,
}  # fmt: skip


def run() -> None:
    measure_seals()
    measure_signatures()
    measure_trees()
    octets = canonical.encode(ENTRY)
    per_s("canonical_encode_entry", lambda: canonical.encode(ENTRY))
    per_s("canonical_decode_entry", lambda: canonical.decode(octets))
    measure_passphrase()


def per_s(name: str, act: object) -> None:
    record("crypto", name, 1 / best_of(act), "1/s")


def measure_seals() -> None:
    private = sealing.generate()
    file_key = secrets.token_bytes(32)
    header = sealing.seal_header(private.public_bytes, b"info", file_key)
    per_s("hpke_xwing_seal", lambda: sealing.seal_header(private.public_bytes, b"info", file_key))
    per_s("hpke_xwing_open", lambda: sealing.open_header(private, b"info", header))


def measure_signatures() -> None:
    person, message = signing.PersonKey.generate(), secrets.token_bytes(300)
    signature = person.sign(message)
    per_s("ed25519_sign", lambda: person.sign(message))
    per_s("ed25519_verify", lambda: signing.verify(person.public_bytes, message, signature))
    head = Checkpoint("anbiao.localhost/platform", 1, merkle.leaf_hash(b""))
    cosigner = note.MldsaSigner(head.origin, MLDSA44PrivateKey.generate())
    signer = note.Ed25519Signer(head.origin, Ed25519PrivateKey.generate())
    line, now = cosigner.sign(head.text(), 1), datetime.now(UTC)
    per_s("mldsa44_cosign", lambda: cosigner.sign(head.text(), 1))
    per_s("mldsa44_verify", lambda: cosigner.vkey.verify(head.text(), line))
    per_s("checkpoint_sign_both", lambda: sign_checkpoint(head, [signer, cosigner], now))


def measure_trees() -> None:
    leaves = [hashlib.sha256(b"%d" % index).digest() for index in range(LEAVES)]
    seconds = best_of(lambda: merkle.root_of(leaves), rounds=3, round_s=0.1)
    record("crypto", "merkle_root_2_20_leaves", seconds, "s")
    tree = merkle.Tree()
    tree.extend(leaves)
    proof, root = tree.inclusion(777_777), tree.root()
    per_s("merkle_inclusion_2_20", lambda: tree.inclusion(777_777))
    per_s(
        "merkle_verify_2_20",
        lambda: merkle.verify_inclusion(777_777, LEAVES, leaves[777_777], proof, root),
    )
    per_s("merkle_append", lambda: tree.append(leaves[0]))


def measure_passphrase() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "root.key"
        roots.LocalRoot.create(path, b"a passphrase of some length")
        seconds = best_of(lambda: roots.LocalRoot.open(path, b"a passphrase of some length"), 3)
        record("crypto", "root_argon2id_open", seconds * 1e3, "ms")
