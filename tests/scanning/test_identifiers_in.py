"""The scan that stands before everything that people type and everything that leaves."""

import pytest

from sandbox.scanning import identifiers_in


@pytest.mark.requirement("R47")
@pytest.mark.requirement("R56")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Dr Smith said so", "NAME"),
        ("call 13800138000", "PHONE"),
        ("patient 110101199003077758", "ID_NUMBER"),
        ("seen on 2024-03-01", "DATE"),
        ("患者张三丰再看", "NAME"),
    ],
)
def test_identifiers_are_found_by_kind(text, kind):
    assert kind in identifiers_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "effusion",
        "ground-glass",
        "BI-RADS 4",
        "肺炎",
        "Tell whether a film shows an effusion.",
        "Agreement of two readers above 0.9.",
        "判断胸片是否有积液。",
        "一致率高于0.9，每例不超过3分钟",
        "Training of a triage model.",
        "look again",
    ],
)
def test_words_of_the_trade_pass(text):
    assert identifiers_in(text) == []
