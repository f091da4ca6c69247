"""Permits and training records over real HTTP: who may say what, and what comes of it."""

import json
from datetime import timedelta

import pytest
from town import Person, Town

from api.client import permits
from api.client.enrolment import signed_body
from api.client.errors import ClientError
from api.client.http import new_id

FIRM = "firm:one"


def refused(act) -> str:
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value.code


@pytest.fixture
def house(town: Town) -> tuple[Town, Person, str]:
    """A hospital, its steward and its ledger."""
    operator = town.found()
    steward = town.enrolled(operator, "stella")
    return town, steward, town.hospital(operator, steward)


@pytest.fixture
def lead(house) -> Person:
    """A firm's lead, trained by the steward."""
    town, steward, ledger = house
    person = town.enrolled(town.operator, "lena", FIRM)
    town.grant(steward, ledger, person, "project-lead", organisation=FIRM)
    return person


def window(town: Town, *, start: float = 0, days: float = 30) -> permits.Window:
    begins = town.clock() + timedelta(days=start)
    return permits.Window(begins, begins + timedelta(days=days))


def record(town: Town, teller: Person, ledger: str, *people: Person, **span: float):
    accounts = [person.account for person in people]
    return permits.record_training(
        teller.door, teller.keys, ledger, accounts, permits.COURSE, window(town, **span)
    )


def dataset(steward: Person, ledger: str, town: Town) -> str:
    later = (town.clock() + timedelta(days=365)).isoformat()
    body = {
        "title": "Films", "owner": "Radiology", "contract": "C-1", "contract_expires_at": later,
        "ethics_approval": "E-1", "ethics_expires_at": later, "legal_basis": "contract",
        "purpose": "research", "retain_until": later, "category": "general", "grade": 3,
        "recipe": "basic",
    }  # fmt: skip
    return str(steward.door.create(f"/hospitals/{ledger}/datasets", body)["dataset"])


# --- training ----------------------------------------------------------------------------------
@pytest.mark.requirement("R05")
def test_one_act_tells_of_many_people_and_gives_them_their_pseudonyms(house):
    town, steward, ledger = house
    people = [town.enrolled(town.operator, name, FIRM) for name in ("lars", "lotte")]

    record(town, steward, ledger, *people)

    entry = json.loads(town.entries(ledger)[-1])
    assert entry["outcome"]["counts"] == {"people": 2}
    told = list(steward.door.items(f"/hospitals/{ledger}/training"))
    assert [one["course"] for one in told] == [permits.COURSE] * 2
    assert entry["signed"]["terms"]["members"].split(",") == [one["member"] for one in told]
    town.trained |= {(ledger, person.account) for person in people}
    granted = town.grant(steward, ledger, people[0], "labeller", organisation=FIRM)
    assert granted["member"] in {one["member"] for one in told}


@pytest.mark.requirement("R05")
def test_a_role_without_training_is_refused_over_http(house):
    town, steward, ledger = house
    person = town.enrolled(town.operator, "lars", FIRM)
    town.trained.add((ledger, person.account))  # nobody told the house

    assert refused(lambda: town.grant(steward, ledger, person, "labeller")) == "training-missing"
    # A role that never sees what is inside asks for none.
    assert town.grant(steward, ledger, person, "recipient", organisation="recipient:lab")


@pytest.mark.requirement("R05")
def test_a_lead_tells_of_people_of_the_own_firm_only(house, lead):
    town, _, ledger = house
    own = town.enrolled(town.operator, "lars", FIRM)
    other = town.enrolled(town.operator, "olaf", "firm:two")

    assert record(town, lead, ledger, own)
    body = {"account": other.account, "member": new_id()}
    assert refused(lambda: _told_of(town, lead, ledger, body)) == "forbidden"


