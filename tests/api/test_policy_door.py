"""The policy: adopted once, then changed by two people, over real HTTP (R11)."""

import json
from hashlib import sha256

import pytest
from town import Person, Town

from api.client import policy
from api.client.enrolment import register_keys, signed_body
from api.client.errors import ClientError
from api.client.keys import make_keys
from crypto import verifier

# A steward of a hospital may look at agreement already; a privacy officer may not.
ROW = (
    "p, agreement.read/privacy-officer, privacy-officer, hospital, agreement.read, "
    "not-a-labeller, allow, R41"
)
DANGER = "p, item.clean/labeller, labeller, project, item.clean, item-sealed, allow, R25"


def refused(act) -> str:
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value.code


def last(town: Town) -> dict:
    return json.loads(town.entries()[-1])


@pytest.fixture
def admins(town: Town) -> tuple[Person, Person]:
    """The founder and a second policy admin, both with keys, under an adopted policy."""
    root = town.found()
    root.keys = policy_keys(town, root)
    policy.adopt(root.door)
    second = town.enrolled(root, "second", "platform")
    give(root, second, "policy-admin")
    return root, second


def give(operator: Person, holder: Person, role: str):
    told = holder.keys.fingerprint
    return policy.grant_role(operator.door, operator.keys, holder.account, role, told)


def policy_keys(town: Town, person: Person):
    keys = make_keys(town.folder / "parties" / person.name)
    register_keys(person.door, keys)
    return keys


def in_force(town: Town) -> str:
    return town.door.get("/version")["policy"]


@pytest.mark.requirement("R10")
@pytest.mark.requirement("R11")
def test_the_first_adoption_stands_in_the_log_with_its_proof(town: Town):
    operator = town.found()

    answer = policy.adopt(operator.door)

    entry = last(town)
    assert entry["action"] == "policy.adopt"
    assert entry["outcome"]["digests"]["policy"] == answer["table"] == in_force(town)
    assert entry["outcome"]["digests"]["proof"].startswith("sha256:")
    assert entry["outcome"]["codes"] == {"proof": "proved"}
    assert entry["outcome"]["counts"]["paths"] > 100
    assert entry["outcome"]["counts"]["version"] == 1


@pytest.mark.requirement("R11")
def test_a_policy_is_adopted_once(town: Town):
    operator = town.found()
    policy.adopt(operator.door)

    assert refused(lambda: policy.adopt(operator.door)) == "forbidden"
    assert last(town)["refusal"] == "forbidden"


@pytest.mark.requirement("R11")
def test_only_the_table_in_force_can_be_adopted(town: Town):
    operator = town.found()
    other = {"policy": "sha256:" + "0" * 64}

    assert refused(lambda: operator.door.create("/policies", other)) == "policy-not-in-force"
    assert last(town)["refusal"] == "policy-not-in-force"


@pytest.mark.requirement("R11")
def test_nobody_else_adopts_or_proposes_a_policy(town: Town, admins):
    person = town.enrolled(admins[0], "somebody")

    assert refused(lambda: policy.adopt(person.door)) == "forbidden"
    assert refused(lambda: policy.preview(person.door, [ROW], [])) == "forbidden"
    assert refused(lambda: person.door.get("/policies")) == "forbidden"


@pytest.mark.requirement("R11")
def test_a_change_is_in_force_once_a_second_person_approves(town: Town, admins):
    root, second = admins
    before = in_force(town)

    proposed = policy.propose(second.door, second.keys, [ROW], [])
    assert in_force(town) == before
    policy.approve(root.door, root.keys, proposed)

    entry = last(town)
    assert in_force(town) == proposed["table"] != before
    assert (entry["action"], entry["outcome"]["states"]) == (
        "policy.approve",
        {"policy": "APPROVED"},
    )
    assert set(entry["outcome"]["digests"]) == {"policy", "diff", "proof"}
    assert entry["outcome"]["counts"]["version"] == 2
    assert entry["signed"]["terms"] == {"table": proposed["table"]}
    # The approval itself was ruled by the policy before it; what comes next, by the new one.
    assert entry["ruling"]["policy"] == before
    town.enrolled(root, "later")
    assert last(town)["ruling"]["policy"] == proposed["table"]


