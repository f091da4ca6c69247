"""Keys, hospitals, members and the published logs, over real HTTP."""

import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from api.client import enrolment
from api.client.errors import ClientError
from api.client.http import new_id
from api.client.keys import make_keys, open_keys
from crypto.errors import VerificationError
from sandbox.acts import Actor
from sandbox.errors import Forbidden
from sandbox.people.commands import ReadLog

STRANGE = "0" * 32


def refused(call, *arguments, **named) -> str:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.code


def grant_by(steward, ledger, holder, **changes):
    """A grant whose request is altered after it was signed."""
    keys = steward.keys
    card = steward.door.get(f"/accounts/{holder.account}")
    terms = {
        "role": "depositor",
        "domain": "hospital",
        "organisation": "hospital",
        "signing_key": card["signing_key"] or "",
        "sealing_key": card["sealing_key"] or "",
        "expires_at": "",
        **changes.pop("terms", {}),
    }
    objects = {"member": new_id(), "membership": new_id()}
    signed = enrolment.signed_body(keys, ledger, "member.grant", objects, terms)
    body = {"account": holder.account, **objects, "terms": terms, **signed, **changes}
    return steward.door.create(f"/hospitals/{ledger}/members", body)


def test_enrolled_keys_show_with_their_fingerprint(steward):
    me = steward.door.get("/me")

    assert me["fingerprint"] == steward.keys.fingerprint
    assert base64.b64decode(me["sealing_key"]) == steward.keys.sealing.public_bytes


@pytest.mark.requirement("R02")
def test_account_has_one_pair_of_keys_for_life(town, operator, steward):
    other = make_keys(town.folder / "other")

    assert refused(enrolment.register_keys, steward.door, other) == "key-enrolled"
    assert refused(enrolment.register_keys, operator.door, steward.keys) == "key-taken"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signing_key": "AAAA"}, "key-malformed"),
        ({"sealing_key": "AAAA"}, "key-malformed"),
        ({"proof": "AAAA"}, "proof-invalid"),
        ({"sealing_key": None}, "proof-invalid"),
        ({"signing_key": "not base64!"}, "base64-malformed"),
        ({"signing_key": base64.b64encode(bytes(32)).decode()}, "key-malformed"),
    ],
)
def test_wrong_keys_are_refused(town, operator, change, code):
    keys = make_keys(town.folder / "keys")
    sent = []

    class Recorder:
        get = operator.door.get

        def create(self, path, body):
            sent.append(operator.door.create(path, {**body, **change}))

    assert refused(enrolment.register_keys, Recorder(), keys) == code
    assert sent == []


def test_key_folder_is_private_and_never_written_over(tmp_path):
    made = make_keys(tmp_path / "me")

    modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "me").iterdir()}
    assert modes == {0o600}
    assert open_keys(tmp_path / "me").fingerprint == made.fingerprint
    with pytest.raises(VerificationError, match="key-exists"):
        make_keys(tmp_path / "me")


@pytest.mark.parametrize("damage", ["exposed", "malformed", "missing"])
def test_damaged_key_folder_is_refused(tmp_path, damage):
    make_keys(tmp_path)
    path = tmp_path / "sealing.key"
    if damage == "exposed":
        path.chmod(0o640)
    if damage == "malformed":
        path.write_text("anbiao-sealing-key-v1 00\n")
    if damage == "missing":
        path.unlink()

    with pytest.raises(VerificationError, match=rf"file-{damage}|key-{damage}"):
        open_keys(tmp_path)


def test_ledger_begins_with_the_steward(town, steward, ledger):
    first = json.loads(town.entries(ledger)[0])

    assert (first["action"], first["index"], first["granted_by"]) == ("ledger.open", 0, [])
    assert first["signed"]["key"] == base64.b64encode(steward.keys.signing.public_bytes).decode()
    me = steward.door.get("/me")["hospitals"]
    assert [(h["ledger"], h["roles"][0]["role"]) for h in me] == [(ledger, "steward")]


def test_ledger_opens_once_and_for_its_steward_only(town, operator, steward, ledger):
    ben = town.enrolled(operator, "ben")

    assert refused(enrolment.open_ledger, steward.door, steward.keys, ledger) == "forbidden"
    assert refused(enrolment.open_ledger, ben.door, ben.keys, ledger) == "not-found"
    assert refused(enrolment.open_ledger, steward.door, steward.keys, STRANGE) == "not-found"


