"""Opening a project: guideline, schema, any number per dataset."""

import json

import pytest
from room_parts import GUIDELINE, LEDGER, SCHEMA

from policies.vocabulary import Role
from sandbox.acts import project_domain
from sandbox.errors import Conflict, Forbidden, NotFound, Unacceptable
from sandbox.records.labels import Project


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("name", sorted(GUIDELINE))
@pytest.mark.parametrize("blank", [None, "", " ", [], [" "]])
def test_a_guideline_that_lacks_a_part_is_refused_by_name(house, name, blank):
    dataset = house.dataset()
    given = {key: value for key, value in GUIDELINE.items() if key != name}
    if blank is not None:
        given[name] = blank

    with pytest.raises(Unacceptable) as caught:
        house.create_project(dataset, guideline=given)

    assert (caught.value.code, caught.value.field) == ("guideline-incomplete", name)
    assert json.loads(house.entries()[-1])["refusal"] == "guideline-incomplete"
    assert not house.rows(Project)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"guideline": {**GUIDELINE, "bonus": "x"}}, "guideline-field-unknown"),
        ({"guideline": {**GUIDELINE, "goal": "x" * 4001}}, "guideline-too-long"),
        ({"guideline": {**GUIDELINE, "positive_examples": ["x"] * 51}}, "guideline-too-long"),
        ({"schema": {**SCHEMA, "kind": "boxes"}}, "schema-kind-unknown"),
        ({"schema": {**SCHEMA, "more": 1}}, "schema-field-unknown"),
        ({"schema": {"kind": "classification", "classes": ["a"]}}, "schema-field-missing"),
        ({"schema": {**SCHEMA, "multiple": 1}}, "schema-multiple-wrong"),
        ({"schema": {**SCHEMA, "classes": []}}, "schema-classes-wrong"),
        ({"schema": {**SCHEMA, "classes": "ab"}}, "schema-classes-wrong"),
        ({"schema": {**SCHEMA, "classes": ["a", "a"]}}, "schema-class-repeated"),
        ({"schema": {**SCHEMA, "classes": [" a"]}}, "schema-classes-wrong"),
        ({"schema": {**SCHEMA, "classes": ["a\nb"]}}, "schema-classes-wrong"),
        ({"schema": {**SCHEMA, "classes": ["a\u200bb"]}}, "schema-classes-wrong"),
        ({"schema": {**SCHEMA, "classes": ["x" * 65]}}, "schema-classes-wrong"),
        ({"schema": {**SCHEMA, "classes": [str(n) for n in range(201)]}}, "schema-classes-wrong"),
        ({"title": " "}, "title-wrong"),
        ({"title": "x" * 121}, "title-wrong"),
        ({"title": "films of 张三丰"}, "identifier-found"),
        ({"schema": {**SCHEMA, "classes": ["张三丰"]}}, "identifier-found"),
        ({"guideline": {**GUIDELINE, "goal": "find 13800138000"}}, "identifier-found"),
    ],
)
def test_documents_that_break_a_rule_are_refused(house, changes, code):
    dataset = house.dataset()

    with pytest.raises(Unacceptable) as caught:
        house.create_project(dataset, **changes)

    assert caught.value.code == code
    assert not house.rows(Project)


def test_a_dataset_takes_a_second_project(house):
    dataset = house.dataset()
    house.create_project(dataset)
    own = house.another(Role.PROJECT_LEAD, project_domain("1" * 32), "firm:two")
    draft = house.draft(dataset, project="1" * 32, firm="firm:two")

    house.perform(own, house.desk.create_project(LEDGER, draft, None))

    assert {row.firm for row in house.rows(Project, dataset=dataset)} == {"firm:one", "firm:two"}


def test_a_project_is_not_created_over_another(house):
    dataset = house.dataset()
    house.create_project(dataset)

    with pytest.raises(Conflict):
        house.create_project(dataset, title="Another")

    assert [row.title for row in house.rows(Project)] == ["Effusions"]


def test_a_project_of_no_dataset_is_refused(house):
    with pytest.raises(NotFound):
        house.create_project("9" * 32)


def test_a_labeller_can_not_open_a_project(house):
    dataset = house.dataset()
    command = house.desk.create_project("ab" * 16, house.draft(dataset), None)

    with pytest.raises(Forbidden):
        house.perform(house.labeller, command)
