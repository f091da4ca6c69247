"""Every committed vector reaches its verdict; the vectors are what their makers make."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto import (
    canonical,
    checkpoint,
    chunked,
    commitments,
    merkle,
    note,
    sealing,
    signing,
    tiles,
    tlogproof,
)
from crypto.errors import VerificationError

FOLDER = Path(__file__).parents[1] / "vectors"
FILES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "drawn")


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


CASES = [
    pytest.param(name, vector, id=f"{name}: {vector['name']}"[:80])
    for name in FILES
    for vector in load(name)
]


def keys_of(vector):
    return [note.VerifierKey.parse(key) for key in vector["keys"]]


def check_canonical(vector):
    octets = bytes.fromhex(vector["octets"])
    assert canonical.encode(canonical.decode(octets)) == octets


def check_merkle(vector):
    proof = [bytes.fromhex(node) for node in vector["proof"]]
    if vector["kind"] == "inclusion":
        leaf, root = bytes.fromhex(vector["leaf"]), bytes.fromhex(vector["root"])
        merkle.verify_inclusion(vector["index"], vector["size"], leaf, proof, root)
    else:
        roots = bytes.fromhex(vector["old_root"]), bytes.fromhex(vector["new_root"])
        merkle.verify_consistency(vector["old"], vector["new"], *roots, proof)


def check_notes(vector):
    opened = note.open_note(vector["note"], keys_of(vector))
    assert vector["note"].startswith(opened.text + "\n")


def check_checkpoints(vector):
    head = checkpoint.open_checkpoint(vector["note"], keys_of(vector))
    assert vector["note"].startswith(head.text() + "\n")


def check_tiles(vector):
    if vector["kind"] == "path":
        assert tiles.parse_path(vector["path"]).path == vector["path"]
    else:
        octets = bytes.fromhex(vector["octets"])
        assert tiles.encode_bundle(tiles.decode_bundle(octets, vector["width"])) == octets


def check_proofs(vector):
    proof = tlogproof.parse_proof(vector["proof"])
    tlogproof.check_proof(proof, vector["entry"].encode(), keys_of(vector))
    made = tlogproof.format_proof(proof.index, proof.hashes, proof.checkpoint, proof.extra)
    assert made == vector["proof"]


def check_chunked(vector):
    key, context = bytes.fromhex(vector["key"]), bytes.fromhex(vector["context"])
    message = hashlib.shake_256(b"message").digest(vector["size"])
    assert chunked.open_all(key, context, sealed_of(vector, message)) == message


def sealed_of(vector, message):
    """The sealed message, made by our own writer under the vector's salt, then edited."""
    salt = bytes.fromhex(vector["salt"])
    cipher = chunked._Cipher(hashlib.shake_256(b"chunked key").digest(32), salt, b"dataset, object")
    out = bytearray(chunked.ciphertext_size(len(message)))
    out[:56] = salt + cipher.commitment
    whole = len(message) // 16384 * 16384
    at = 56
    if whole:
        at += cipher.seal(0, memoryview(message)[:whole], memoryview(out)[at:])
    cipher.seal(whole // 16384, memoryview(message)[whole:], memoryview(out)[at:])
    assert hashlib.sha256(out).hexdigest() == vector["sealed_sha256"]
    for edit in vector["edits"]:
        out = edited(out, *edit)
    return bytes(out)


def edited(sealed, verb, *arguments):
    chunks = [sealed[56:][at : at + 16400] for at in range(0, len(sealed) - 56, 16400)]
    if verb == "flip":
        sealed[arguments[0]] ^= 1
    elif verb == "cut":
        return sealed[: -arguments[0]]
    elif verb == "add":
        return sealed + bytes(arguments[0])
    elif verb == "swap":
        one, other = arguments
        chunks[one], chunks[other] = chunks[other], chunks[one]
    elif verb == "copy":
        chunks[arguments[1]] = chunks[arguments[0]]
    else:
        del chunks[arguments[0]]
    return sealed if verb == "flip" else sealed[:56] + b"".join(chunks)


def check_sealed(vector):
    private = sealing.SealingPrivateKey(bytes.fromhex(vector["private"]))
    info, header = bytes.fromhex(vector["info"]), bytes.fromhex(vector["header"])
    assert sealing.open_header(private, info, header).hex() == vector["file_key"]


def check_acts(vector):
    public, signature = bytes.fromhex(vector["public"]), bytes.fromhex(vector["signature"])
    act = (vector[word] for word in ("ledger", "action", "objects", "terms", "nonce"))
    signing.verify_act(public, *act, signature)


def check_commitments(vector):
    commitment, salt = bytes.fromhex(vector["commitment"]), bytes.fromhex(vector["salt"])
    commitments.check(commitment, salt, vector["payload"].encode())


CHECKS: dict[str, Callable[[dict], None]] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def verdict(name, vector):
    try:
        CHECKS[name](vector)
    except VerificationError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize(("name", "vector"), CASES)
def test_vector_reaches_its_verdict(name, vector):
    assert verdict(name, vector) == vector["expect"]


@pytest.mark.parametrize("name", FILES)
def test_wrong_vectors_outnumber_right_ones(name):
    right = [vector for vector in load(name) if vector["expect"] == "ok"]

    assert right
    assert len(load(name)) > 2 * len(right)


def test_every_format_has_a_check_and_every_check_has_vectors():
    assert sorted(CHECKS) == FILES


def test_generator_makes_exactly_the_committed_vectors(tmp_path):
    top = FOLDER.parents[1]
    (tmp_path / "out").mkdir()

    subprocess.run(
        [sys.executable, FOLDER / "make_vectors.py", tmp_path / "out"],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(top)},
    )

    for made in (tmp_path / "out").iterdir():
        assert made.read_bytes() == (FOLDER / made.name).read_bytes()
