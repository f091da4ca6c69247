"""The public register: what it shows, and what it never does."""

from dataclasses import fields
from datetime import UTC, datetime
from functools import partial

import pytest

from crypto.canonical import encode
from policies.vocabulary import Category, DatasetState, LegalBasis, Purpose, ReleaseState
from sandbox.acts import PLATFORM
from sandbox.catalogue.register import PublicDataset, PublicProject, Register
from sandbox.deid.forms import Register as Subjects
from sandbox.deid.forms import RegisterRow
from sandbox.deid.residue import find_residue
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Project
from sandbox.records.people import Hospital
from sandbox.records.releases import Release
from sandbox.storage.memory import MemoryLedgers

NOW = datetime(2026, 7, 1, tzinfo=UTC)
LEDGER = "a" * 32
SCAN = partial(find_residue, register=Subjects((RegisterRow("1", name="张三丰"),)))

DATASET = Dataset(
    id="1" * 32,
    title="Chest films",
    owner="Dr Owner",
    contract="C-1",
    contract_expires_at=NOW,
    ethics_approval="E-1",
    ethics_expires_at=NOW,
    legal_basis=LegalBasis.CONTRACT,
    purpose=Purpose.RESEARCH,
    retain_until=NOW,
    category=Category.GENERAL,
    grade=3,
    recipe="basic",
    state=DatasetState.READY,
    created_at=NOW,
)
GUIDELINE = {
    "goal": "Find effusions.",
    "format": "x",
    "method": "x",
    "positive_examples": ["x"],
    "negative_examples": ["x"],
    "quality_index": "x",
}
PROJECT = Project(
    id="2" * 32,
    dataset=DATASET.id,
    title="Effusions",
    firm="firm:one",
    guideline=encode(GUIDELINE),
    guideline_digest="",
    schema=b"",
    schema_digest="",
    lease_s=900,
    created_at=NOW,
)


def release(name: str, state: ReleaseState, reason: str | None = None) -> Release:
    return Release(
        id=name * 32,
        project=PROJECT.id,
        dataset=DATASET.id,
        requester="",
        recipient="",
        context="",
        control_statement="",
        grade=3,
        state=state,
        findings=(),
        package_blob=None,
        package_digest=None,
        statement=None,
        sealed_blob=None,
        passport=None,
        requested_index=0,
        screened_index=None,
        recall_reason=reason,
        requested_at=NOW,
    )


def listed(*rows: object) -> tuple[PublicDataset, ...]:
    ledgers = MemoryLedgers()
    keep(ledgers, PLATFORM, Hospital(LEDGER, "First Hospital", "", NOW))
    keep(ledgers, LEDGER, *rows)
    return Register(ledgers, SCAN).datasets()


def keep(ledgers: MemoryLedgers, ledger: str, *rows: object) -> None:
    with ledgers.create(ledger).unit() as unit:
        for row in rows:
            unit.tables.of(type(row)).insert(row)
        unit.commit()


@pytest.mark.requirement("R81")
def test_the_register_shows_purpose_category_and_releases():
    (found,) = listed(DATASET, PROJECT, release("3", ReleaseState.RELEASED))

    assert (found.hospital, found.purpose, found.category) == (
        "First Hospital",
        "research",
        "general",
    )
    assert found.projects[0].goal == "Find effusions."
    assert [one.state for one in found.projects[0].releases] == ["RELEASED"]


@pytest.mark.requirement("R22")
def test_every_dataset_is_listed():
    other = Dataset(**{**DATASET.__dict__, "id": "0" * 32, "state": DatasetState.DRAFT})

    assert [found.id for found in listed(DATASET, other)] == ["0" * 32, "1" * 32]


def test_a_release_that_did_not_leave_is_not_shown():
    states = [s for s in ReleaseState if s not in {"RELEASED", "RECALLED", "EXPIRED"}]
    rows = [release(f"{n:x}", state) for n, state in enumerate(states)]

    (found,) = listed(DATASET, PROJECT, *rows)

    assert found.projects[0].releases == ()


@pytest.mark.requirement("R81")
@pytest.mark.parametrize(
    ("row", "change"),
    [
        (DATASET, {"title": "Films of 张三丰"}),
        (PROJECT, {"title": "Films of 张三丰"}),
        (PROJECT, {"guideline": encode({**GUIDELINE, "goal": "Find 张三丰."})}),
    ],
)
def test_words_with_an_identifier_are_withheld(row, change):
    changed = type(row)(**{**row.__dict__, **change})
    rows = {type(DATASET): DATASET, type(PROJECT): PROJECT} | {type(row): changed}

    (found,) = listed(*rows.values())

    assert "张三丰" not in str(found)


def test_a_recall_reason_with_an_identifier_is_withheld():
    recalled = release("4", ReleaseState.RECALLED, "张三丰 was in it")

    (found,) = listed(DATASET, PROJECT, recalled)

    assert found.projects[0].releases[0].recall_reason == ""


@pytest.mark.requirement("R81")
def test_the_register_has_no_field_for_people():
    names = {field.name for shape in (PublicDataset, PublicProject) for field in fields(shape)}

    assert not names & {"owner", "contract", "account", "member", "requester", "items", "subjects"}
    assert "Dr Owner" not in str(listed(DATASET))


def test_a_hospital_whose_ledger_is_not_there_yet_is_passed_over():
    ledgers = MemoryLedgers()
    keep(ledgers, PLATFORM, Hospital(LEDGER, "First Hospital", "", NOW))

    assert Register(ledgers, SCAN).datasets() == ()
