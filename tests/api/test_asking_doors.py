"""Doors at which something is asked of the log or of its witnesses: refusals stand in the log."""

import json

import httpx
import pytest
from town import Person, Town

from api.client import permits
from api.client.errors import ClientError
from api.client.http import new_id

FIRM = "firm:one"
UNKNOWN = "sha256:" + "0" * 64


@pytest.fixture
def lead(town, operator, steward, ledger) -> Person:
    person = town.enrolled(operator, "lena", FIRM)
    town.grant(
        steward, ledger, person, "project-lead", organisation=FIRM, domain="project:" + LEADS
    )
    return person


LEADS = new_id()


def refused(act) -> str:
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value.code


def refusals(town: Town, ledger: str, action: str) -> list[str | None]:
    told = [json.loads(entry) for entry in town.entries(ledger)]
    return [entry["refusal"] for entry in told if entry["action"] == action]


def post(town: Town, person: Person, path: str, **body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {person.door.token}", "Idempotency-Key": new_id()}
    return httpx.post(f"{town.url}/v1/hospitals/{path}", headers=headers, json=body)


@pytest.mark.requirement("R74")
def test_nobody_may_be_asked_for_again(town, steward, ledger):
    told = permits.require_witnesses(steward.door, steward.keys, ledger, "none")

    assert told["policy"] == "none"
    assert refusals(town, ledger, "witness.require") == [None]


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (UNKNOWN, "witness-policy-unknown"),
        ("0" * 64, "witness-policy-malformed"),
        ("../../../x", "witness-policy-malformed"),
        ("sha256:" + "A" * 64, "witness-policy-malformed"),
        ("", "witness-policy-malformed"),
    ],
)
def test_a_policy_that_nobody_configured_is_refused_in_the_log(town, steward, ledger, policy, code):
    said = refused(lambda: permits.require_witnesses(steward.door, steward.keys, ledger, policy))

    assert said == code
    assert refusals(town, ledger, "witness.require") == [code]


@pytest.mark.parametrize("policy", [UNKNOWN, "\0", "none", "../x"])
def test_who_is_no_steward_learns_of_no_policy(town, lead, ledger, policy):
    body = {"terms": {"policy": policy}, "nonce": new_id(), "signature": "A" * 86 + "=="}
    answer = post(town, lead, f"{ledger}/witnesses", **body)

    assert answer.status_code in {403, 404, 422}
    assert answer.json()["code"] not in {"witness-policy-unknown", "internal-error"}


@pytest.mark.requirement("R16")
def test_another_firm_s_project_is_unknown_and_the_asking_is_told(town, lead, ledger):
    for project in (new_id(), LEADS):
        post(town, lead, f"{ledger}/projects/{project}/evidence")

    assert refusals(town, ledger, "evidence.export") == ["not-found", "forbidden"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-02T00:00:00", "2026-01-03T00:00:00"),
    ],
)
def test_a_period_that_is_none_is_a_clear_fault(town, steward, ledger, start, end):
    answer = post(town, steward, f"{ledger}/evidence", **{"from": start, "until": end})

    assert answer.status_code == 422
