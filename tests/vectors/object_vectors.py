"""Vectors of single objects: canonical JSON, sealed objects, acts, commitments."""

import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from vector_parts import DRAWN, ED25519, LEDGER, Vector, fixed, flip

from crypto import sealing


def canonical_vectors() -> list[Vector]:
    right = [
        b"null", b"true", b"0", b"-1", b"9007199254740991", b"-9007199254740991", b'""', b"[]",
        b"{}", b"1.5", b"1e+21", b"1e-7", b"0.000001", b"5e-324", b"1.7976931348623157e+308",
        b'{"a":[1,{"b":null}],"c":"d"}', '["安标"]'.encode(), b'"\\b\\t\\n\\f\\r\\"\\\\/\\u001f\x7f"',
        '{"\r":1,"1":2,"\x80":3,"ö":4,"€":5,"😀":6,"\ufb33":7}'.replace("\r", "\\r").encode(),
        b"[" * 64 + b"]" * 64,
    ]  # fmt: skip
    wrong = [
        b"", b" ", b"nul", b" null", b"null ", b"null\n", b"\xef\xbb\xbfnull", b"01", b"-0", b"+1",
        b"1.0", b"1.50", b"1E5", b"1e5", b"100e-2", b"1e21", b"0.0000001", b"-0.0", b"1e400", b"NaN",
        b"Infinity", b"-Infinity", b"9007199254740992", b"-9007199254740992",
        b"100000000000000000000", b"9" * 5000, b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1,"\\u0061":1}',
        b'{"a": 1}', b'{"a":1,}', b"[1,]", b"[1 ,2]", b"{'a':1}", b"{a:1}", b'"\\u0041"', b'"\\/"',
        b'"\\u000a"', b'"\\u001F"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\x41"', b'"\n"', b'"\xff"',
        b'"\xed\xa0\x80"', b'"open', b"[1", b"1 2", b"//x\n1", '{"\ufb33":7,"😀":6}'.encode(),
        b"[" * 65 + b"]" * 65, b"[" * 5_000,
    ]  # fmt: skip
    cases = [(octets, "ok") for octets in right] + [(octets, "not-canonical") for octets in wrong]
    return [
        {"name": f"{expect} {at}", "octets": octets.hex(), "expect": expect}
        for at, (octets, expect) in enumerate(cases)
    ]


