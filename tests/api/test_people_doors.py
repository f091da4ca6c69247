"""Setup, invitations, second factors, logins and sessions, over real HTTP."""

import json

import httpx
import pytest
from town import PASSWORD, Town

from api.client import session
from api.client.errors import ClientError
from crypto.signing import PersonKey


def refused(call, *arguments, **named) -> str:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.code


def log_in(town, name, code, password=PASSWORD):
    return session.log_in(town.door, name, password, code)


def test_setup_code_makes_one_account_and_is_gone(town):
    code = town.setup_code()
    path = town.folder / "serve" / "setup-code"
    assert path.stat().st_mode & 0o777 == 0o600

    town.found()

    assert not path.exists()
    assert refused(session.set_up, town.door, code, "second", PASSWORD) == "setup-refused"


def test_no_setup_code_is_offered_again_on_a_store_with_an_account(town):
    town.found()

    town.restart()

    assert not (town.folder / "serve" / "setup-code").exists()


def test_wrong_setup_code_is_refused_and_changes_nothing(town):
    assert refused(session.set_up, town.door, "wrong", "root", PASSWORD) == "setup-refused"

    assert town.entries() == []
    assert (town.folder / "serve" / "setup-code").exists()


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("root", "short", "password-too-short"),
        ("", PASSWORD, "field-refused"),
        ("two\nlines", PASSWORD, "name-refused"),
        ("root", "x" * 1025, "field-refused"),
    ],
)
def test_setup_with_a_bad_name_or_password_is_refused(town, name, password, code):
    assert refused(session.set_up, town.door, town.setup_code(), name, password) == code


def test_first_account_is_operator_and_nothing_else(operator):
    me = operator.door.get("/me")

    assert me["platform_roles"] == ["operator", "policy-admin"]
    assert me["hospitals"] == []


@pytest.mark.requirement("R03")
def test_account_without_a_second_factor_can_only_enrol_one(town, operator):
    invitation = town.invite(operator, "amy")
    session.accept(town.door, invitation, PASSWORD)

    assert refused(log_in, town, "amy", "123456") == "second-factor-missing"

    renewed = town.door.post("/totp/renew", {"name": "amy", "password": PASSWORD})
    codes = session.Authenticator(renewed["totp_secret"], town.clock.seconds)
    door = session.confirm(town.door, renewed["account"], PASSWORD, codes.code())
    assert door.get("/me")["name"] == "amy"


@pytest.mark.requirement("R02")
def test_second_factor_that_works_cannot_be_replaced(town, operator):
    person = town.person(operator, "amy")

    body = {"name": "amy", "password": PASSWORD}
    assert refused(town.door.post, "/totp/renew", body) == "already-enrolled"
    code = person.codes.code()
    assert refused(session.confirm, town.door, person.account, PASSWORD, code) == "already-enrolled"


@pytest.mark.requirement("R02")
def test_invitation_counts_once(town, operator):
    invitation = town.invite(operator, "amy")
    session.accept(town.door, invitation, PASSWORD)

    code = refused(session.accept, town.door, invitation, PASSWORD + "!")

    assert code == "invitation-refused"


def test_invitation_runs_out(town, operator):
    invitation = town.invite(operator, "amy")

    town.clock.pass_by(days=8)

    assert refused(session.accept, town.door, invitation, PASSWORD) == "invitation-refused"


@pytest.mark.parametrize(
    "change",
    [lambda i: i[:-1] + ("E" if i[-1] == "A" else "A"), lambda i: i.split(".")[0], lambda _: "."],
)
def test_altered_invitation_is_refused(town, operator, change):
    invitation = town.invite(operator, "amy")

    assert refused(session.accept, town.door, change(invitation), PASSWORD) == "invitation-refused"


def test_repeated_creation_gives_the_same_invitation(operator):
    headers = {"Idempotency-Key": "the-same-key"}
    body = {"name": "amy", "organisation": "hospital"}

    first = operator.door.create("/accounts", body, headers)
    second = operator.door.create("/accounts", body, headers)

    assert first == second
    other = {"name": "ben", "organisation": "hospital"}
    assert refused(operator.door.create, "/accounts", other, headers) == "idempotency-key-reused"


@pytest.mark.requirement("R02")
@pytest.mark.parametrize("name", ["amy", "AMY", " amy ", "ａｍｙ"])
def test_name_that_looks_the_same_is_taken(town, operator, name):
    town.invite(operator, "amy")

    assert refused(town.invite, operator, name) == "name-taken"


def test_login_by_code(town, operator):
    person = town.person(operator, "amy")

    door = log_in(town, "amy", person.codes.code())

    assert door.get("/me")["account"] == person.account