def test_refused_opening_leaves_the_ledger_unopened(town, operator, steward):
    body = {"name": "Second", "steward": steward.account}
    ledger = operator.door.create("/hospitals", body)["ledger"]
    other = make_keys(town.folder / "other")

    code = refused(enrolment.open_ledger, steward.door, other, ledger)

    assert code == "signature-by-other-key"
    assert town.house.ledgers.open(ledger).size() == 0
    enrolment.open_ledger(steward.door, steward.keys, ledger)


@pytest.mark.parametrize("who", ["stranger", "operator", "keyless", "unknown"])
def test_hospital_needs_an_operator_and_a_ready_steward(town, operator, steward, who):
    keyless = town.person(operator, "kim")
    chosen = {"stranger": steward, "operator": operator, "keyless": keyless}.get(who)
    door = steward.door if who == "stranger" else operator.door

    body = {"name": "X", "steward": chosen.account if chosen else STRANGE}

    code = refused(door.create, "/hospitals", body)
    assert code == {"stranger": "forbidden", "operator": "forbidden"}.get(who, "steward-not-ready")


def test_granted_member_may_enter_and_no_other(town, operator, steward, ledger):
    ben, eve = town.enrolled(operator, "ben"), town.enrolled(operator, "eve")

    given = town.grant(steward, ledger, ben, "depositor")

    assert json.loads(given["receipt"]["entry"])["objects"]["membership"] == given["membership"]
    members = f"/hospitals/{ledger}/members"
    assert refused(ben.door.get, members) == "forbidden"
    assert refused(eve.door.get, members) == "not-found"
    assert refused(operator.door.get, members) == "not-found"
    assert refused(eve.door.get, f"/hospitals/{STRANGE}/members") == "not-found"


def test_stewards_alone_see_the_accounts_behind_pseudonyms(town, operator, steward, ledger):
    ben, rex = town.enrolled(operator, "ben"), town.enrolled(operator, "rex", "regulator")
    town.grant(steward, ledger, ben, "depositor")
    town.grant(steward, ledger, rex, "regulator", organisation="regulator")

    seen = list(steward.door.items(f"/hospitals/{ledger}/members?limit=1"))
    shown = list(rex.door.items(f"/hospitals/{ledger}/members"))

    assert {m["account"] for m in shown} == {None}
    assert {m["member"] for m in shown} >= {m["member"] for m in seen}
    assert seen[0]["account"]


def test_second_role_bears_the_same_pseudonym(town, operator, steward, ledger):
    ben = town.enrolled(operator, "ben")

    first = town.grant(steward, ledger, ben, "depositor")
    second = town.grant(steward, ledger, ben, "deid-officer")

    assert first["member"] == second["member"]
    assert refused(town.grant, steward, ledger, ben, "depositor") == "member-holds-role"
    assert refused(grant_by, steward, ledger, ben, terms={"role": "privacy-officer"}) == (
        "pseudonym-differs"
    )


def test_account_that_was_refused_here_before_can_be_granted_a_role(
    town, operator, steward, ledger
):
    ben = town.enrolled(operator, "ben")
    with pytest.raises(Forbidden):
        town.house.gate.perform(Actor(ben.account), ReadLog(ledger=ledger))
    stranger = json.loads(town.entries(ledger)[-1])["actor"]

    given = town.grant(steward, ledger, ben, "depositor")

    assert given["member"] != stranger
    with pytest.raises(Forbidden):
        town.house.gate.perform(Actor(ben.account), ReadLog(ledger=ledger))
    assert json.loads(town.entries(ledger)[-1])["actor"] == given["member"]


@pytest.mark.requirement("R06")
@pytest.mark.parametrize(
    ("held", "new"), [("depositor", "labeller"), ("labeller", "output-checker")]
)
def test_roles_that_duties_keep_apart_are_refused(town, operator, steward, ledger, held, new):
    ben = town.enrolled(operator, "ben")
    town.grant(steward, ledger, ben, held)

    assert refused(town.grant, steward, ledger, ben, new) == "forbidden"


def test_operator_gets_no_data_role(town, operator, steward, ledger):
    operator.keys = make_keys(town.folder / "root-keys")
    enrolment.register_keys(operator.door, operator.keys)

    assert refused(town.grant, steward, ledger, operator, "labeller") == "forbidden"


def test_steward_gives_nothing_to_themselves(town, steward, ledger):
    assert refused(town.grant, steward, ledger, steward, "depositor") == "forbidden"


