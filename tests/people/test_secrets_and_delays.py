"""Passwords, one-time codes, tokens, delays, presence, refusals: without a ledger."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import LedgerUnavailable, TooManyRequests, Unacceptable
from sandbox.people import tokens, totp
from sandbox.people.delays import Delays, wait_after
from sandbox.people.desk import account_name, folded, organisation_code
from sandbox.people.passwords import Hasher
from sandbox.people.presence import Presence
from sandbox.people.refusals import Refusals
from sandbox.people.setup_code import SetupCode

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
RFC_SEED = b"12345678901234567890"
SMALL = {"memory_kib": 64, "passes": 1, "at_once": 1}


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(seconds, code):
    moment = datetime.fromtimestamp(seconds, UTC)

    assert totp.code_at(RFC_SEED, totp.step_at(moment)) == code[-6:]


@pytest.mark.parametrize(
    ("drift", "found"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_code_counts_one_step_either_way(drift, found):
    step = totp.step_at(NOW) + drift

    matched = totp.matching_step(RFC_SEED, totp.code_at(RFC_SEED, step), NOW, last_step=0)

    assert matched == (step if found else None)


def test_code_of_an_accepted_or_earlier_step_does_not_count():
    step = totp.step_at(NOW)

    for used in (step, step + 1):
        assert totp.matching_step(RFC_SEED, totp.code_at(RFC_SEED, step), NOW, used) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", " 123456"])
def test_codes_of_another_form_do_not_count(code):
    assert totp.matching_step(RFC_SEED, code, NOW, 0) is None


def test_otpauth_names_seed_and_algorithm():
    uri = totp.otpauth(RFC_SEED, "amy @ home")

    assert uri.startswith("otpauth://totp/Anbiao%3Aamy%20%40%20home?secret=GEZDGNBV")
    assert "algorithm=SHA1&digits=6&period=30" in uri


def test_password_verifies_and_no_other_does():
    hasher = Hasher(**SMALL)
    kept = hasher.hash("correct horse battery")

    assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert hasher.verify("correct horse battery", kept)
    for wrong in ("correct horse batter", "correct horse battery ", "", "x" * 5000):
        assert not hasher.verify(wrong, kept)
    assert not hasher.verify("correct horse battery", None)


def test_each_hash_has_a_salt_of_its_own():
    hasher = Hasher(**SMALL)

    assert hasher.hash("correct horse battery") != hasher.hash("correct horse battery")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("a" * 11, "password-too-short"),
        ("", "password-too-short"),
        ("a" * 1025, "password-too-long"),
        ("病" * 400, "password-too-long"),
    ],
)
def test_password_that_is_no_good_is_not_hashed(password, code):
    hasher = Hasher(**SMALL)

    with pytest.raises(Unacceptable) as caught:
        hasher.hash(password)

    assert (caught.value.code, caught.value.field, hasher.work) == (code, "password", 0)


def test_only_so_many_hashes_run_at_once(monkeypatch):
    monkeypatch.setattr("sandbox.people.passwords._WAIT_S", 0.01)
    hasher = Hasher(**SMALL)

    with hasher._slot(), pytest.raises(TooManyRequests, match="hashing-busy"):
        hasher.verify("whatever it is", None)

    assert not hasher.verify("whatever it is", None)


def test_recovery_codes_are_ten_and_read_loosely():
    codes = tokens.new_recovery_codes()

    assert len(set(codes)) == 10
    assert all(len(c.replace("-", "")) == 16 for c in codes)
    loosely = f" {codes[0].upper().replace('-', ' ')} "
    assert tokens.recovery_digest(loosely) == tokens.recovery_digest(codes[0])
    assert tokens.recovery_digest(codes[0]) != tokens.recovery_digest(codes[1])


def test_invitation_hangs_on_key_and_account():
    first = tokens.invitation(bytes(32), "a")

    assert first == tokens.invitation(bytes(32), "a")
    assert first != tokens.invitation(bytes(32), "b")
    assert first != tokens.invitation(b"\1" * 32, "a")
    assert tokens.invited_account(first) == "a"


def test_delay_doubles_up_to_the_longest():
    waits = [wait_after(n, 60).total_seconds() for n in range(12)]

    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(st.integers(0, 10**9))
def test_delay_is_never_for_ever(failures):
    assert timedelta(0) <= wait_after(failures, 60) <= timedelta(seconds=60)


def test_early_attempt_lengthens_nothing():
    delays = Delays(60)
    for _ in range(3):
        delays.failed(NOW, "name:a")

    for _ in range(50):
        with pytest.raises(TooManyRequests, match="login-delayed"):
            delays.admit(NOW, "name:a")

    delays.admit(NOW + timedelta(seconds=1), "name:a")
    assert delays.until("name:a") == NOW + timedelta(seconds=1)


def test_success_clears_the_name_and_time_forgets():
    delays = Delays(60)
    for _ in range(5):
        delays.failed(NOW, "name:a", "address:x")

    delays.succeeded("name:a")

    delays.admit(NOW, "name:a")
    with pytest.raises(TooManyRequests):
        delays.admit(NOW, "name:a", "address:x")
    delays.admit(NOW + timedelta(minutes=15), "address:x")
    assert delays.until("name:b") is None


def test_delays_keep_no_names(monkeypatch):
    monkeypatch.setattr("sandbox.people.delays._MOST_KEPT", 3)
    delays = Delays(60)

    for number in range(9):
        delays.failed(NOW, f"name:zhang-{number}")

    assert len(delays._book._kept) == 3
    assert b"zhang" not in b"".join(delays._book._kept)


def test_presence_is_kept_over_a_restart_and_private(tmp_path):
    path = tmp_path / "presence.json"
    presence = Presence(path, timedelta(hours=1))
    presence.touch("a", NOW)
    presence.touch("b", NOW + timedelta(seconds=5))
    presence.save(NOW + timedelta(seconds=5))

    again = Presence(path, timedelta(hours=1))

    assert again.seen("b") == NOW + timedelta(seconds=5)
    assert again.seen("c") is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_presence_forgets_what_can_no_longer_live(tmp_path):
    presence = Presence(tmp_path / "p", timedelta(hours=1))
    presence.touch("a", NOW)

    presence.touch("b", NOW + timedelta(hours=1))

    assert presence.seen("a") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": "yesterday"}'])
def test_unreadable_presence_means_nobody_was_seen(tmp_path, text):
    (tmp_path / "p").write_text(text)

    assert Presence(tmp_path / "p", timedelta(hours=1)).seen("a") is None


def test_refusals_are_kept_when_the_log_cannot_take_them():
    told = []

    def enter(account, count):
        if not told:
            told.append("failed")
            raise LedgerUnavailable
        told.append((account, count))

    refusals = Refusals(enter)
    refusals.of_account("a")
    with pytest.raises(LedgerUnavailable):
        refusals.report(NOW)
    refusals.of_account("a")
    refusals.report(NOW)

    assert told == ["failed", ("a", 2)]


def test_refusals_count_once_from_many_threads():
    told = []
    refusals = Refusals(lambda account, count: told.append((account, count)))
    threads = [threading.Thread(target=refusals.of_account, args=(f"a{n % 3}",)) for n in range(30)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refusals.report(NOW, all_of_them=True)

    assert sum(count for _, count in told) == 30
    assert {account for account, _ in told} == {"a0", "a1", "a2"}


def test_refusals_forget_old_accounts(monkeypatch):
    monkeypatch.setattr("sandbox.people.refusals._MOST_KEPT", 2)
    refusals = Refusals(lambda _a, _c: None)

    for number in range(5):
        refusals.of_account(f"a{number}")
        refusals.report(NOW + timedelta(minutes=number))

    assert len(refusals._entered_at) <= 2


def test_setup_code_is_offered_once_and_compared_whole(tmp_path):
    setup = SetupCode(tmp_path / "code")
    assert not setup.matches("")

    setup.offer()
    text = (tmp_path / "code").read_text().strip()
    setup.offer()

    assert (tmp_path / "code").read_text().strip() == text
    assert setup.matches(text)
    assert not any(map(setup.matches, ["", text[:-1], text + "x", "码"]))
    setup.spend()
    setup.spend()
    assert not setup.matches(text)


def test_empty_setup_code_matches_nothing(tmp_path):
    (tmp_path / "code").write_text("\n")

    assert not SetupCode(tmp_path / "code").matches("")


@pytest.mark.parametrize(
    "name", ["", " ", "a\nb", "a" * 65, ".a", "a.", "a/b", "<a>", "a\u200bb", "_a"]
)
def test_names_that_people_cannot_tell_apart_are_refused(name):
    with pytest.raises(Unacceptable, match="name-refused"):
        account_name(name)


@pytest.mark.parametrize("name", ["a", "张三", "amy.b-c", "Amy B", "amy@hospital"])
def test_plain_names_are_good(name):
    assert account_name(name) == folded(name)


@pytest.mark.parametrize("code", ["", "two words", "病院", "a" * 129])
def test_organisations_are_short_codes(code):
    with pytest.raises(Unacceptable, match="organisation-refused"):
        organisation_code(code)