def cobblestone(key: bytes, context: bytes, message: bytes, salt: bytes) -> bytes:
    """The chunked format straight from its specification."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    made = HKDFExpand(SHA512(), 76, info).derive(key)
    aead, base = AESGCM(made[:32]), int.from_bytes(made[32:44], "big")
    chunks = [message[at : at + 16384] for at in range(0, len(message) + 1, 16384)]
    body = [aead.encrypt((base ^ n).to_bytes(12, "big"), c, b"") for n, c in enumerate(chunks)]
    return salt + made[44:] + b"".join(body)


def chunked_vectors() -> list[Vector]:
    """`edits` are applied in turn to the sealed bytes of `size` bytes of SHAKE-256("message")."""
    key, context = fixed("chunked key").hex(), b"dataset, object".hex()
    base = {"key": key, "context": context, "salt": fixed("chunked salt", 24).hex(), "edits": []}
    altered, lost, misplaced = "chunk-altered", "length-invalid", "context-mismatch"
    cases: list[tuple[str, int, dict[str, object], str]] = [
        *((f"{size} bytes", size, {}, "ok") for size in (0, 1, 16383, 16384, 16385, 40000)),
        ("another key", 100, {"key": fixed("other").hex()}, misplaced),
        ("another context", 100, {"context": b"dataset, objecu".hex()}, misplaced),
        ("empty context", 100, {"context": ""}, misplaced),
        ("short key", 100, {"key": key[:32]}, "key-malformed"),
        ("salt altered", 100, {"edits": [["flip", 0]]}, misplaced),
        ("commitment altered", 100, {"edits": [["flip", 55]]}, misplaced),
        ("first chunk altered", 40000, {"edits": [["flip", 56]]}, altered),
        ("first tag altered", 40000, {"edits": [["flip", 56 + 16399]]}, altered),
        ("last byte altered", 40000, {"edits": [["flip", -1]]}, altered),
        ("chunks swapped", 40000, {"edits": [["swap", 0, 1]]}, altered),
        ("chunk repeated", 40000, {"edits": [["copy", 0, 1]]}, altered),
        ("chunk taken out", 40000, {"edits": [["drop", 1]]}, altered),
        ("last chunk cut off", 40000, {"edits": [["cut", 40000 - 32768 + 16]]}, lost),
        ("last byte cut off", 40000, {"edits": [["cut", 1]]}, altered),
        ("one byte more", 40000, {"edits": [["add", 1]]}, altered),
        ("empty last chunk cut off", 16384, {"edits": [["cut", 16]]}, lost),
        ("half a tag", 16384, {"edits": [["cut", 8]]}, lost),
        ("only salt and commitment", 0, {"edits": [["cut", 16]]}, lost),
        ("half a header", 0, {"edits": [["cut", 44]]}, lost),
        ("nothing", 0, {"edits": [["cut", 72]]}, lost),
    ]
    made = []
    for name, size, changed, expect in cases:
        sealed = cobblestone(
            fixed("chunked key"),
            b"dataset, object",
            fixed("message", size),
            fixed("chunked salt", 24),
        )
        digest = hashlib.sha256(sealed).hexdigest()
        made.append(
            {
                "name": name,
                "size": size,
                **base,
                **changed,
                "sealed_sha256": digest,
                "expect": expect,
            }
        )
    return made


def sealed_vectors() -> list[Vector]:
    private = sealing.SealingPrivateKey(fixed("intake"))
    info = sealing.object_info("11" * 16, "22" * 16, "33" * 16)
    moved = sealing.object_info("11" * 16, "44" * 16, "33" * 16)
    file_key = fixed("file key")
    header = DRAWN.take("header", lambda: sealing.seal_header(private.public_bytes, info, file_key))
    base: Vector = {"private": fixed("intake").hex(), "info": info.hex(), "header": header.hex()}
    cases: list[tuple[str, Vector]] = [
        ("another private key", {"private": fixed("other").hex()}),
        ("another deposit", {"info": moved.hex()}),
        ("no info", {"info": ""}),
        ("another magic", {"header": flip(header, 0).hex()}),
        ("another version", {"header": flip(header, 4).hex()}),
        ("another suite", {"header": flip(header, 5).hex()}),
        ("lattice part altered", {"header": flip(header, 6).hex()}),
        ("curve part altered", {"header": flip(header, 6 + 1088).hex()}),
        ("sealed key altered", {"header": flip(header, 6 + 1120).hex()}),
        ("tag altered", {"header": flip(header, -1).hex()}),
        ("cut", {"header": header[:-1].hex()}),
        ("extended", {"header": (header + b"\0").hex()}),
        ("empty", {"header": ""}),
    ]
    right: Vector = {"name": "a header", **base, "file_key": file_key.hex(), "expect": "ok"}
    return [right, *({"name": n, **base, **c, "expect": "seal-altered"} for n, c in cases)]


def act_vectors() -> list[Vector]:
    act: dict[str, object] = {"action": "release.vote", "ledger": LEDGER, "nonce": "ab" * 16,
                              "objects": {"release": "cd" * 16}, "terms": {"verdict": "approve", "安": "标"}}  # fmt: skip
    text = json.dumps(act, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    person = Ed25519PrivateKey.from_private_bytes(fixed("person"))
    signature = person.sign(b"anbiao-act-v1\n" + text.encode())
    unlabelled = person.sign(text.encode())
    base = {
        **act,
        "public": person.public_key().public_bytes_raw().hex(),
        "signature": signature.hex(),
    }
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(signature[32:], "little") + order
    second = signature[:32] + scalar.to_bytes(32, "little")
    invalid, odd, no_key = "signature-invalid", "act-malformed", "key-malformed"
    cases: list[tuple[str, dict[str, object], str]] = [
        ("a vote", {}, "ok"),
        ("another verdict", {"terms": {"verdict": "reject", "安": "标"}}, invalid),
        ("a term less", {"terms": {"verdict": "approve"}}, invalid),
        ("another release", {"objects": {"release": "ce" * 16}}, invalid),
        ("another ledger", {"ledger": "5e" * 16}, invalid),
        ("another action", {"action": "release.recall"}, invalid),
        ("another nonce", {"nonce": "ac" * 16}, invalid),
        ("another key", {"public": ED25519.vkey.public.hex()}, invalid),
        ("signature altered", {"signature": flip(signature, 1).hex()}, invalid),
        ("second form of the scalar", {"signature": second.hex()}, invalid),
        ("signature cut", {"signature": signature[:-1].hex()}, invalid),
        ("no signature", {"signature": ""}, invalid),
        ("signature without the label", {"signature": unlabelled.hex()}, invalid),
        ("nonce with capitals", {"nonce": "AB" * 16}, odd),
        ("short nonce", {"nonce": "ab" * 15}, odd),
        ("a number among the terms", {"terms": {"verdict": 1}}, odd),
        ("key of small order", {"public": "01" + "00" * 31}, no_key),
        ("key of order 8", {"public": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"}, no_key),
        ("key out of range", {"public": "ee" + "ff" * 30 + "7f"}, no_key),
        ("short key", {"public": "00" * 31}, no_key),
    ]  # fmt: skip
    return [{"name": n, **base, **c, "expect": e} for n, c, e in cases]


def commitment_vectors() -> list[Vector]:
    salt, payload = fixed("salt"), b'{"label":"nodule"}'
    made = hmac.new(salt, payload, hashlib.sha256).hexdigest()
    base = {"salt": salt.hex(), "payload": payload.decode(), "commitment": made}
    ended = hmac.new(salt[:31] + b"\0", payload, hashlib.sha256).hexdigest()
    cases: list[tuple[str, dict[str, object]]] = [
        ("another payload", {"payload": '{"label":"nodulf"}'}),
        ("empty payload", {"payload": ""}),
        ("another salt", {"salt": fixed("other").hex()}),
        ("another commitment", {"commitment": fixed("other").hex()}),
        ("half a commitment", {"commitment": made[:32]}),
        ("no commitment", {"commitment": ""}),
        ("salt that HMAC would pad", {"salt": salt[:31].hex(), "commitment": ended}),
        ("no salt", {"salt": ""}),
    ]
    wrong = [{"name": n, **base, **c, "expect": "commitment-mismatch"} for n, c in cases]
    return [{"name": "a label", **base, "expect": "ok"}, *wrong]