@pytest.mark.requirement("R11")
def test_the_new_table_is_published_under_its_digest(town: Town, admins):
    root, second = admins
    proposed = policy.propose(second.door, second.keys, [ROW], [])
    policy.approve(root.door, root.keys, proposed)

    name = proposed["table"].removeprefix("sha256:")
    octets = (town.folder / "policy" / f"{name}.json").read_bytes()

    assert sha256(octets).hexdigest() == name
    assert b"agreement.read/privacy-officer" in octets


@pytest.mark.requirement("R11")
def test_a_restarted_house_rules_by_the_approved_policy(town: Town, admins):
    root, second = admins
    proposed = policy.propose(second.door, second.keys, [ROW], [])
    policy.approve(root.door, root.keys, proposed)

    town.restart()

    assert in_force(town) == proposed["table"]


@pytest.mark.requirement("R11")
def test_nobody_approves_their_own_proposal(town: Town, admins):
    root, _ = admins
    proposed = policy.propose(root.door, root.keys, [ROW], [])

    assert refused(lambda: policy.approve(root.door, root.keys, proposed)) == "forbidden"
    assert last(town)["ruling"]["rule"] == "policy.approve/own-proposal"
    assert in_force(town) != proposed["table"]


@pytest.mark.requirement("R11")
def test_whom_the_author_appointed_does_not_approve(town: Town, admins):
    root, second = admins
    proposed = policy.propose(root.door, root.keys, [ROW], [])

    with pytest.raises(ClientError):
        policy.approve(second.door, second.keys, proposed)

    assert last(town)["ruling"]["rule"] == "policy.approve/appointed"
    assert in_force(town) != proposed["table"]


@pytest.mark.requirement("R11")
def test_whom_an_appointee_of_the_author_appointed_does_not_approve(town: Town, admins):
    root, second = admins
    give(root, second, "operator")
    third = town.enrolled(root, "third", "platform")
    give(second, third, "policy-admin")
    by_root = policy.propose(root.door, root.keys, [ROW], [])

    assert refused(lambda: policy.approve(third.door, third.keys, by_root)) == "forbidden"

    assert last(town)["ruling"]["rule"] == "policy.approve/appointed"
    policy.approve(second.door, second.keys, policy.propose(third.door, third.keys, [ROW], []))


@pytest.mark.requirement("R11")
def test_a_rejected_or_approved_proposal_is_decided(town: Town, admins):
    root, second = admins
    proposed = policy.propose(second.door, second.keys, [ROW], [])

    policy.reject(root.door, root.keys, proposed["policy"], "not-needed")

    assert last(town)["outcome"]["states"] == {"policy": "REJECTED"}
    assert refused(lambda: policy.approve(root.door, root.keys, proposed)) == "forbidden"
    assert (
        refused(lambda: policy.reject(root.door, root.keys, proposed["policy"], "again"))
        == "forbidden"
    )


@pytest.mark.requirement("R11")
def test_of_two_changes_of_one_policy_the_second_is_overtaken(admins):
    root, second = admins
    one = policy.propose(second.door, second.keys, [ROW], [])
    two = policy.propose(second.door, second.keys, [], ["task.reopen/reviewer"])

    policy.approve(root.door, root.keys, one)

    states = {p["policy"]: p["state"] for p in root.door.get("/policies")["items"]}
    assert states[two["policy"]] == "OVERTAKEN"
    assert refused(lambda: policy.approve(root.door, root.keys, two)) == "forbidden"


