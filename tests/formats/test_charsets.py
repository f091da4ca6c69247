"""What octets of a DICOM value may stand for, against the standard's own examples."""

import pytest

from sandbox.formats.charsets import codec_of, readings

# PS3.5 annexes H, I, J and K.
EXAMPLES = [
    (
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        ["", "ISO 2022 IR 87"],
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
        ["ISO 2022 IR 13", "ISO 2022 IR 87"],
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    ),
    (
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        ["", "ISO 2022 IR 149"],
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        ["", "ISO 2022 IR 58"],
        "Zhang^XiaoDong=张^小东=",
    ),
    ("Wang^XiaoDong=王^小东=".encode(), ["ISO_IR 192"], "Wang^XiaoDong=王^小东="),
    ("Wang^XiaoDong=王^小东=".encode("gb18030"), ["GB18030"], "Wang^XiaoDong=王^小东="),
    (b"Buc^J\xe9r\xf4me", ["ISO_IR 100"], "Buc^Jérôme"),
    (b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3 ", ["ISO_IR 144"], None),
]


@pytest.mark.parametrize(("value", "terms", "text"), EXAMPLES)
def test_the_standards_examples_are_read(value, terms, text):
    assert text is None or text in readings(value, terms)


@pytest.mark.parametrize("terms", [[], [""], ["ISO_IR 100"], ["ISO_IR 6"], ["no such set"]])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_chinese_is_read_whatever_is_declared(terms, encoding):
    assert "王小东" in readings("王小东".encode(encoding), terms)


def test_ascii_is_read_once():
    assert readings(b"plain", ["ISO_IR 192"]) == {"plain"}


@pytest.mark.parametrize("value", [b"\xff\xfe\xfd", b"\x1b$)Z\xff", b"\x1b", b"\x80" * 9])
def test_what_no_set_allows_is_read_with_marks_and_never_raises(value):
    assert readings(value, ["ISO 2022 IR 87"])


def test_unknown_terms_are_ascii():
    assert codec_of("ISO 2022 IR 100") == "latin_1"
    assert codec_of("whatever") == "ascii"
