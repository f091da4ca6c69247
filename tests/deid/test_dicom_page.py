"""The page on de-identification names every code, with its state and sentence."""

from pathlib import Path

import pytest

from sandbox.deid.dicom import METHOD_CODES
from sandbox.deid.reasons import HELD, QUARANTINED

PAGE = (Path(__file__).parents[2] / "docs" / "de-identification.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("state", "codes"), [("HELD", HELD), ("QUARANTINED", QUARANTINED)])
def test_the_page_lists_every_code(state, codes):
    for code, sentence in codes.items():
        assert f"| `{code}` | {state} | {sentence} |" in PAGE


def test_the_page_names_the_method_codes():
    for code, _ in METHOD_CODES:
        assert code in PAGE