def test_member_who_is_no_steward_gives_nothing(town, operator, steward, ledger):
    ben, eve = town.enrolled(operator, "ben"), town.enrolled(operator, "eve")
    town.grant(steward, ledger, ben, "depositor")

    assert refused(ben.door.get, f"/accounts/{eve.account}") == "account-unknown"
    objects = {"member": new_id(), "membership": new_id()}
    terms = {
        "role": "regulator",
        "domain": "hospital",
        "organisation": "x",
        "signing_key": base64.b64encode(eve.keys.signing.public_bytes).decode(),
        "sealing_key": base64.b64encode(eve.keys.sealing.public_bytes).decode(),
        "expires_at": "",
    }
    signed = enrolment.signed_body(ben.keys, ledger, "member.grant", objects, terms)
    body = {"account": eve.account, **objects, "terms": terms, **signed}
    assert refused(ben.door.create, f"/hospitals/{ledger}/members", body) == "forbidden"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"terms": {"role": "king"}}, "role-unknown"),
        ({"terms": {"domain": "platform"}}, "domain-unknown"),
        ({"terms": {"domain": "project:x"}}, "domain-unknown"),
        ({"terms": {"organisation": "two words"}}, "organisation-refused"),
        ({"terms": {"signing_key": ""}}, "keys-differ"),
        ({"terms": {"sealing_key": ""}}, "keys-differ"),
        ({"terms": {"expires_at": "tomorrow"}}, "expiry-refused"),
        ({"terms": {"expires_at": "2030-01-01T00:00:00Z"}}, "expiry-refused"),
        ({"terms": {"expires_at": "2001-01-01T00:00:00.000000Z"}}, "membership-expired"),
        ({"terms": {"more": "x"}}, "signature-of-other-terms"),
        ({"terms": {"role": "operator"}}, "forbidden"),
        ({"nonce": "1" * 32}, "signature-invalid"),
        ({"signature": base64.b64encode(bytes(64)).decode()}, "signature-invalid"),
        ({"membership": "1" * 32}, "signature-invalid"),
        ({"account": STRANGE}, "account-unknown"),
    ],
)
def test_grant_that_is_not_what_was_signed_is_refused(
    town, operator, steward, ledger, changes, code
):
    ben = town.enrolled(operator, "ben")
    town.train(steward, ledger, ben)
    before = len(list(steward.door.items(f"/hospitals/{ledger}/members")))

    assert refused(grant_by, steward, ledger, ben, **changes) == code

    assert len(list(steward.door.items(f"/hospitals/{ledger}/members"))) == before


def test_signed_grant_counts_once(town, operator, steward, ledger):
    ben = town.enrolled(operator, "ben")
    given = town.grant(steward, ledger, ben, "depositor")
    entry = json.loads(given["receipt"]["entry"])
    enrolment.revoke(steward.door, steward.keys, ledger, given["membership"], "left")
    body = {
        "account": ben.account,
        **entry["objects"],
        "terms": entry["signed"]["terms"],
        "nonce": entry["signed"]["nonce"],
        "signature": entry["signed"]["signature"],
    }

    assert refused(steward.door.create, f"/hospitals/{ledger}/members", body) == "act-replayed"


def test_server_that_shows_another_key_gets_no_signature(town, operator, steward, ledger):
    ben, eve = town.enrolled(operator, "ben"), town.enrolled(operator, "eve")
    lied_to = replace_keys(ben, eve)

    assert refused(town.grant, steward, ledger, lied_to, "depositor") == "fingerprint-differs"


def replace_keys(person, other):
    return replace(person, keys=other.keys)


@pytest.mark.requirement("R13")
def test_role_that_expired_lets_nobody_in(town, operator, steward, ledger):
    rex = town.enrolled(operator, "rex", "regulator")
    until = town.clock() + timedelta(minutes=10)
    town.grant(steward, ledger, rex, "regulator", expires_at=until)
    path = f"/hospitals/{ledger}/members"
    assert list(rex.door.items(path))

    town.clock.pass_by(minutes=10)

    assert refused(rex.door.get, path) == "not-found"


@pytest.mark.requirement("R13")
def test_revoked_role_lets_nobody_in(town, operator, steward, ledger):
    rex = town.enrolled(operator, "rex", "regulator")
    membership = town.grant(steward, ledger, rex, "regulator")["membership"]

    enrolment.revoke(steward.door, steward.keys, ledger, membership, "left")

    assert refused(rex.door.get, f"/hospitals/{ledger}/members") == "not-found"
    again = (steward.door, steward.keys, ledger, membership, "left")
    assert refused(enrolment.revoke, *again) == "membership-revoked"


