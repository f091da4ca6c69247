"""What a regulator and a steward ask of the log at the real door, and check at home."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from firm import Firm

from api.client import evidence
from api.client.errors import ClientError
from crypto import verifier
from crypto.verifier import Scope

PROGRAM = Path(verifier.__file__)
YEAR = ("2020-01-01T00:00:00.000000Z", "2120-01-01T00:00:00.000000Z")


@pytest.fixture
def played(firm: Firm, tmp_path: Path) -> Firm:
    firm.open(tmp_path / "films")
    firm.release()
    return firm


def questions(path: Path, firm: Firm) -> dict[str, dict[str, object]]:
    """The answers of the stand-alone file, with a pinned key and nothing else."""
    key = firm.vkeys()[0]
    command = [sys.executable, "-I", str(PROGRAM), str(path), "--key", key, "--questions", "--json"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, check=False, env={})
    told = json.loads(done.stdout)
    assert done.returncode == 0, told
    return {one["name"]: one for one in told["questions"]}


def pack(firm: Firm, scope: Scope, folder: Path) -> Path:
    out = folder / f"{scope.kind}.zip"
    evidence.export(firm.regulator.door, firm.ward.ledger, scope, out)
    return out


def subject_of(path: Path) -> str:
    """The one subject of a pack, as the log calls it."""
    log = verifier.Members(verifier.read_pack(path.read_bytes()), "log/")
    size = verifier.parse_note(log.read("checkpoint"), "checkpoint").size
    entries = [json.loads(entry) for entry in verifier.read_entries(log, size)]
    (subject,) = {
        e["outcome"]["objects"]["subject"] for e in entries if e["action"] == "item.clean"
    }
    return str(subject)


@pytest.mark.requirement("R70")
@pytest.mark.requirement("R72")
def test_packs_and_reports_at_the_door(played: Firm, tmp_path: Path):
    """One journey, since a hospital takes its time to be founded."""
    whole = pack(played, Scope("dataset", played.ward.dataset), tmp_path)
    subject = subject_of(whole)
    scopes = [
        Scope("project", played.project),
        Scope("subject", subject),
        Scope("period", start=YEAR[0], stop=YEAR[1]),
    ]

    answers = {scope.kind: questions(pack(played, scope, tmp_path), played) for scope in scopes}
    answers["dataset"] = questions(whole, played)
    asked = evidence.who_saw(played.ward.steward.door, played.ward.ledger, subject)

    for kind, found in answers.items():
        assert found["deidentified"]["verdict"] == "yes", kind
        assert found["approved"]["verdict"] == "no", kind
        assert found["left"]["verdict"] == "no", kind
        assert found["privacy-loss"]["verdict"] == "not-recorded", kind
    saw = [(row["what"], row["actor"]) for row in answers["subject"]["who-saw"]["rows"]]
    assert [(one["what"], one["actor"]) for one in asked["looks"]][: len(saw)] == saw
    assert {what for what, _ in saw} >= {"sample", "item", "labels"}
    assert asked["unlinked"] == 0
    assert [one["deposit"] for one in asked["origins"]]
    named = {"summary.html", "summary.pdf", "subject.json", "manifest.json"}
    assert named <= set(verifier.read_pack((tmp_path / "subject.zip").read_bytes()))


@pytest.mark.requirement("R69")
@pytest.mark.requirement("R72")
def test_each_answer_is_an_entry_and_strangers_get_none(played: Firm, tmp_path: Path):
    whole = pack(played, Scope("dataset", played.ward.dataset), tmp_path)
    subject, ledger = subject_of(whole), played.ward.ledger

    told = evidence.who_saw(played.regulator.door, ledger, subject)

    entry = json.loads(told["receipt"]["entry"])
    assert (entry["action"], entry["objects"]) == ("subject.report", {"subject": subject})
    assert entry["outcome"]["counts"]["entries"] == told["entries"]
    for person in (played.labeller, played.lead, played.recipient):
        with pytest.raises(ClientError) as caught:
            evidence.who_saw(person.door, ledger, subject)
        assert caught.value.code == "forbidden"
    with pytest.raises(ClientError) as unknown:
        evidence.who_saw(played.regulator.door, ledger, "0" * 32)
    assert unknown.value.code == "not-found"
    again = evidence.who_saw(played.regulator.door, ledger, subject)
    assert [one["action"] for one in again["looks"]].count("subject.report") == 1
