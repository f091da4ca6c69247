"""The files of a small package, their digests, and the one spelling of a ZIP."""

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence

from small_log import Files

from crypto import canonical

FILES: Files = {
    "labels.jsonl": b'{"classes":["none"]}\n',
    "guideline.json": b'{"goal":"see"}',
    "schema.json": b'{"kind":"classification"}',
    "controls.json": b'{"v":1}',
}


def digest_of(octets: bytes) -> str:
    return "sha256:" + hashlib.sha256(octets).hexdigest()


def package_digest(files: Mapping[str, bytes]) -> str:
    rows = [
        {"name": name, "sha256": hashlib.sha256(files[name]).hexdigest(), "size": len(files[name])}
        for name in sorted(files)
    ]
    return digest_of(canonical.encode({"files": rows}))


def zipped(files: Mapping[str, bytes], names: Sequence[str] | None = None) -> bytes:
    """A ZIP as docs/spec/evidence.md, clause 2, has it."""
    body, directory = b"", b""
    order = sorted(files) if names is None else names
    for name in order:
        data, label = files[name], name.encode()
        fixed = struct.pack(
            "<HHHHHIIIHH", 20, 0x800, 0, 0, 0x21, zlib.crc32(data), len(data), len(data),
            len(label), 0,
        )  # fmt: skip
        directory += (
            b"PK\x01\x02\x14\x00" + fixed + bytes(10) + struct.pack("<I", len(body)) + label
        )
        body += b"PK\x03\x04" + fixed + label + data
    end = struct.pack("<HHHHIIH", 0, 0, len(order), len(order), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end
