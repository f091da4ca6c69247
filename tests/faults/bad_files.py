"""Files that nobody should send, made anew: name, octets, and the codes that may answer them.

`None` among the codes: it can be cleaned, if nothing of what was planted is left.
"""

import random
import struct
import zlib
from collections.abc import Iterator, Mapping

import dicom_maker as make

CANARY = "ZQXJWVK"
"""A name; it is in each file that can hold one, and must be in nothing that comes back."""

Case = tuple[str, bytes, frozenset[str | None]]


def named_ct() -> bytes:
    """A sound file about the canary."""
    return make.ct(
        make.element(0x00100010, "PN", CANARY), make.element(0x00104000, "LT", f"of {CANARY}")
    )


def cases() -> Iterator[Case]:
    """All bad files."""
    sound = named_ct()
    yield from _cut(sound)
    yield from _no_dicom()
    yield from _abused(sound)
    yield from _deep()
    yield from _bombs()
    yield from _lengths(sound)
    yield from _texts()


def _case(name: str, octets: bytes, *codes: str | None) -> Case:
    return name, octets, frozenset(codes)


def _cut(sound: bytes) -> Iterator[Case]:
    for at in (1, 127, 128, 130, 132, 140, 200, len(sound) // 2, len(sound) - 1):
        yield _case(f"cut-{at}.dcm", sound[:at], "truncated", "not-dicom")
    yield _case("empty.dcm", b"", "empty-file")
    yield _case("only-a-preamble.dcm", bytes(128) + b"DICM", "not-dicom")


def _no_dicom() -> Iterator[Case]:
    yield _case("words.dcm", f"plain words of {CANARY}".encode(), "not-dicom")
    yield _case("program.dcm", b"\x7fELF\2\1\1" + CANARY.encode() * 40, "executable")
    yield _case("program.exe", b"MZ\x90\0" + CANARY.encode() * 40, "executable")
    yield _case("script.sh", f"#!/bin/sh\necho {CANARY}\n".encode(), "executable")
    yield _case("archive.zip", b"PK\3\4" + CANARY.encode() * 40, "kind-unsupported")
    yield _case("table.csv", f"id,name\n1,{CANARY}\n".encode(), "kind-unsupported")
    yield _case("picture.png", b"\x89PNG\r\n\x1a\n" + CANARY.encode(), "kind-unsupported")
    yield _case("letter.pdf", b"%PDF-1.7\n" + CANARY.encode(), "kind-unsupported")
    noise = random.Random(7).randbytes(4096)  # noqa: S311 - no secret
    yield _case("noise.bin", noise, "kind-unsupported", "not-dicom")


def _abused(sound: bytes) -> Iterator[Case]:
    for name, magic in {
        "mz": b"MZ",
        "elf": b"\x7fELF",
        "zip": b"PK\3\4",
        "sh": b"#!/bin/sh\n",
    }.items():
        octets = magic.ljust(128, b"\0") + sound[128:]
        yield _case(f"preamble-{name}.dcm", octets, "preamble-executable", "preamble-archive")
    yield _case("tail.dcm", sound + CANARY.encode() * 9, None)
    yield _case("tail-program.dcm", sound + b"\x7fELF" + CANARY.encode(), None)


def _deep() -> Iterator[Case]:
    inner = make.element(0x00080070, "LO", CANARY)
    yield _case("deep-2000.dcm", make.ct(make.nested(2000, inner)), "too-deep")
    body = inner
    for _ in range(2000):
        body = make.open_sequence(0x00081199, body)
    yield _case("deep-open-2000.dcm", make.ct(body), "too-deep")


def _bombs() -> Iterator[Case]:
    for name, fill in {"zeros": b"\0", "letters": b"Z"}.items():
        deflater = zlib.compressobj(9, wbits=-15)
        bomb = deflater.compress(fill * (40 << 20)) + deflater.flush()
        yield _case(f"bomb-{name}.dcm", make.file_of(bomb, syntax=make.DEFLATED), "deflate-bomb")


def _lengths(sound: bytes) -> Iterator[Case]:
    at = sound.index(CANARY.encode()) - 2
    for length in (0xFFFF, 0xFFFE, 0x7FFF, 3):
        octets = sound[:at] + struct.pack("<H", length) + sound[at + 2 :]
        yield _case(f"length-{length}.dcm", octets, None, "truncated", "bad-element")
    odd = make.element(0x00100010, "PN", CANARY)[:-2] + b"X"
    yield _case("odd-length.dcm", make.ct(odd), "bad-element")


def _texts() -> Iterator[Case]:
    name = f"Name: {CANARY} Mirelle\n"
    may = (None, "bad-encoding", "kind-unsupported")
    yield _case("zero-bytes.txt", name.encode() + bytes(64) + name.encode(), *may)
    yield _case("bad-utf8.txt", b"\xff\xfe\xfd" + name.encode() + b"\xc3\x28\xed\xa0\x80", *may)
    yield _case("utf16-odd.txt", name.encode("utf-16") + b"\x41", *may)
    yield _case("utf32.txt", name.encode("utf-32"), *may)
    yield _case("utf7.txt", name.encode("utf-7") + b"+ZeVnLIqe-", *may)
    yield _case("one-long-line.txt", name.replace("\n", " ").encode() * 20_000, *may)
    yield _case("controls.txt", f"{CANARY}\x1b[2J\x07{name}".encode(), *may)
    yield _case("overrides.txt", f"\u202e{name}\u202d\u2066{name}".encode(), *may)


def table() -> Mapping[str, Case]:
    """By file name."""
    return {case[0]: case for case in cases()}
