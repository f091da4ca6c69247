"""`anbiao doctor` on the policy: adopted or not, readable or not, proved by the log or not (R11)."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verifier"))

from small_platform import OTHER, SmallPlatform, admins

from api.cli import doctor
from policies.changes import shipped_policy
from sandbox.provenance.shelf import TableShelf
from sandbox.settings import Mode, load
from sandbox.soundness import Verdict


def told(folder: Path, log: SmallPlatform | None = None, mode: Mode = Mode.DEMO):
    """What doctor says of the policy of a house that published this log."""
    for name, content in (log.files() if log else {}).items():
        path = folder / "log" / "platform" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    settings = load(folder, {}).model_copy(update={"mode": mode})
    checks = (
        "policy",
        "policy-awaited",
        "policy-not-adopted",
        "policy-unreadable",
        "policy-unproved",
    )
    (line,) = [line for line in doctor.examine(settings) if line.check in checks]
    return line.check, line.verdict


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policy").mkdir()
    TableShelf(tmp_path / "policy").put(shipped_policy())
    return tmp_path


def test_a_house_that_is_not_founded_is_told_to_adopt_a_policy_later(folder):
    assert told(folder) == ("policy-awaited", Verdict.WARN)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("mode", "verdict"), [(Mode.DEMO, Verdict.WARN), (Mode.PRODUCTION, Verdict.FAIL)]
)
def test_a_policy_that_was_never_adopted_is_named(folder, mode, verdict):
    assert told(folder, SmallPlatform(), mode) == ("policy-not-adopted", verdict)


def test_an_adopted_policy_that_this_program_can_read_is_sound(folder):
    assert told(folder, admins()) == ("policy", Verdict.OK)


@pytest.mark.requirement("R11")
def test_a_policy_of_which_this_program_makes_another_table_is_named(folder):
    assert told(folder, admins(OTHER)) == ("policy-unreadable", Verdict.FAIL)
    rows = folder / "policy" / f"{OTHER.removeprefix('sha256:')}.rows"
    rows.write_bytes(shipped_policy().document)

    assert told(folder, admins(OTHER)) == ("policy-unreadable", Verdict.FAIL)


@pytest.mark.requirement("R11")
def test_a_log_that_does_not_prove_its_policy_is_named(folder):
    log = admins()
    log.propose("root")
    log.approve("second")

    assert told(folder, log) == ("policy-unproved", Verdict.FAIL)
