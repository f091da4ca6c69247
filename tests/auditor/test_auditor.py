"""The Go project's own log code, driven over logs of ours: it says what our verifier says."""

import base64
import hashlib
from pathlib import Path

import pytest
from auditor import Verdict, audit
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_log import SmallLog, seed

SIZES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 1000]
LARGE = 65_536 + 300


def filled(size: int) -> SmallLog:
    """A log of so many entries; what they say is of no matter to the tree."""
    log = SmallLog()
    log.take(b'{"index":%d}' % index for index in range(size))
    return log


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, octets in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    return folder


@pytest.fixture
def keys(tmp_path) -> Path:
    path = tmp_path / "pinned"
    path.write_bytes(SmallLog().keys_file)
    return path


@pytest.fixture(scope="module")
def middling() -> SmallLog:
    return filled(600)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_sound(tmp_path, keys, size):
    log = filled(size)

    said = audit("log", written(tmp_path / "log", log.files()), keys)

    root = base64.b64encode(log.tree.root()).decode()
    assert said == Verdict(0, f"SOUND {size} entries, root {root}")


def test_a_third_level_of_tiles_is_sound(tmp_path, keys):
    log = filled(LARGE)

    assert audit("log", written(tmp_path / "log", log.files()), keys).code == 0


@pytest.mark.requirement("R64")
def test_a_flipped_bit_in_any_file_is_named(tmp_path, keys, middling):
    files = middling.files()
    for name in sorted(set(files) - {"keys"}):
        octets = bytearray(files[name])
        octets[len(octets) // 3] ^= 1 << len(octets) % 8
        folder = written(tmp_path / name.replace("/", "-"), files | {name: bytes(octets)})

        said = audit("log", folder, keys)

        assert said.code == 1, name
        assert said.said.startswith("BROKEN checkpoint" if name == "checkpoint" else "BROKEN "), (
            name
        )


@pytest.mark.requirement("R64")
@pytest.mark.parametrize(
    "lie",
    [
        lambda raw: raw[:-1],
        lambda raw: [*raw, raw[-1]],
        lambda raw: [raw[1], raw[0], *raw[2:]],
        lambda raw: [*raw[:7], b"{}", *raw[8:]],
    ],
    ids=["dropped", "doubled", "swapped", "replaced"],
)
def test_other_entries_under_the_signed_head_are_found(tmp_path, keys, middling, lie):
    other = SmallLog()
    other.take(lie(list(middling.raw)))
    files = other.files() | {"checkpoint": middling.files()["checkpoint"]}

    assert audit("log", written(tmp_path / "log", files), keys).code == 1


def test_a_missing_file_is_named(tmp_path, keys, middling):
    files = middling.files()
    del files["tile/1/000.p/2"]

    said = audit("log", written(tmp_path / "log", files), keys)

    assert said == Verdict(1, "BROKEN tile/1/000.p/2: differs from the entries")


@pytest.mark.parametrize("kept", [0, 1])
def test_each_pinned_key_must_have_signed(tmp_path, keys, middling, kept):
    files = middling.files()
    text, _, lines = files["checkpoint"].decode().partition("\n\n")
    signed = lines.splitlines()[kept]
    folder = written(tmp_path / "log", files | {"checkpoint": f"{text}\n\n{signed}\n".encode()})

    assert audit("log", folder, keys) == Verdict(1, "BROKEN checkpoint: not signed by every key")


def test_a_log_under_a_key_that_is_not_pinned_is_not_believed(tmp_path, keys):
    log = SmallLog(key_name="somebody else's")
    log.take([b"{}"])

    assert audit("log", written(tmp_path / "log", log.files()), keys).code == 1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+00000000+AAAA",
        "name+zz+AQ==",
        "name+0000+AQID",
        "n+12345678+BgEC",
        "n+1+x",
    ],
)
def test_keys_that_are_none_are_refused(tmp_path, middling, line):
    pinned = tmp_path / "pinned"
    pinned.write_text(line + "\n")

    said = audit("log", written(tmp_path / "log", middling.files()), pinned)

    assert said.code == 1
    assert said.said.startswith("BROKEN keys: ")


