"""Elements of a read file by their path, as the bytes that stand in it."""

import hashlib
import struct
import zlib

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from corpus.objects import BURNED_ROWS

PIXELS = 0x7FE00010
_PACKED = {"US": "<H", "SS": "<h", "UL": "<I", "SL": "<i", "FD": "<d", "FL": "<f"}
_EXACT = frozenset({*_PACKED, "OB", "OW", "UN"})
_PADDING = b"\x00 "


def at(dataset: Dataset, path: list[int]) -> Dataset | None:
    """The item at the end of a path, or None where there is none."""
    where = dataset
    for tag, number in zip(path[::2], path[1::2], strict=True):
        if tag not in where:
            return None
        items = where[tag].value
        if where[tag].VR != "SQ" or number >= len(items):
            return None
        where = items[number]
    return where


def octets(where: Dataset, tag: int, vr: str) -> bytes:
    """An element's bytes; of text, without padding; of a sequence, nothing."""
    element = where.get_item(tag)
    if vr == "SQ" or element is None or element.value is None:
        return b""
    value = element.value
    if not isinstance(value, bytes):
        value = _packed(element, vr) if isinstance(element, DataElement) else b""
    return value if vr in _EXACT else value.strip(_PADDING)


def _packed(element: DataElement | RawDataElement, vr: str) -> bytes:
    """The bytes of an element that the reader has turned into values."""
    if element.VR == "SQ":
        return b""
    values = element.value if element.VM > 1 else [element.value]
    if vr in _PACKED and element.VR in _PACKED:
        return b"".join(struct.pack(_PACKED[vr], one) for one in values)
    return "\\".join(map(str, values)).encode()


def plain(data: bytes, dataset: Dataset) -> bytes:
    """A file's bytes, and what is deflated in them."""
    if dataset.file_meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return data
    body = 144 + int(dataset.file_meta.FileMetaInformationGroupLength)
    inflated = zlib.decompressobj(-zlib.MAX_WBITS)
    return data + inflated.decompress(data[body:])


def shown(dataset: Dataset) -> bytes:
    """The pixels that an image shows, decoded, whatever lies behind them; empty without any."""
    if PIXELS not in dataset or "Rows" not in dataset:
        return b""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is not None and syntax.is_compressed:
        return dataset.pixel_array.tobytes()
    size = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
    return bytes(dataset.get_item(PIXELS).value)[:size]


def strip(dataset: Dataset) -> bytes:
    """The first rows of an image, as far down as pictures are written on."""
    return shown(dataset)[: dataset.Columns * dataset.SamplesPerPixel * BURNED_ROWS]


def digest(octets: bytes) -> str:
    """A short name for long bytes; empty for none."""
    return hashlib.sha256(octets).hexdigest() if octets else ""
