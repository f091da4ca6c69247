"""Reading how labellers agree: never by labellers, never before, never of one item."""

import json
from dataclasses import replace

import pytest
from refusals import last_entry, refused
from room_parts import LEDGER, MARKS

from policies.vocabulary import Role
from sandbox.acts import project_domain
from sandbox.errors import Conflict, Forbidden, NotFound
from sandbox.label.agreement import Agreements
from sandbox.label.commands import ReadAgreement
from sandbox.records.labels import Task
from sandbox.records.people import Membership, Pseudonym


class Panel:
    """A project in which two people label every item."""

    def __init__(self, house, items: int, overlap: int = 2) -> None:
        self.house = house
        house.opened(items, project={"overlap": overlap})
        own = project_domain(house.project)
        self.two = house.another(Role.LABELLER, own, "firm:one")
        self.inspector = house.another(Role.INSPECTOR, own, "firm:one")
        self.agreements = Agreements(house.ledgers, house.keys)

    def label(self, who, item: str, name: str) -> None:
        (task,) = [
            row.id for row in self.house.rows(Task, item=item)
            if row.slot == (1 if who is self.house.labeller else 2)
        ]  # fmt: skip
        self.house.open_task(who, task)
        self.house.submit(who, task, value={"classes": [name]})

    def label_all(self, differ: int = 0) -> None:
        """All items by both; in the first `differ` of them they say something else."""
        items = sorted({row.item for row in self.house.rows(Task)})
        for n, item in enumerate(items):
            name = "effusion" if n % 2 else "none"
            other = "none" if n % 2 else "effusion"
            self.label(self.house.labeller, item, name)
            self.label(self.two, item, other if n < differ else name)

    def read(self, who):
        labelled = self.agreements.gather(LEDGER, self.house.project)
        command = ReadAgreement(**self.house.on_project(), items=labelled.counting)
        self.house.perform(who, command)
        return labelled, self.agreements.scores(labelled)


def hand_in_again(house, who, task) -> None:
    """A label over the one that stands there."""
    house.open_task(who, task.id)
    (row,) = house.rows(Task, id=task.id)
    house.submit(who, task.id, version=row.version, value={"classes": ["none"]})


@pytest.fixture
def ten(house) -> Panel:
    panel = Panel(house, items=10)
    panel.label_all(differ=2)
    return panel


@pytest.mark.requirement("R41")
def test_who_leads_inspects_or_owns_reads_the_figures(ten, house):
    for who in (house.lead, ten.inspector, house.steward):
        labelled, figures = ten.read(who)

    assert labelled.counting == 10
    by_name = {score.measure: score for score in figures}
    assert by_name["cohen-kappa"].figure.value == pytest.approx(0.6)
    assert by_name["krippendorff-alpha-nominal"].figure.value == pytest.approx(0.62)
    names = {
        p.pseudonym
        for p in house.rows(Pseudonym)
        if p.id in {house.labeller.account, ten.two.account}
    }
    assert set(by_name["cohen-kappa"].pair) == names


@pytest.mark.requirement("R63")
def test_reading_is_an_act_in_the_log_that_tells_no_figure(ten, house):
    ten.read(house.lead)

    entry = last_entry(house)
    assert entry["action"] == "agreement.read"
    assert entry["outcome"]["counts"] == {"items": 10}
    assert b"0.6" not in house.entries()[-1]


@pytest.mark.requirement("R41")
def test_a_labeller_never_reads_them(ten, house):
    own = project_domain(house.project)
    also_lead = house.another(Role.PROJECT_LEAD, own, "firm:one", key=house.labeller.key)
    house.grant(ten.two, Role.INSPECTOR, own, "firm:one")

    refused(house, Forbidden, "forbidden", lambda: ten.read(house.labeller))
    for who in (also_lead, ten.two):
        refused(house, Forbidden, "forbidden", lambda who=who: ten.read(who))
        assert last_entry(house)["ruling"]["rule"] == "agreement.read/labels-here"


