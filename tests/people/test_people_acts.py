"""The room's acts through a real gate: races, refusals, and what stands in the log."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from people_house import PASSWORD, PeopleHouse

from policies.vocabulary import Role
from sandbox.acts import PLATFORM, Acting, Actor
from sandbox.errors import (
    Conflict,
    Forbidden,
    NotFound,
    SandboxError,
    SignatureRequired,
    TooManyRequests,
    Unacceptable,
    Unauthenticated,
)
from sandbox.people import accounts, hospitals
from sandbox.people import commands as c
from sandbox.people.checks import Credentials
from sandbox.people.signed_terms import expiry_text, grant_terms, key_text, opening_terms
from sandbox.people.stewardship import Seat, Signed
from sandbox.records.people import Account, Session

FACTOR = c.SecondFactor(b"sealed", ("0" * 64,))
STRANGE = "0" * 32


def refused(house: PeopleHouse, account: str, command, error=SandboxError) -> str:
    with pytest.raises(error) as caught:
        house.gate.perform(Actor(account), command)
    return caught.value.code


def entries(house, ledger=PLATFORM):
    store = house.ledgers.open(ledger)
    return [json.loads(e) for e in store.entries(0, store.size())]


@pytest.fixture
def root(house) -> str:
    made, _ = house.found()
    return made.account


def founding(account: str, name: str = "second") -> c.FoundPlatform:
    return c.FoundPlatform(
        account=account, name=name, password="x", factor=FACTOR, memberships=("1" * 32, "2" * 32)
    )


@pytest.mark.requirement("R02")
@pytest.mark.usefixtures("root")
def test_platform_is_founded_once(house):
    assert refused(house, "f" * 32, founding("f" * 32)) == "forbidden"


def outcome_of(waiter):
    """The refusal that a waiter is told, or None."""
    try:
        waiter.result()
    except SandboxError as error:
        return error
    return None


def test_two_founders_in_one_batch_make_one_account(house):
    waiters = [
        house.gate._writer(PLATFORM).submit(Actor(account), founding(account, account))
        for account in ("a" * 32, "b" * 32)
    ]

    outcomes = [outcome_of(waiter) for waiter in waiters]

    assert outcomes[0] is None
    assert isinstance(outcomes[1], SandboxError)
    with house.gate.snapshot(PLATFORM) as tables:
        assert tables.of(Account).count() == 1


@pytest.mark.requirement("R03")
def test_one_code_opens_one_session_even_in_one_batch(house, root):
    house.pass_by(minutes=5)
    step = int(house.now.timestamp()) // 30
    writer = house.gate._writer(PLATFORM)

    waiters = [
        writer.submit(
            Actor(root), c.OpenSession(account=root, session=s * 64, purpose="", step=step)
        )
        for s in "ab"
    ]

    outcomes = [outcome_of(waiter) for waiter in waiters]
    assert outcomes[0] is None
    assert outcomes[1].code == "code-used"


def test_recovery_code_is_used_up_under_the_lock(house, root):
    with house.gate.snapshot(PLATFORM) as tables:
        digest = tables.of(Account).require(root).recovery_hashes[0]
    command = c.OpenSession(account=root, session="a" * 64, purpose="", recovery_hash=digest)
    house.gate.perform(Actor(root), command)

    again = c.OpenSession(account=root, session="b" * 64, purpose="", recovery_hash=digest)

    assert refused(house, root, again, Unauthenticated) == "code-used"


def test_nobody_opens_a_session_for_another(house, root):
    command = c.OpenSession(account=root, session="a" * 64, purpose="", step=10**9)

    assert refused(house, "e" * 32, command, Forbidden) == "forbidden"


def test_session_of_an_account_that_is_not_active_does_not_open(house, root):
    account = invited(house, root)

    command = c.OpenSession(account=account, session="a" * 64, purpose="", step=10**9)

    assert refused(house, account, command, Unauthenticated) == "login-refused"
    unknown = c.OpenSession(account=STRANGE, session="a" * 64, purpose="", step=10**9)
    assert refused(house, STRANGE, unknown, NotFound) == "not-found"


def invited(house, root, name="amy") -> str:
    made = house.people.registry.invite(Actor(root), name, "hospital", f"key-of-{name}")
    return str(made.receipt.reply["account"])


def test_closing_a_session_of_another_or_twice_is_refused(house, root):
    with house.gate.snapshot(PLATFORM) as tables:
        session = tables.of(Session).find(account=root)[0].id
    amy = invited(house, root)

    theirs = c.CloseSession(account=amy, session=session)
    assert refused(house, amy, theirs, NotFound) == "session-unknown"
    own = c.CloseSession(account=root, session=session)
    house.gate.perform(Actor(root), own)
    assert refused(house, root, own, NotFound) == "session-unknown"


@pytest.mark.requirement("R02")
def test_active_account_cannot_be_enrolled_anew(house, root):
    enrol = c.EnrolFactor(account=root, password="x", factor=FACTOR)
    confirm = c.ConfirmFactor(account=root, step=10**9, session="a" * 64, purpose="")

    assert refused(house, root, enrol, Conflict) == "already-enrolled"
    assert refused(house, root, confirm, Conflict) == "already-enrolled"


def test_invited_account_cannot_be_confirmed_before_it_has_a_factor(house, root):
    amy = invited(house, root)

    confirm = c.ConfirmFactor(account=amy, step=1, session="a" * 64, purpose="")

    assert refused(house, amy, confirm, Conflict) == "already-enrolled"


@pytest.mark.parametrize(
    "command",
    [
        c.EnrolFactor(account=STRANGE, password="x", factor=FACTOR),
        c.ConfirmFactor(account=STRANGE, step=1, session="a" * 64, purpose=""),
        c.RemoveAccount(account=STRANGE),
        c.EnrolKey(account=STRANGE, signing_key=b"k", sealing_key=None),
        c.RefuseLogin(account=STRANGE, failures=1, not_before=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.usefixtures("root")
def test_acts_on_unknown_accounts_are_refused(house, command):
    assert refused(house, STRANGE, command, NotFound) == "not-found"


def test_key_of_an_account_that_is_not_active_is_refused(house, root):
    amy = invited(house, root)

    command = c.EnrolKey(account=amy, signing_key=b"k", sealing_key=None)

    assert refused(house, amy, command, Unacceptable) == "account-not-active"


@pytest.mark.requirement("R04")
def test_removal_voids_sessions_roles_and_secrets(house, root):
    house.people.registry.remove(Actor(root), root)

    with house.gate.snapshot(PLATFORM) as tables:
        account = tables.of(Account).require(root)
        sessions = tables.of(Session).find(account=root)
    assert (account.state, account.password, account.totp_sealed) == ("removed", None, None)
    assert all(s.ended_at is not None for s in sessions)
    assert house.people.registry.platform_roles(root) == frozenset()
    assert refused(house, root, c.RemoveAccount(account=root), Conflict) == "account-removed"


def test_confirming_with_a_recovery_code_is_refused(house):
    code = (house.folder / "setup-code").read_text().strip()
    made = house.people.enrolments.set_up(code, "root", PASSWORD, "local")
    given = Credentials("root", PASSWORD, "local", recovery=made.recovery_codes[0])

    with pytest.raises(Unauthenticated, match="login-refused"):
        house.people.entrance.confirm(given, "")


@pytest.mark.usefixtures("root")
def test_confirming_by_an_unknown_account_is_refused(house):
    name = house.people.enrolments.name_of(STRANGE)
    given = Credentials(name, PASSWORD, "local", code="123456")

    with pytest.raises(Unauthenticated, match="login-refused"):
        house.people.entrance.confirm(given, "")


def test_wrong_setup_codes_are_delayed(house):
    for _ in range(3):
        with pytest.raises(Unauthenticated, match="setup-refused"):
            house.people.enrolments.set_up("wrong", "root", PASSWORD, "local")

    with pytest.raises(TooManyRequests, match="login-delayed"):
        house.people.enrolments.set_up("wrong", "root", PASSWORD, "elsewhere")


@pytest.mark.usefixtures("root")
def test_wrong_invitations_are_delayed(house):
    for _ in range(3):
        with pytest.raises(Unauthenticated, match="invitation-refused"):
            house.people.enrolments.accept("wrong", PASSWORD, "far")

    with pytest.raises(TooManyRequests, match="login-delayed"):
        house.people.enrolments.accept("wrong", PASSWORD, "far")


@pytest.mark.requirement("R63")
def test_each_act_of_people_is_one_entry_without_names(house):
    made, opened = house.found()
    actor = house.people.entrance.authenticate(opened.token)
    house.pass_by(minutes=1)
    house.people.entrance.log_in(house.typed("root", made), "research")
    invited(house, made.account, "zhang san")
    house.people.registry.remove(Actor(made.account), made.account)

    told = entries(house)

    assert [e["action"] for e in told] == [
        "ledger.open",
        "account.activate",
        "session.open",
        "account.create",
        "account.remove",
    ]
    text = json.dumps(told)
    assert not any(secret in text for secret in ("root", "zhang", PASSWORD, opened.token))
    assert made.account in text
    assert actor.account == made.account


@pytest.mark.requirement("R08")
def test_denied_decisions_are_entries_too(house, root):
    amy = invited(house, root)

    refused(house, amy, c.CreateAccount(account=STRANGE, name="x", kind="person", organisation="x"))

    assert entries(house)[-1]["refusal"] == "forbidden"


def test_unknown_and_foreign_ledgers_look_the_same(house, root):
    readers = house.people.readers

    with pytest.raises(NotFound, match="not-found"):
        readers.memberships(Actor(root), STRANGE)
    with pytest.raises(NotFound, match="account-unknown"):
        readers.card(Actor(invited(house, root)), root)
    assert readers.card(Actor(root), root).id == root
    assert list(readers.everywhere(Actor(root))) == []


def test_reading_the_platforms_entries_needs_a_role_there(house, root):
    access = house.people.log_access

    with pytest.raises(NotFound):
        access.admit(Actor(invited(house, root)), PLATFORM)
    with pytest.raises(Forbidden):
        access.admit(Actor(root), PLATFORM)


def test_terms_are_strings_and_never_missing():
    given = c.GrantMembership(
        ledger=STRANGE,
        account=STRANGE,
        member=STRANGE,
        membership=STRANGE,
        role=Role.WORKER,
        granted_domain="hospital",
        organisation="platform",
        signing_key=None,
        sealing_key=None,
        expires_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    )

    assert grant_terms(given) == {
        "role": "worker",
        "domain": "hospital",
        "organisation": "platform",
        "signing_key": "",
        "sealing_key": "",
        "expires_at": "2026-01-02T03:04:05.000678Z",
    }
    assert opening_terms(b"\1", None)["signing_key"] == "AQ=="
    assert (key_text(None), expiry_text(None)) == ("", "")


def test_session_that_was_never_seen_counts_from_its_opening(house):
    _, opened = house.found()
    house.pass_by(minutes=30)

    with pytest.raises(Unauthenticated, match="session-expired"):
        house.people.entrance.authenticate(opened.token)


@pytest.mark.usefixtures("root")
def test_tick_and_close_enter_what_is_due(house):
    given = Credentials("root", "wrong password", "local", code="1")
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            house.people.entrance.log_in(given, "")
    house.people.entrance.tick()
    house.pass_by(seconds=5)
    with pytest.raises(Unauthenticated):
        house.people.entrance.log_in(given, "")
    house.people.entrance.close()

    told = [
        e["outcome"]["counts"]["failures"] for e in entries(house) if e["action"] == "login.refused"
    ]
    assert told == [2, 1]


def test_steward_without_keys_opens_and_grants_nothing(house, root):
    stewardship = house.people.stewardship
    with house.gate.snapshot(PLATFORM) as tables:
        assert tables.of(Account).require(root).signing_key is None

    with pytest.raises(SignatureRequired, match="key-not-enrolled"):
        stewardship.signed_act(Actor(root), Signed("0" * 32, b"", {}), {})
    with pytest.raises(NotFound):
        stewardship.open_ledger(Actor(root), STRANGE, STRANGE, Signed("0" * 32, b"", {}), "k")


def test_role_for_an_account_that_is_not_active_is_refused(house, root):
    seat = Seat(invited(house, root), "1" * 32, "2" * 32)

    with pytest.raises(NotFound, match="account-unknown"):
        house.people.stewardship.grant(Actor(root), STRANGE, seat, Signed("0" * 32, b"", {}), "k")


def test_acts_in_a_ledger_of_their_own_check_again_what_the_door_checked(house, root):
    """Handlers do not rely on who built the command."""
    tables = house.ledgers.open(PLATFORM)
    acting = Acting(root, "1" * 32, (), house.now, 5)

    with tables.snapshot() as rows:
        with pytest.raises(Conflict, match="already-founded"):
            accounts.Founding().act(rows, founding(STRANGE), acting)
        with pytest.raises(Conflict, match="already-founded"):
            hospitals.LedgerOpening().act(
                rows,
                c.OpenLedger(
                    ledger=STRANGE, account=root, member=STRANGE, signing_key=b"k", sealing_key=None
                ),
                acting,
            )
        own = c.OpenHospital(hospital=STRANGE, name="x", steward=root)
        with pytest.raises(Unacceptable, match="steward-not-ready"):
            hospitals.HospitalOpening().act(rows, own, acting)


def test_log_access_forgets_old_readings(house, root, monkeypatch):
    monkeypatch.setattr("sandbox.people.log_access._MOST_KEPT", 1)
    access = house.people.log_access
    access._told = {("a", "", "x"): house.now - timedelta(hours=2)}
    monkeypatch.setattr(access, "_domain", lambda *_: "platform")
    monkeypatch.setattr(house.desk.gate, "perform", lambda *_: None)

    access.admit(Actor(root), PLATFORM)

    assert list(access._told) == [(root, "", PLATFORM)]
