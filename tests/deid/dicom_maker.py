"""Writes DICOM files of any shape, right and wrong; shares no code with what it tests.

Everything is explicit little endian unless a function says otherwise. All names in here are
made up.
"""

import struct
from itertools import count

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
STUDY, SERIES, INSTANCE = "1.2.3.111.1", "1.2.3.111.2", "1.2.3.111.3"
PIXELS = bytes(range(256)) * 2


def octets(value, vr):
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return struct.pack({"US": "<H", "UL": "<I", "SS": "<h"}[vr], value)
    raw = value.encode("utf-8")
    return raw + (b"\0" if vr == "UI" else b" ") * (len(raw) % 2)


def element(tag, vr, value, big=False):
    order = ">" if big else "<"
    raw = octets(value, vr)
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in LONG:
        return head + struct.pack(order + "HI", 0, len(raw)) + raw
    return head + struct.pack(order + "H", len(raw)) + raw


def implicit(tag, value, vr="LO"):
    raw = octets(value, vr)
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(raw)) + raw


def item(body):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body


def sequence(tag, *bodies):
    return element(tag, "SQ", b"".join(item(body) for body in bodies))


def open_sequence(tag, body):
    """A sequence and an item without lengths."""
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, 0xFFFFFFFF)
    start = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    item_end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    return head + start + body + item_end + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def fragments(*pieces):
    """Encapsulated pixels with an empty offset table."""
    head = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    body = b"".join(item(piece) for piece in (b"", *pieces))
    return head + body + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def ct_elements():
    """A small CT's elements by tag."""
    return {
        0x00080016: element(0x00080016, "UI", CT),
        0x00080018: element(0x00080018, "UI", INSTANCE),
        0x00080020: element(0x00080020, "DA", "20200131"),
        0x00080060: element(0x00080060, "CS", "CT"),
        0x00100010: element(0x00100010, "PN", "Quackenbush^Ottilie"),
        0x00100020: element(0x00100020, "LO", "MRN-0815-77"),
        0x0020000D: element(0x0020000D, "UI", STUDY),
        0x0020000E: element(0x0020000E, "UI", SERIES),
        0x00280002: element(0x00280002, "US", 1),
        0x00280004: element(0x00280004, "CS", "MONOCHROME2"),
        0x00280010: element(0x00280010, "US", 16),
        0x00280011: element(0x00280011, "US", 16),
        0x00280100: element(0x00280100, "US", 16),
        0x00280101: element(0x00280101, "US", 16),
        0x00280102: element(0x00280102, "US", 15),
        0x00280103: element(0x00280103, "US", 0),
        0x7FE00010: element(0x7FE00010, "OW", PIXELS),
    }


def meta(sop_class=CT, syntax=EXPLICIT, instance=INSTANCE, extra=b""):
    body = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", sop_class)
    body += element(0x00020003, "UI", instance) + element(0x00020010, "UI", syntax) + extra
    return element(0x00020000, "UL", len(body)) + body


def file_of(dataset, preamble=bytes(128), **meta_fields):
    return preamble + b"DICM" + meta(**meta_fields) + dataset


def ct(*extra, without=(), **file_fields):
    """A CT with more elements, given encoded, in the order of their tags; later ones win."""
    elements = ct_elements()
    for encoded in extra:
        group, number = struct.unpack_from("<HH", encoded)
        elements[group << 16 | number] = encoded
    body = b"".join(elements[tag] for tag in sorted(elements) if tag not in without)
    return file_of(body, **file_fields)


def nested(depth, body, tag=0x00081199):
    """`body` inside `depth` sequences of lengths that fit."""
    for _ in range(depth):
        body = sequence(tag, body)
    return body


CANARIES = count(1001)


def canary(vr, number):
    """A value of a representation that can be told from every other, and its needle."""
    text = f"ZQXJ{number}"
    if vr == "UI":
        return f"1.2.99.{number}", f"1.2.99.{number}"
    if vr == "DA":
        text = f"{1850 + number % 97}{1 + number % 12:02}{1 + number % 28:02}"
    elif vr == "DT":
        text = f"{1850 + number % 97}{1 + number % 12:02}{1 + number % 28:02}{number % 24:02}4357"
    elif vr == "TM":
        text = f"{number % 24:02}{number % 59:02}57.{number:06}"
    elif vr in {"DS", "IS"}:
        text = f"{number}77003"
    elif vr == "AS":
        text = f"{number % 900 + 100}Y"
    return text, text