@pytest.mark.requirement("R41")
def test_who_labelled_once_and_left_does_not_read_them_in_a_new_role(ten, house):
    task = min(house.rows(Task), key=lambda row: (row.item, row.slot))
    house.open_review(house.reviewer, task.id)
    house.judge(house.reviewer, task.id, "return", "look again")
    for membership in house.rows(Membership, account=house.labeller.account):
        house.revoke(membership.id)
    third = house.another(Role.LABELLER, project_domain(house.project), "firm:one")
    house.open_task(third, task.id)
    house.change_behind_the_gate(
        *(
            replace(row, labeller=third.account)
            for row in house.rows(Task, labeller=house.labeller.account)
        )
    )
    house.grant(house.labeller, Role.PROJECT_LEAD, project_domain(house.project), "firm:one")

    refused(house, Forbidden, "forbidden", lambda: ten.read(house.labeller))


@pytest.mark.requirement("R41")
def test_who_took_over_what_another_left_does_not_read_them_later(ten, house):
    """Their only label is a second version, and the task is a third person's by then."""
    own = project_domain(house.project)
    task = min(house.rows(Task), key=lambda row: (row.item, row.slot))
    successors = [house.another(Role.LABELLER, own, "firm:one") for _ in range(2)]
    for before, after in zip([house.labeller, successors[0]], successors, strict=True):
        house.open_review(house.reviewer, task.id)
        house.judge(house.reviewer, task.id, "return", "look again")
        for membership in house.rows(Membership, account=before.account):
            house.revoke(membership.id)
        hand_in_again(house, after, task)
    house.grant(successors[0], Role.PROJECT_LEAD, own, "firm:one")

    refused(house, Forbidden, "forbidden", lambda: ten.read(successors[0]))
    assert last_entry(house)["ruling"]["rule"] == "agreement.read/labels-here"


@pytest.mark.requirement("R41")
def test_an_inspector_who_decides_and_labels_does_not_read_them(ten, house):
    own = project_domain(house.project)
    task = min(house.rows(Task), key=lambda row: (row.item, row.slot))
    house.open_review(house.reviewer, task.id)
    house.judge(house.reviewer, task.id, "adjudicate", "they differ")
    house.open_review(ten.inspector, task.id)
    house.judge(ten.inspector, task.id, "decide", "as I see it", {"classes": ["effusion"]})
    other = max(house.rows(Task), key=lambda row: (row.item, row.slot))
    house.open_review(house.reviewer, other.id)
    house.judge(house.reviewer, other.id, "return", "look again")
    for membership in house.rows(Membership, account=ten.two.account):
        house.revoke(membership.id)
    alter = house.another(Role.LABELLER, own, "firm:one", key=ten.inspector.key)
    hand_in_again(house, alter, other)
    for membership in house.rows(Membership, account=alter.account):
        house.revoke(membership.id)
    house.change_behind_the_gate(
        *(replace(row, labeller=None) for row in house.rows(Task, labeller=alter.account))
    )

    refused(house, Forbidden, "forbidden", lambda: ten.read(ten.inspector))


def test_an_inspector_who_decided_an_item_still_reads_them(ten, house):
    task = min(house.rows(Task), key=lambda row: (row.item, row.slot))
    house.open_review(house.reviewer, task.id)
    house.judge(house.reviewer, task.id, "adjudicate", "they differ")
    house.open_review(ten.inspector, task.id)
    house.judge(ten.inspector, task.id, "decide", "as I see it", {"classes": ["effusion"]})

    assert ten.read(ten.inspector)[0].counting == 10


def test_others_of_the_firm_don_t_read_them(ten, house):
    refused(house, Forbidden, "forbidden", lambda: ten.read(house.reviewer))
    refused(house, Forbidden, "forbidden", lambda: ten.read(house.checker))


@pytest.mark.requirement("R16")
def test_who_has_no_part_in_the_project_finds_none(ten, house):
    stranger = house.another(Role.PROJECT_LEAD, project_domain("9" * 32), "firm:two")

    refused(house, NotFound, "not-found", lambda: ten.read(stranger))