@pytest.mark.requirement("R03")
def test_code_counts_once(town, operator):
    person = town.person(operator, "amy")
    code = person.codes.code()
    log_in(town, "amy", code)

    assert refused(log_in, town, "amy", code) == "login-refused"


def test_code_out_of_reach_is_refused(town, operator):
    person = town.person(operator, "amy")
    town.clock.pass_by(minutes=5)
    code = person.codes.code()

    town.clock.pass_by(minutes=5)

    assert refused(log_in, town, "amy", code) == "login-refused"


def test_recovery_code_counts_once(town, operator):
    person = town.person(operator, "amy")
    assert len(set(person.recovery)) == 10

    door = log_in(town, "amy", person.recovery[3].upper())

    assert door.get("/me")["name"] == "amy"
    assert refused(log_in, town, "amy", person.recovery[3]) == "login-refused"


@pytest.mark.parametrize(
    ("name", "password"),
    [("amy", "another password"), ("nobody", PASSWORD), ("amy", " " + PASSWORD)],
)
def test_wrong_name_and_wrong_password_get_one_answer(town, operator, name, password):
    person = town.person(operator, "amy")

    with pytest.raises(ClientError) as caught:
        log_in(town, name, person.codes.code(), password)

    assert (caught.value.code, caught.value.status) == ("login-refused", 401)


def test_unknown_name_costs_the_same_hashing_as_a_known_one(town, operator):
    town.person(operator, "amy")
    hasher = town.house.people.entrance._desk.hasher

    before = hasher.work
    refused(log_in, town, "amy", "123456", "wrong password")
    known = hasher.work - before
    refused(log_in, town, "nobody", "123456", "wrong password")

    assert hasher.work - before - known == known == 1


@pytest.mark.requirement("R08")
def test_failed_logins_are_delayed_and_never_locked_out(town, operator):
    person = town.person(operator, "amy")
    for _ in range(3):
        assert refused(log_in, town, "amy", "000000", "wrong password") == "login-refused"

    assert refused(log_in, town, "amy", person.codes.code()) == "login-delayed"

    town.clock.pass_by(seconds=61)
    assert log_in(town, "amy", person.codes.code()).token


@pytest.mark.requirement("R08")
def test_delay_holds_for_unknown_names_and_for_the_address(town):
    for number in range(3):
        refused(log_in, town, f"nobody-{number}", "000000")

    assert refused(log_in, town, "somebody", "000000") == "login-delayed"
    assert town.house.people.entrance._checks.refusals.strangers == 3


@pytest.mark.requirement("R08")
def test_delay_of_a_known_account_survives_a_restart(town, operator):
    town.person(operator, "amy")
    for _ in range(3):
        refused(log_in, town, "amy", "000000", "wrong password")

    town.restart()

    assert refused(log_in, town, "amy", "000000") == "login-delayed"


@pytest.mark.requirement("R08")
def test_failed_logins_make_one_entry_per_account_and_minute(town, operator):
    town.person(operator, "amy")
    before = len(town.entries())

    for _ in range(4):
        refused(log_in, town, "amy", "000000", "wrong password")
        town.house.people.entrance.tick()
        town.clock.pass_by(seconds=5)
    refused(log_in, town, "nobody", "000000")
    assert len(town.entries()) == before + 1
    town.clock.pass_by(seconds=61)
    town.house.people.entrance.tick()

    told = [json.loads(e) for e in town.entries()[before:]]
    assert [e["action"] for e in told] == ["login.refused", "login.refused"]
    assert [e["outcome"]["counts"]["failures"] for e in told] == [1, 3]


@pytest.mark.requirement("R08")
def test_a_failed_login_writes_nothing_before_it_is_answered(town, operator):
    """A known name that costs an entry could be told from an unknown one by its time."""
    town.person(operator, "amy")
    before = len(town.entries())

    refused(log_in, town, "amy", "000000", "wrong password")
    assert len(town.entries()) == before

    town.house.people.entrance.tick()
    assert len(town.entries()) == before + 1


def test_pending_failures_are_entered_at_the_end(town, operator):
    town.person(operator, "amy")
    refused(log_in, town, "amy", "000000", "wrong password")
    refused(log_in, town, "amy", "000000", "wrong password")
    before = len(town.entries())

    town.restart()

    assert json.loads(town.entries()[before])["outcome"]["counts"]["failures"] == 2


@pytest.mark.requirement("R02")
def test_person_has_one_session_at_a_time(town, operator):
    person = town.person(operator, "amy")

    log_in(town, "amy", person.codes.code())

    assert refused(person.door.get, "/me") == "unauthenticated"


