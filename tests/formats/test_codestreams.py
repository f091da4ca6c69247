"""Words beside the pixels are found in every form of compressed image."""

import struct

import pytest

from sandbox.formats.codestreams import loose_octets


def item(body):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body


def encapsulated(*fragments, table=b""):
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return b"".join(map(item, (table, *fragments))) + end


def segment(marker, body):
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


JPEG = b"\xff\xd8" + segment(0xDB, bytes(65)) + segment(0xDA, bytes(10)) + b"pixels\xff\xd9"
J2K = b"\xff\x4f" + segment(0x51, bytes(47)) + segment(0x90, bytes(10)) + b"pixels\xff\xd9"


@pytest.mark.parametrize(
    "fragment",
    [
        JPEG[:2] + segment(0xFE, b"Ottilie") + JPEG[2:],
        JPEG[:2] + segment(0xE1, b"Exif\0\0Ottilie") + JPEG[2:],
        JPEG[:2] + b"\xff\x01" + segment(0xED, b"Ottilie") + JPEG[2:],
        J2K[:2] + segment(0x64, b"\0\1Ottilie") + J2K[2:],
        JPEG + b"Ottilie",
        J2K + b"\0Ottilie",
        J2K + b"Ottilie" + bytes(0xFFFE),
        J2K + b"Ottilie" + bytes(0xFFF6),
        J2K + b"Ottilie" + bytes(1 << 18),
    ],
)
def test_words_beside_the_pixels_are_found(fragment):
    assert b"Ottilie" in loose_octets(encapsulated(JPEG, fragment))


def test_words_in_the_offset_table_are_found():
    assert b"Ottilie" in loose_octets(encapsulated(JPEG, table=b"Ottilie!"))


@pytest.mark.parametrize("fragment", [JPEG, J2K, JPEG + b"\0", b"\1\0\0\0" + bytes(60), b""])
def test_a_plain_image_has_no_words(fragment):
    assert loose_octets(encapsulated(fragment)) == b""


@pytest.mark.parametrize(
    "fragment",
    [
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xfe\0\0" * 9,
        b"\xff\xd8\xff\xfe\xff\xff",
        JPEG[:9],
    ],
)
def test_broken_images_never_raise(fragment):
    assert loose_octets(encapsulated(fragment)) is not None
    assert loose_octets(encapsulated(fragment)[:-9]) is not None
