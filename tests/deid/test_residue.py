"""What the residue scan reports, in text and octets, and what it lets pass."""

import pytest

from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.residue import find_residue
from sandbox.deid.text import clean_text

NOBODY = Register()
REGISTER = Register(
    (
        RegisterRow("S01", "周慕云", "370102196303124510", "1CT1", "13853120417"),
        RegisterRow("S02", "高兴", None, "ZY0088412", None),
        RegisterRow("S03", "Archibald Doe", None, "77654033", "(617) 555-0142"),
    )
)

PLANTED = [
    "周慕云", "周 慕 云", "周^慕云", "Archibald Doe", "DOE^ARCHIBALD", "Doe, Archibald", "1CT1", "zy0088412", "77654033", "138 5312 0417", "617-555-0142",
]  # fmt: skip


@pytest.mark.parametrize("value", PLANTED)
def test_register_value_is_reported_in_text(value):
    assert "REGISTER" in find_residue(f"见 {value} 于", REGISTER)


@pytest.mark.parametrize("codec", ["utf_8", "gb18030", "utf_16_le", "utf_16_be", "utf_16"])
@pytest.mark.parametrize("value", ["周慕云", "Archibald Doe", "77654033"])
def test_register_value_is_reported_in_octets(codec, value):
    assert "REGISTER" in find_residue(f"见 {value} 于".encode(codec), REGISTER)


@pytest.mark.parametrize("codec", ["gb18030", "utf_16_le", "utf_16_be"])
@pytest.mark.parametrize("pad", [0, 1])
def test_register_name_is_reported_in_large_octets_at_any_place(codec, pad):
    data = b"\xff\x00" * 50_000 + b"\xfe" * pad + "周慕云".encode(codec) + b"\xff\x00" * 50_000

    assert find_residue(data, REGISTER) == ["REGISTER"]


PROVEN = [
    ("身份证370102196303124510", "ID_NUMBER"),
    ("370102 19630312 4510", "ID_NUMBER"),
    ("３７０１０２１９６３０３１２４５１０", "ID_NUMBER"),
    ("SSN 219-09-9998", "ID_NUMBER"),
    ("6222021602001234568", "BANK_CARD"),
    ("4539 1488 0343 6467", "BANK_CARD"),
    ("手机13853120417", "PHONE"),
    ("138-5312-0417", "PHONE"),
    ("0538-8265514", "PHONE"),
    ("r.quill@mailbox.example", "EMAIL"),
    ("鲁A·7K2M9 驶离，3人", "PLATE"),
]


@pytest.mark.parametrize(("text", "kind"), PROVEN)
def test_identifier_clear_of_form_is_reported(text, kind):
    if kind == "PLATE":
        text += "，编号1234567"

    assert find_residue(text, NOBODY) == [kind]
    assert find_residue(text.encode(), NOBODY) == [kind]


PASSES = [
    "", "大小约8mm×6mm", "2024-03-17", "20240317093015.000", *(f"2024031709301{n}" for n in range(10)), "1.2.840.10008.5.1.4.1.1.2", "2.25.329800735698586629295641978511506172918",
    "370102196303124511", "6222021602001234567", "138531204170", "1385312041", "12.0.3.4", "0.0000000000013853", "3\\4\\5.25\\-139.53120417",
    "a@b", "x @ 0.4", "Parkinson disease", "情绪尚可，并不高兴谈及病情", "1CT12", "X77654033", "77654033Y",
]  # fmt: skip


@pytest.mark.parametrize("text", PASSES)
def test_what_is_no_identifier_passes(text):
    assert find_residue(text, REGISTER) == []
    assert find_residue(text.encode(), REGISTER) == []


def test_register_name_that_is_a_word_is_reported_only_where_it_is_a_name():
    assert find_residue("患者高兴，女", REGISTER) == ["REGISTER"]
    assert find_residue("每天高兴一点", REGISTER) == []


def test_surrogates_are_not_reported():
    text = "姓名：周慕云，93岁，住址济南市历下区青年东路18号，电话13853120417，2024-03-17，ly@mailbox.example，6222021602001234568"

    cleaned = clean_text(text, Pseudonyms(bytes(32)), REGISTER, "S01").text

    assert cleaned.count("[") >= 7
    assert find_residue(cleaned, REGISTER) == []
    assert find_residue(cleaned.encode(), REGISTER) == []


@pytest.mark.parametrize(
    "data", [b"\x00", b"\xff\xfe", b"\xd8\x00" * 9, bytes(range(256)) * 300, b"\x00" * 70_000]
)
def test_octets_of_no_meaning_pass(data):
    assert find_residue(data, REGISTER) == []


@pytest.mark.parametrize(
    "text", ["[NAME-KQTZBD 13853120417]", "[DATE-KQTZBD 周慕云]", "[DATE-KQTZBD 13853120417]"]
)
def test_nothing_hides_in_what_looks_like_a_surrogate(text):
    assert find_residue(text, REGISTER) != []


def test_moved_date_before_a_time_of_day_makes_no_card():
    for number in range(30):
        text = "MSH|^~\\&|HIS|A|B|C|20240702093015||ADT^A01"

        cleaned = clean_text(text, Pseudonyms(bytes([number]) * 32), NOBODY, None).text

        assert find_residue(cleaned, NOBODY) == []