def test_logout_ends_the_session(operator):
    operator.door.delete("/sessions/current")

    assert refused(operator.door.get, "/me") == "unauthenticated"


@pytest.mark.requirement("R04")
def test_idle_session_ends(town, operator):
    town.clock.pass_by(minutes=29)
    operator.door.get("/me")
    town.clock.pass_by(minutes=29)
    operator.door.get("/me")

    town.clock.pass_by(minutes=30)

    assert refused(operator.door.get, "/me") == "session-expired"


@pytest.mark.requirement("R04")
def test_busy_session_ends_too(town, operator):
    for _ in range(35):
        town.clock.pass_by(minutes=20)
        operator.door.get("/me")

    town.clock.pass_by(minutes=20)

    assert refused(operator.door.get, "/me") == "session-expired"


def test_session_survives_a_restart(town, operator):
    town.clock.pass_by(minutes=20)
    operator.door.get("/me")

    town.restart()
    town.clock.pass_by(minutes=20)

    assert town.again(operator).get("/me")["name"] == "root"


@pytest.mark.requirement("R04")
def test_removed_account_is_out_within_one_request(town, operator):
    person = town.person(operator, "amy")
    person.door.get("/me")

    operator.door.delete(f"/accounts/{person.account}")

    assert refused(person.door.get, "/me") == "unauthenticated"
    assert refused(log_in, town, "amy", person.codes.code()) == "login-refused"
    assert refused(operator.door.delete, f"/accounts/{person.account}") == "account-removed"


def test_person_removes_their_own_account_and_nobody_elses(town, operator):
    amy, ben = town.person(operator, "amy"), town.person(operator, "ben")

    assert refused(amy.door.delete, f"/accounts/{ben.account}") == "forbidden"
    assert refused(amy.door.delete, f"/accounts/{'0' * 32}") == "account-unknown"
    amy.door.delete(f"/accounts/{amy.account}")

    assert refused(amy.door.get, "/me") == "unauthenticated"
    assert ben.door.get("/me")["name"] == "ben"


def test_only_operators_create_accounts(town, operator):
    person = town.person(operator, "amy")

    assert refused(town.invite, person, "ben") == "forbidden"


def test_token_is_kept_nowhere(town, operator):
    operator.door.get("/me")
    town.end()

    everything = b"".join(p.read_bytes() for p in town.folder.rglob("*") if p.is_file())

    town.begin()
    assert operator.door.token.encode() not in everything
    assert PASSWORD.encode() not in everything
    assert operator.secret.encode() not in everything


def test_service_logs_in_by_signature_once(town, operator):
    key = PersonKey.generate()
    account = _service(operator, key)
    body = _service_login(town, account, key)

    door = town.door.with_token(town.door.post("/service-sessions", body)["token"])

    assert door.get("/me")["kind"] == "service"
    assert refused(town.door.post, "/service-sessions", body) == "login-replayed"


@pytest.mark.parametrize("wrong", ["key", "time", "account", "signature"])
def test_service_login_that_is_wrong_is_refused(town, operator, wrong):
    key = PersonKey.generate()
    account = _service(operator, key)
    body = _service_login(town, account, PersonKey.generate() if wrong == "key" else key)
    if wrong == "time":
        town.clock.pass_by(minutes=2)
    if wrong == "account":
        body["account"] = operator.account
    if wrong == "signature":
        body["signature"] = "AAAA"

    assert refused(town.door.post, "/service-sessions", body) == "login-refused"


def test_service_key_belongs_to_one_account(operator):
    key = PersonKey.generate()
    _service(operator, key)

    assert refused(_service, operator, key, "another") == "key-taken"
    assert refused(_service_key, operator, b"\0" * 32) == "key-malformed"


def _service(operator, key, name="worker") -> str:
    return _service_key(operator, key.public_bytes, name)


def _service_key(operator, public, name="worker") -> str:
    body = {"name": name, "public_key": session.base64.b64encode(public).decode()}
    body["purposes"] = ["research"]
    return str(operator.door.create("/service-accounts", body)["account"])


def _service_login(town: Town, account: str, key: PersonKey) -> dict[str, str]:
    given = {"account": account, "at": town.clock().isoformat(), "nonce": "0" * 32}
    signed = key.sign(session._SERVICE_LABEL + session.canonical.encode(given))
    return {**given, "signature": session.base64.b64encode(signed).decode()}


def test_raw_answers_are_problems(town):
    answer = httpx.get(f"{town.url}/v1/me")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"
