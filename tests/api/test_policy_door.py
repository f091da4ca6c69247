"""The policy in force, adopted by name, over real HTTP."""

import json

import pytest
from town import Town

from api.client.errors import ClientError


@pytest.mark.requirement("R11")
def test_adopted_policy_stands_in_the_log(town: Town):
    operator = town.found()
    policy = operator.door.get("/version")["policy"]

    answer = operator.door.create("/policies", {"policy": policy})

    last = json.loads(town.entries()[-1])
    assert answer["policy"] == policy
    assert (last["action"], last["outcome"]["digests"]) == ("policy.adopt", {"policy": policy})


@pytest.mark.requirement("R11")
def test_only_the_table_in_force_can_be_adopted(town: Town):
    operator = town.found()

    with pytest.raises(ClientError) as caught:
        operator.door.create("/policies", {"policy": "sha256:" + "0" * 64})

    assert caught.value.code == "policy-not-in-force"
    assert json.loads(town.entries()[-1])["refusal"] == "policy-not-in-force"


@pytest.mark.requirement("R11")
def test_nobody_else_adopts_a_policy(town: Town):
    operator = town.found()
    person = town.person(operator, "somebody")
    policy = operator.door.get("/version")["policy"]

    with pytest.raises(ClientError) as caught:
        person.door.create("/policies", {"policy": policy})

    assert caught.value.code == "forbidden"
