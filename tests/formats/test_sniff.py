"""A file is what its bytes are; its name decides nothing that bytes can."""

import struct
import zipfile
from io import BytesIO

import pytest

from sandbox.deid.forms import FileKind
from sandbox.errors import Malformed
from sandbox.formats.encodings import decode_text
from sandbox.formats.sniff import sniff

DICOM = bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00"
BARE_EXPLICIT = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100"
BARE_IMPLICIT = struct.pack("<HHI", 8, 0x0016, 4) + b"1.2\0"
BARE_BIG = b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100"
CHINESE = "患者因咳嗽三天就诊，胸部正位片未见明显异常。"


def zipped(name):
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "<x/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [DICOM, b"MZ" + DICOM[2:], b"II*\0" + DICOM[4:], BARE_EXPLICIT, BARE_IMPLICIT, BARE_BIG],
)
@pytest.mark.parametrize("name", ["a.dcm", "a.txt", "IM0001", "a.csv"])
def test_dicom_is_known_by_its_bytes(data, name):
    assert sniff(data, name) is FileKind.DICOM


@pytest.mark.parametrize(
    "data",
    [
        b"Chest X-ray: no acute finding.\n",
        CHINESE.encode("utf-8"),
        CHINESE.encode("utf-8-sig"),
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-16"),
        b"BMI 23, normal.",
        b"a,b\nc,d\n",
        b"One, two.\nThree; four, five.\nSix.",
        b"[see above] normal",
        b"{} is a set",
    ],
)
def test_text_is_known_in_every_encoding(data):
    assert sniff(data, "report.txt") is FileKind.TEXT
    assert sniff(data, "report.dcm") is FileKind.TEXT


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"id,name,age\n1,Ann,3\n2,Bob,4\n", "x.txt"),
        (b"id\tname\tage\n1\tAnn\t3\n2\tBob\t4\n", "x"),
        ("编号;姓名;年龄\n1;安;3\n2;宝;4\n".encode("gb18030"), "x"),
        (b"a,b\n", "x.csv"),
        (b"free words", "x.TSV"),
        (b"PAR1" + bytes(30) + b"PAR1", "x.parquet"),
        (zipped("xl/workbook.xml"), "x.bin"),
    ],
)
def test_tables_are_known(data, name):
    assert sniff(data, name) is FileKind.TABLE


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(20),
        b"\xff\xd8\xff\xe0" + bytes(20),
        b"II*\0" + bytes(20),
        b"MM\0*" + bytes(20),
        b"GIF89a" + bytes(20),
        b"BM" + bytes(20),
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"\0\0\0\x0cjP  \r\n\x87\n",
    ],
)
def test_images_are_known(data):
    assert sniff(data, "scan.dcm") is FileKind.IMAGE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"%PDF-1.7\n%\xe2\xe3",
        b"%PDF-1.7 plain",
        b"MZ\x90\0\3",
        b"\x7fELF\2\1\1\0",
        b"\x1f\x8b\x08\0",
        zipped("readme.txt"),
        b"<?xml version='1.0'?><a>x</a>",
        b"<!DOCTYPE html><p>x",
        b" \n<html><b>x</b></html>",
        b"{\\rtf1 x}",
        b'{"name": "\\u5f20"}',
        b"[1, 2]\nx",
        b'{"a": 1}\n{"a": 2}\n',
        b"[" * 100_000,
        b"words\x07bell",
        bytes(128) + b"DICX",
    ],
)
def test_the_rest_is_unknown(data):
    assert sniff(data, "x.txt") in {FileKind.UNKNOWN, FileKind.TEXT}
    assert data.startswith(b"[[") or sniff(data, "x.txt") is FileKind.UNKNOWN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize("text", [CHINESE, "plain\r\n\twords\f", CHINESE + " mixed with English"])
def test_text_is_read_in_its_encoding(encoding, text):
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data",
    [
        "Müller, häufig".encode("latin-1"),
        "Grüße aus Köln".encode("cp1252"),
        "診断".encode("shift_jis"),
        b"\xff\xfe\x00",
        b"\xff\xfe\x00\xd8",
        b"words \x80\x81\xff",
        b"nul\0byte",
        b"escape \x1b[31m",
        "c1 \x85 control".encode(),
        b"\xef\xbb\xbf\xff",
        b"delete \x7f",
    ],
)
def test_text_in_no_known_encoding_is_refused(data):
    with pytest.raises(Malformed) as caught:
        decode_text(data)

    assert caught.value.code == "bad-encoding"
    assert "ller" not in str(caught.value)