def test_a_witness_of_another_name_is_checked_too(tmp_path, middling):
    """An Ed25519 cosignature (0x04) as a witness makes it."""
    private = Ed25519PrivateKey.from_private_bytes(seed("witness"))
    kind = bytes([0x04]) + private.public_key().public_bytes_raw()
    identity = hashlib.sha256(b"witness.example\n" + kind).digest()[:4]
    files = middling.files()
    text, _, lines = files["checkpoint"].decode().partition("\n\n")
    head = f"{text}\n"
    at = 1_780_000_000
    signature = private.sign(f"cosignature/v1\ntime {at}\n{head}".encode())
    cosigned = base64.b64encode(identity + at.to_bytes(8) + signature).decode()
    pinned = tmp_path / "pinned"
    vkey = f"witness.example+{identity.hex()}+{base64.b64encode(kind).decode()}"
    pinned.write_bytes(SmallLog().keys_file + f"{vkey}\n".encode())

    def checkpoint(line: str) -> dict[str, bytes]:
        return files | {"checkpoint": f"{head}\n{lines}— witness.example {line}\n".encode()}

    assert audit("log", written(tmp_path / "good", checkpoint(cosigned)), pinned).code == 0
    later = base64.b64encode(identity + (at + 1).to_bytes(8) + signature).decode()
    assert audit("log", written(tmp_path / "late", checkpoint(later)), pinned).code == 1
    assert audit("log", written(tmp_path / "none", files), pinned).code == 1


@pytest.mark.parametrize("size", [1, 2, 256, 599, 600])
def test_a_log_extends_its_older_heads(tmp_path, keys, middling, size):
    older = tmp_path / "older"
    older.write_text(middling.checkpoint(size))
    folder = written(tmp_path / "log", middling.files())

    assert audit("extends", folder, older, keys) == Verdict(0, f"SOUND 600 entries extend {size}")


def test_a_fork_and_a_rollback_are_found(tmp_path, keys, middling):
    fork = SmallLog()
    fork.take([*middling.raw[:300], b"{}", *middling.raw[301:400]])
    older = tmp_path / "older"
    folder = written(tmp_path / "log", middling.files())

    older.write_text(fork.checkpoint())
    assert audit("extends", folder, older, keys).code == 1
    older.write_text(middling.checkpoint())
    rolled_back = written(tmp_path / "back", middling.files(500))
    assert audit("extends", rolled_back, older, keys).code == 1


@pytest.mark.parametrize("index", [0, 1, 255, 256, 598, 599])
def test_a_proof_of_ours_leads_to_the_root(tmp_path, keys, middling, index):
    (tmp_path / "entry").write_bytes(middling.raw[index])
    (tmp_path / "proof").write_text(middling.proof(index))

    said = audit("proof", tmp_path / "entry", tmp_path / "proof", keys)

    assert said == Verdict(0, f"SOUND entry {index} of 600")


@pytest.mark.parametrize(
    "lie",
    [
        lambda proof: proof.replace("index 9\n", "index 8\n"),
        lambda proof: proof.replace("index 9\n", "index 600\n"),
        lambda proof: proof.replace("index 9\n", "index -1\n"),
        lambda proof: proof.replace("index 9\n", ""),
        lambda proof: proof.replace("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        lambda proof: "\n".join(proof.split("\n")[:3] + proof.split("\n")[4:]),
        lambda proof: proof.replace("\n\n", "\n", 1),
        lambda _proof: "",
    ],
)
def test_a_proof_that_is_altered_leads_nowhere(tmp_path, keys, middling, lie):
    (tmp_path / "entry").write_bytes(middling.raw[9])
    (tmp_path / "proof").write_text(lie(middling.proof(9)))

    assert audit("proof", tmp_path / "entry", tmp_path / "proof", keys).code == 1


def test_a_proof_of_another_entry_is_found(tmp_path, keys, middling):
    (tmp_path / "entry").write_bytes(middling.raw[10])
    (tmp_path / "proof").write_text(middling.proof(9))

    assert audit("proof", tmp_path / "entry", tmp_path / "proof", keys).code == 1


@pytest.mark.parametrize(
    "words", [(), ("log",), ("log", "a"), ("other", "a", "b"), ("log", *"abc")]
)
def test_usage_is_told(words):
    assert audit(*words).code == 64