def test_last_steward_stays(steward, ledger):
    membership = steward.door.get("/me")["hospitals"][0]["roles"][0]["membership"]

    code = refused(enrolment.revoke, steward.door, steward.keys, ledger, membership, "left")

    assert code == "last-steward"
    strange = (steward.door, steward.keys, ledger, STRANGE, "left")
    assert refused(enrolment.revoke, *strange) == "not-found"


def test_firm_s_lead_reads_no_entries_of_the_hospital(town, operator, steward, ledger):
    lead = town.enrolled(operator, "lead", "firm:one")
    town.grant(steward, ledger, lead, "project-lead", organisation="firm:one")

    path = f"/log/{ledger}/tile/entries/000.p/2"

    assert refused(lead.door.get_bytes, path) == "forbidden"


def test_steward_who_was_revoked_sees_no_cards(town, operator, steward, ledger):
    second, eve = town.enrolled(operator, "second"), town.enrolled(operator, "eve")
    town.grant(steward, ledger, second, "steward")
    first = steward.door.get("/me")["hospitals"][0]["roles"][0]["membership"]
    enrolment.revoke(second.door, second.keys, ledger, first, "left")

    assert refused(steward.door.get, f"/accounts/{eve.account}") == "account-unknown"


def test_published_log_is_public_but_for_its_entries(town, operator, steward, ledger):
    rex, ben = town.enrolled(operator, "rex"), town.enrolled(operator, "ben")
    town.grant(steward, ledger, rex, "regulator", organisation="regulator")
    town.grant(steward, ledger, ben, "depositor")
    path = f"/log/{ledger}/tile/entries/000.p/5"
    with httpx.Client(base_url=f"{town.url}/v1/log/{ledger}", trust_env=False) as http:
        head, keys, tile = http.get("/checkpoint"), http.get("/keys"), http.get("/tile/0/000.p/5")
        bare = http.get("/tile/entries/000.p/5")

    assert head.text.splitlines()[:2] == [f"anbiao.localhost/{ledger}", "5"]
    assert head.headers["cache-control"] == "no-cache"
    assert len(keys.text.splitlines()) == 2
    assert len(tile.content) == 5 * 32
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert bare.status_code == 401
    assert b"ledger.open" in rex.door.get_bytes(path)
    assert refused(ben.door.get_bytes, path) == "forbidden"
    assert refused(operator.door.get_bytes, path) == "not-found"


@pytest.mark.requirement("R69")
def test_reading_entries_is_told_once_an_hour(town, steward, ledger):
    path = f"/log/{ledger}/tile/entries/000.p/1"
    before = len(town.entries(ledger))

    for _ in range(3):
        steward.door.get_bytes(path)
    assert len(town.entries(ledger)) == before + 1
    town.clock.pass_by(minutes=20)
    steward.door.get_bytes(path)
    assert len(town.entries(ledger)) == before + 1
    for _ in range(2):
        town.clock.pass_by(minutes=25)
        steward.door.get_bytes(path)

    told = [json.loads(e)["action"] for e in town.entries(ledger)[before:]]
    assert told == ["log.read", "log.read"]


@pytest.mark.parametrize(
    "path",
    [
        "platform/tile/0/1",
        "platform/tile/0/999",
        "platform/tile/0/%2e%2e",
        "platform/tile/0/%2e%2e/%2e%2e/keys",
        "platform/tile/999/000",
        "platform/tile/0/x000",
        "platform/tile/0/000.p/0000",
        f"{STRANGE}/checkpoint",
        "unknown/checkpoint",
        "unknown/keys",
    ],
)
def test_other_paths_of_a_log_are_not_there(operator, path):
    assert refused(operator.door.get_bytes, f"/log/{path}") == "not-found"


@pytest.mark.parametrize("path", ["platform/tile/entries/%2e%2e/%2e%2e/keys", "x/tile/entries/000"])
def test_other_paths_of_entries_are_not_there(operator, path):
    assert refused(operator.door.get_bytes, f"/log/{path}") == "not-found"


def test_entries_verify_with_the_stand_alone_verifier(town, ledger):
    program = [sys.executable, "crypto/verifier.py", str(town.folder / "log" / ledger)]
    key = (town.folder / "log" / ledger / "keys").read_text().splitlines()[0]

    done = subprocess.run(
        [*program, "--key", key], capture_output=True, check=False, env=os.environ
    )

    assert done.returncode == 0, done.stdout
