"""The committed cases reach the verdicts that stand beside them; so should any other verifier's."""

import json
from pathlib import Path

import pytest
from make_cases import LIES, unpacked
from verdicts import BROKEN, CANNOT_TELL, code_of, flipped, on_file, on_log

from crypto import verifier

FOLDER = Path(__file__).parents[1] / "vectors" / "verifier"
PINS = verifier.read_pins([str(FOLDER / "key")])
EDITS = json.loads((FOLDER / "edits.json").read_text("utf-8"))
LOGS = json.loads((FOLDER / "logs.json").read_text("utf-8"))


def told(verdict: tuple[int, str]) -> str:
    if verdict[0] == BROKEN:
        return code_of(verdict)
    return "cannot-tell" if verdict[0] == CANNOT_TELL else "sound"


def edited(octets: bytes, changes) -> bytes:
    for verb, *operands in changes:
        if verb == "flip":
            octets = flipped(octets, *operands)
        else:
            octets = (
                octets[: -operands[0]] if verb == "cut" else octets + bytes.fromhex(operands[0])
            )
    return octets


@pytest.mark.parametrize("case", EDITS, ids=lambda case: case["name"])
def test_an_edited_file_has_its_verdict(case):
    octets = edited((FOLDER / case["file"]).read_bytes(), case["edits"])

    assert told(on_file(octets, PINS)) == case["expect"]


@pytest.mark.parametrize("case", LOGS, ids=lambda case: case["name"])
def test_a_small_log_has_its_verdict(case):
    assert told(on_log(unpacked(case["files"]), PINS)) == case["expect"]


def test_wrong_cases_outnumber_right_ones():
    for cases in (EDITS, LOGS):
        right = [case for case in cases if case["expect"] == "sound"]
        assert 0 < 2 * len(right) < len(cases)
    assert {name for name, _, _ in LIES} <= {case["name"] for case in LOGS}
