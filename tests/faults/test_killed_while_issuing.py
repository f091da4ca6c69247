"""kill -9 of the worker, again and again, while two projects are issued their items."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from siege import Round, Siege, few_films

from api.client.http import new_id
from api.client.labelling import Project
from api.demo import material, scenes
from api.demo.cast import give, role_of

REPORTS = 30
KILLS = 3
PATIENCE_S = 120
FIRM = "firm:qilu-labelling"
DOCUMENTS: Mapping[str, object] = {
    "guideline": {
        "goal": "Tell whether a report speaks of a finding.",
        "format": "One class per report.",
        "method": "Read it.",
        "positive_examples": ["A nodule."],
        "negative_examples": ["Nothing."],
        "quality_index": "Two readers agree.",
    },
    "schema": {"kind": "classification", "classes": ["yes", "no"], "multiple": False},
}


@pytest.fixture
def siege(tmp_path: Path) -> Iterator[Siege]:
    house = Siege(tmp_path / "house", seed=28)
    try:
        house.found()
        yield house
    finally:
        house.end()


def many_reports(folder: Path) -> None:
    few_films(folder)
    for number in range(REPORTS):
        text = f"2024年3月{number % 28 + 1}日复诊，第{number}号报告：未见异常。\n" * 20
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")


def approved(siege: Siege, folder: Path) -> Round:
    many_reports(folder)
    round_ = siege.round()
    scenes.make_dataset(round_)
    scenes.hand_over(round_, material.given(folder))
    scenes.clean(round_)
    scenes.approve(round_)
    return round_


def project_of(round_: Round) -> Project:
    """A project on the round's dataset, of the same lead."""
    lead, own = round_.company["lead"], new_id()
    give(round_.company, role_of(lead, f"project:{own}"))
    project = Project(lead.door, round_.company.ledger, own)
    project.create(round_.dataset, "Findings", FIRM, DOCUMENTS)
    scenes.permit(round_, own)
    return project


def issued(project: Project) -> int:
    return sum(project.status()["tasks"].values())


@pytest.mark.requirement("R28")
def test_each_item_reaches_each_project_once(siege, tmp_path):
    round_ = approved(siege, tmp_path / "reports")
    wanted = sum(item["state"] == "CLEANED" for item in round_.items)
    projects = [project_of(round_), project_of(round_)]
    seen, until = [], time.monotonic() + PATIENCE_S
    while min(map(issued, projects)) < wanted and time.monotonic() < until:
        now = sum(map(issued, projects))
        if siege.tally.kills["worker"] < KILLS and now < 2 * wanted and now not in seen:
            seen.append(now)
            siege.kill("worker")

    tally = siege.judge()

    assert [issued(project) for project in projects] == [wanted, wanted]
    assert wanted > REPORTS
    assert (tally.lost, tally.doubled, tally.forks) == (0, 0, 0)
    assert tally.kills["worker"] >= 2
    assert siege.verdict()[0] == 0