def _told_of(town: Town, teller: Person, ledger: str, person: dict):
    span = window(town)
    terms = {
        "course": permits.COURSE,
        "members": person["member"],
        "passed_at": span.start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "expires_at": span.end.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    objects = {"training": new_id()}
    signed = signed_body(teller.keys, ledger, "training.record", objects, terms)
    body = {**objects, "people": [person], "terms": terms, **signed}
    return teller.door.create(f"/hospitals/{ledger}/training", body)


@pytest.mark.requirement("R05")
def test_nobody_tells_of_themselves(house, lead):
    town, steward, ledger = house

    assert refused(lambda: record(town, lead, ledger, lead)) == "forbidden"
    assert refused(lambda: record(town, steward, ledger, steward)) == "forbidden"


@pytest.mark.requirement("R05")
@pytest.mark.parametrize(
    ("span", "code"),
    [
        ({"start": 1}, "training-in-future"),
        ({"start": -3, "days": 2}, "training-expired"),
        ({"days": 1096.001}, "training-too-long"),
        ({"start": -1095, "days": 1097}, "training-too-long"),
    ],
)
def test_training_that_nobody_can_have_now_is_refused(house, span, code):
    town, steward, ledger = house
    person = town.enrolled(town.operator, "lars", FIRM)

    assert refused(lambda: record(town, steward, ledger, person, **span)) == code


@pytest.mark.requirement("R05")
def test_training_counts_for_three_years_at_most_and_the_field_is_named(house):
    town, steward, ledger = house
    person = town.enrolled(town.operator, "lars", FIRM)

    with pytest.raises(ClientError) as caught:
        record(town, steward, ledger, person, days=1097)

    assert caught.value.code == "training-too-long"
    assert caught.value.field == "expires_at"
    assert record(town, steward, ledger, person, days=1096)


@pytest.mark.requirement("R05")
def test_a_course_that_no_role_asks_for_is_refused(house):
    town, steward, ledger = house
    person = town.enrolled(town.operator, "lars", FIRM)

    def told():
        permits.record_training(
            steward.door, steward.keys, ledger, [person.account], "juggling", window(town)
        )

    assert refused(told) == "course-unknown"


@pytest.mark.requirement("R05")
def test_a_member_is_a_stranger_from_the_instant_its_training_ends(house):
    town, steward, ledger = house
    person = town.enrolled(town.operator, "lars", FIRM)
    record(town, steward, ledger, person, days=0.005)
    town.trained.add((ledger, person.account))
    town.grant(steward, ledger, person, "labeller", organisation=FIRM)
    assert person.door.get(f"/hospitals/{ledger}/permits")["items"] == []

    town.clock.pass_by(days=0.005)

    assert refused(lambda: person.door.get(f"/hospitals/{ledger}/permits")) == "not-found"


def test_only_those_who_sign_about_people_learn_pseudonyms(house, lead):
    town, steward, ledger = house
    other = town.enrolled(town.operator, "olaf", "firm:two")
    record(town, steward, ledger, other)
    path = f"/hospitals/{ledger}/pseudonyms/{other.account}"

    assert steward.door.get(path)["member"]
    assert refused(lambda: lead.door.get(path)) == "account-unknown"


# --- permits -------------------------------------------------------------------------------------
@pytest.mark.requirement("R13")
def test_a_steward_issues_changes_and_revokes_a_permit(house):
    town, steward, ledger = house
    project, data = new_id(), dataset(steward, ledger, town)
    keys = steward.keys

    permits.issue_permit(steward.door, keys, ledger, data, project, window(town, days=10))
    permits.issue_permit(steward.door, keys, ledger, data, project, window(town, days=20))
    (shown,) = steward.door.items(f"/hospitals/{ledger}/permits")
    assert shown["valid_until"].startswith((town.clock() + timedelta(days=20)).isoformat()[:10])

    permits.revoke_permit(steward.door, keys, ledger, project, "study-over")
    (shown,) = steward.door.items(f"/hospitals/{ledger}/permits")
    assert shown["revoked_at"]
    again = refused(lambda: permits.revoke_permit(steward.door, keys, ledger, project, "again"))
    assert again == "permit-revoked"


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("span", [{"days": 0}, {"days": -1}, {"start": -3, "days": 2}])
def test_an_empty_or_past_window_is_refused(house, span):
    town, steward, ledger = house
    data = dataset(steward, ledger, town)

    def issue():
        asked = window(town, **span)
        permits.issue_permit(steward.door, steward.keys, ledger, data, new_id(), asked)

    assert refused(issue) == "permit-window-empty"


@pytest.mark.requirement("R13")
def test_a_lead_issues_no_permit(house, lead):
    town, steward, ledger = house
    data = dataset(steward, ledger, town)

    def issue():
        permits.issue_permit(lead.door, lead.keys, ledger, data, new_id(), window(town))

    assert refused(issue) == "forbidden"


@pytest.mark.requirement("R13")
def test_a_window_that_was_not_signed_is_refused(house):
    town, steward, ledger = house
    data = dataset(steward, ledger, town)
    objects = {"dataset": data, "project": new_id()}
    body = {**objects, "terms": {"valid_from": "now"}, "nonce": new_id(), "signature": "AAAA"}

    path = f"/hospitals/{ledger}/permits"
    assert refused(lambda: steward.door.create(path, body)) == "expiry-refused"
