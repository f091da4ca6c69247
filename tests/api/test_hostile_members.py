"""People with an account who mean harm: to the log, to those who verify it, and to the door."""

import json

import httpx
import pytest
from town import Town

from api.client import enrolment
from api.client.errors import ClientError
from crypto import verifier

PROJECT = "project:" + "a" * 32
ID_NUMBER = "Zhang-San-330106196012121234"


@pytest.fixture
def labeller(town, operator, steward, ledger):
    lea = town.enrolled(operator, "lea", "firm")
    lea.membership = town.grant(
        steward, ledger, lea, "labeller", organisation="firm", domain=PROJECT
    )["membership"]
    return lea


def verdict(town, ledger) -> tuple[int, str]:
    folder = town.folder / "log" / ledger
    keys = verifier.parse_keys_file((folder / "keys").read_bytes(), None, "keys")
    return verifier.judged(lambda: verifier.verify(str(folder), verifier.Pins(keys)))


def revoke(person, ledger, membership, terms):
    objects = {"membership": membership}
    signed = enrolment.signed_body(person.keys, ledger, "member.revoke", objects, terms)
    body = {"terms": terms, **signed}
    return person.door.delete(f"/hospitals/{ledger}/members/{membership}", body)


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"reason": "left", "note": "x"}, "signature-of-other-terms"),
        ({}, "signature-of-other-terms"),
        ({"why": "left"}, "signature-of-other-terms"),
        ({"reason": ID_NUMBER}, "reason-missing"),
        ({"reason": ""}, "reason-missing"),
        ({"reason": "a" * 33}, "reason-missing"),
        ({"reason": "he-told-me-about-his-illness"}, "reason-missing"),
    ],
)
def test_signer_cannot_spoil_the_log_for_those_who_verify_it(
    town, steward, ledger, labeller, terms, code
):
    with pytest.raises(ClientError) as caught:
        revoke(steward, ledger, labeller.membership, terms)

    assert caught.value.code == code
    assert verdict(town, ledger)[0] == verifier.SOUND
    assert not any(ID_NUMBER.encode() in entry for entry in town.entries(ledger))


@pytest.mark.requirement("R63")
def test_log_stays_sound_when_the_first_steward_leaves(town, operator, steward, ledger):
    second = town.enrolled(operator, "second")
    town.grant(steward, ledger, second, "steward")
    founding = steward.door.get("/me")["hospitals"][0]["roles"][0]["membership"]

    enrolment.revoke(second.door, second.keys, ledger, founding, "left")

    assert verdict(town, ledger)[0] == verifier.SOUND


@pytest.mark.requirement("R66")
def test_refused_request_puts_no_words_of_a_member_into_the_log(town, ledger, labeller):
    with pytest.raises(ClientError) as caught:
        revoke(labeller, ledger, ID_NUMBER, {"reason": "left"})

    assert caught.value.code == "field-refused"
    assert ID_NUMBER not in str(caught.value)
    assert not any(ID_NUMBER.encode() in entry for entry in town.entries(ledger))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}])
def test_who_has_no_session_is_slowed_down_and_keeps_nobody_out(tmp_path, headers):
    town = Town(tmp_path, requests_per_s=1, request_burst=10)
    try:
        operator = town.found()
        with httpx.Client(base_url=town.url) as stranger:
            answers = [stranger.get("/v1/me", headers=headers).status_code for _ in range(12)]

        assert (answers[0], answers[-1]) == (401, 429)
        assert operator.door.get("/me")["name"] == "root"
    finally:
        town.close()


@pytest.mark.requirement("R70")
def test_export_is_ruled_on_each_time_it_is_asked_for(town, operator, steward, ledger):
    """A request key used while one was steward opens nothing afterwards."""
    dataset = steward.door.create(f"/hospitals/{ledger}/datasets", DATASET)["dataset"]
    rex = town.enrolled(operator, "rex")
    held = town.grant(steward, ledger, rex, "steward")
    town.grant(steward, ledger, rex, "depositor")
    path = f"{town.url}/v1/hospitals/{ledger}/datasets/{dataset}/evidence"
    headers = {"Authorization": f"Bearer {rex.door.token}", "Idempotency-Key": "one-and-the-same"}

    before = httpx.post(path, headers=headers)
    twice = httpx.post(path, headers=headers)
    enrolment.revoke(steward.door, steward.keys, ledger, held["membership"], "left")
    after = httpx.post(path, headers=headers)

    assert [before.status_code, twice.status_code, after.status_code] == [200, 200, 403]
    told = [json.loads(entry) for entry in town.entries(ledger)]
    exports = [entry["refusal"] for entry in told if entry["action"] == "evidence.export"]
    assert exports == [None, None, "forbidden"]


DATASET = {
    "title": "CT chest",
    "owner": "radiology",
    "contract": "c-1",
    "contract_expires_at": "2027-01-01T00:00:00Z",
    "ethics_approval": "e-1",
    "ethics_expires_at": "2027-01-01T00:00:00Z",
    "legal_basis": "public-interest",
    "purpose": "research",
    "retain_until": "2027-01-01T00:00:00Z",
    "category": "general",
    "grade": 3,
    "recipe": "basic",
}