@pytest.mark.requirement("R41")
def test_nine_complete_items_are_too_few(house):
    panel = Panel(house, items=10)
    panel.label_all()
    last = max(house.rows(Task), key=lambda row: row.item)
    house.change_behind_the_gate(*[
        row.__class__(**{**row.__dict__, "item": "f" * 32}) for row in [last]
    ])  # fmt: skip

    refused(house, Conflict, "agreement-too-few", lambda: panel.read(house.lead))


@pytest.mark.requirement("R41")
def test_an_item_counts_only_when_all_its_labels_are_in(house):
    panel = Panel(house, items=10)
    items = sorted({row.item for row in house.rows(Task)})
    for item in items:
        panel.label(house.labeller, item, "none")
    refused(house, Conflict, "agreement-too-few", lambda: panel.read(house.lead))
    for item in items[:9]:
        panel.label(panel.two, item, "none")
    refused(house, Conflict, "agreement-too-few", lambda: panel.read(house.lead))

    panel.label(panel.two, items[9], "effusion")

    assert panel.read(house.lead)[0].counting == 10


@pytest.mark.requirement("R41")
def test_one_more_item_changes_no_figure(house):
    panel = Panel(house, items=11)
    items = sorted({row.item for row in house.rows(Task)})
    for n, item in enumerate(items[:10]):
        panel.label(house.labeller, item, "none" if n % 2 else "effusion")
        panel.label(panel.two, item, "none" if n % 3 else "effusion")
    before = panel.read(house.lead)[1]

    panel.label(house.labeller, items[10], "none")
    panel.label(panel.two, items[10], "effusion")

    assert panel.read(house.lead)[1] == before


def test_without_overlap_there_is_nothing_to_compare(house):
    panel = Panel(house, items=1, overlap=1)

    refused(house, Conflict, "agreement-without-overlap", lambda: panel.read(house.lead))


def test_what_was_corrected_after_a_review_is_no_blind_label(ten, house):
    before = ten.read(house.lead)[1]
    task = min(house.rows(Task), key=lambda row: (row.item, row.slot))
    house.open_review(house.reviewer, task.id)
    house.judge(house.reviewer, task.id, "return", "look again")
    house.open_task(house.labeller, task.id)
    house.submit(house.labeller, task.id, 1, {"classes": ["effusion"]})

    assert ten.read(house.lead)[1] == before


def test_labels_of_who_left_still_count(ten, house):
    before = ten.read(house.lead)[1]
    for membership in house.rows(Membership, account=ten.two.account):
        house.revoke(membership.id)

    assert ten.read(house.lead)[1] == before


def test_boxes_and_spans_are_measured_from_what_was_sealed(house):
    house.opened(0, project={"schema": MARKS, "overlap": 2})
    two = house.another(Role.LABELLER, project_domain(house.project), "firm:one")
    for n in range(10):
        house.issue(b"A clear film without any finding.", "text", 0)
        for who, end in ((house.labeller, 7), (two, 7 if n else 9)):
            task = str(house.open_task(who).reply["task"])
            mark = {"id": 1, "type": "mention", "class": "drug", "span": [2, end]}
            house.submit(who, task, value={"labels": [mark]})
    agreements = Agreements(house.ledgers, house.keys)

    figures = agreements.scores(agreements.gather(LEDGER, house.project))

    told = {(s.measure, s.pair is None): s.figure for s in figures if s.label_type == "mention"}
    assert told["span-f1-exact", True].value == pytest.approx(0.9)
    assert told["span-f1-overlap", False].value == 1
    assert {s.figure.reason for s in figures if s.label_type == "lesion"} == {"no-units"}


def test_policy_says_who_reads(house):
    panel = Panel(house, items=1)
    refused(house, Conflict, "agreement-too-few", lambda: panel.read(house.lead))

    assert json.loads(house.entries()[-1])["ruling"]["rule"] == "agreement.read/project-lead"