@pytest.mark.requirement("R10")
@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("add", "remove", "code"),
    [
        ([DANGER], [], "floor-reachability"),
        ([], ["@bound/expired"], "floor-contract"),
        ([], ["@permitted/no-permit"], "floor-permit"),
        ([], ["@purposeful/other-purpose"], "floor-purpose"),
        ([], ["policy.approve/own-proposal"], "floor-reachability"),
        ([], ["policy.reject/policy-admin"], "floor-reject-again"),
        ([DANGER.replace("labeller", "nobody")], [], "row-malformed"),
        ([], ["no.such/row"], "row-unknown"),
        ([], [], "change-empty"),
        (["p, x"], [], "row-malformed"),
    ],
)
def test_a_change_below_a_floor_is_refused_by_name(admins, add, remove, code):
    _, second = admins

    assert refused(lambda: policy.propose(second.door, second.keys, add, remove)) == code


def test_the_preview_tells_what_a_change_comes_to(admins):
    seen = policy.preview(admins[0].door, [DANGER], ["task.reopen/reviewer"])

    assert [line[:2] for line in seen["diff"]] == ["- ", "+ "]
    assert "reachability" in seen["floors"]
    assert any("labeller reaches source" in path for path in seen["found"])


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("field", ["base", "diff", "table"])
def test_a_proposal_signed_over_something_else_is_refused(admins, field):
    root, _ = admins
    seen = policy.preview(root.door, [ROW], [])
    terms = {"base": seen["base"], "diff": seen["diff_digest"], "table": seen["table"]}
    terms[field] = "sha256:" + "0" * 64
    objects = {"policy": "a" * 32}
    signed = signed_body(root.keys, "platform", "policy.propose", objects, terms)
    body = {**objects, "add": [ROW], "remove": [], "terms": terms, **signed}

    assert refused(lambda: root.door.create("/policies/proposals", body)) == "terms-differ"


@pytest.mark.requirement("R11")
def test_an_unsigned_or_foreign_signature_changes_nothing(town: Town, admins):
    root, second = admins
    proposed = policy.propose(second.door, second.keys, [ROW], [])

    assert refused(lambda: policy.approve(root.door, second.keys, proposed)) == "signature-invalid"
    assert in_force(town) != proposed["table"]


@pytest.mark.requirement("R12")
def test_the_platforms_log_proves_roles_and_keys_offline(town: Town, admins):
    root, second = admins
    policy.approve(root.door, root.keys, policy.propose(second.door, second.keys, [ROW], []))
    keys = (town.folder / "log" / "platform" / "keys").read_text().splitlines()

    verdict = verifier.verify(str(town.folder / "log" / "platform"), verifier.read_pins(keys))

    assert verdict.startswith("log of ledger platform")
    enrolled = [e for e in map(json.loads, town.entries()) if e["action"] == "account.enrol-key"]
    digest = sha256(second.keys.signing.public_bytes).hexdigest()
    assert enrolled[1]["outcome"]["digests"]["signing_key"] == f"sha256:{digest}"


# --- the platform's roles -----------------------------------------------------------------------------
@pytest.mark.requirement("R11")
def test_a_second_policy_admin_is_granted_and_revoked_over_http(town: Town, admins):
    root, second = admins
    assert second.door.get("/me")["platform_roles"] == ["policy-admin"]

    granted = give(root, second, "operator")
    root.door.delete(f"/platform/members/{granted['membership']}", {})

    assert second.door.get("/me")["platform_roles"] == ["policy-admin"]
    assert last(town)["action"] == "member.revoke"


@pytest.mark.requirement("R10")
def test_nobody_with_a_data_role_gets_a_platform_role(town: Town, admins):
    root, _ = admins
    steward = town.enrolled(root, "stella")
    town.hospital(root, steward)

    assert refused(lambda: give(root, steward, "operator")) == "forbidden"
    assert last(town)["ruling"]["rule"] == "member.grant/conflicting-on-platform"


def test_only_the_operator_grants_platform_roles_and_no_other_roles(town: Town, admins):
    root, second = admins
    person = town.enrolled(root, "somebody", "platform")

    assert refused(lambda: give(second, person, "operator")) == "account-unknown"
    assert refused(lambda: give(root, person, "labeller")) == "forbidden"
    assert refused(lambda: give(root, root, "operator")) == "forbidden"
