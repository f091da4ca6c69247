"""Acts that count only with their actor's signature, in a log whose operator signs anything."""

from collections.abc import Callable

import pytest
from lies import allowed, house, in_signed, putting, without
from small_hospital import DATASET, SmallHospital
from small_log import Entry, b64, named
from verdicts import SOUND, assert_broken, story

from crypto import verifier


# --- signatures --------------------------------------------------------------------------------
def deposit(log: SmallHospital, change: Callable[[Entry], None], by: str = "steward") -> None:
    objects = {"dataset": DATASET, "deposit": named("deposit")}
    log.add(by, "deposit.open", objects, terms={"manifest": "sha256:" + "0" * 64},
            change=lambda entry: (allowed(entry), change(entry)))  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without("signed"), "signature-of-person-missing"),
        (in_signed(signature=b64(bytes(64)), resign=False), "signature-of-person-wrong"),
        (in_signed(signature="", resign=False, nonce=named("n")), ""),
        (in_signed(signature="AA==", resign=False), "signature-of-person-wrong"),
        (in_signed(signature="A", resign=False), "not-base64"),
        (in_signed(nonce=named("n"), resign=False), "signature-of-person-wrong"),
        (in_signed(nonce="0" * 31, resign=False), "signed-act-malformed"),
        (in_signed(key=b64(bytes(32)), resign=False), "signed-by-unenrolled-key"),
        (in_signed(key="", resign=False), "signed-by-unenrolled-key"),
        (in_signed(terms={}), "signed-act-malformed"),
        (in_signed(terms={"manifest": "x", "more": "y"}), "signed-act-malformed"),
        (in_signed(terms={"manifest": "two words"}, resign=False), "signed-act-malformed"),
        (in_signed(terms=[], resign=False), "signed-act-malformed"),
        (in_signed(objects={}), "signed-act-malformed"),
        (in_signed(objects={"dataset": DATASET}), "signed-act-malformed"),
        (in_signed(objects={"dataset": DATASET, "deposit": named("x")}), "signed-objects-differ"),
        (in_signed(objects="x", resign=False), "signed-act-malformed"),
        (in_signed(more=1), "signed-act-malformed"),
        (putting(signed=[]), "signed-act-malformed"),
    ],
)
@pytest.mark.requirement("R59")
def test_a_signed_act_without_its_actors_signature_is_named(change, code):
    log = house()
    deposit(log, change)

    verdict = story(log)

    if code:
        assert_broken(verdict, code)
    else:
        assert verdict[0] == SOUND  # a fresh nonce under a fresh signature is no lie


def test_a_signed_act_counts_once():
    log = house()
    deposit(log, lambda _: None)
    signed = log.entries[-1]["signed"]
    assert story(log)[0] == SOUND
    deposit(log, lambda entry: entry.update(signed=dict(signed)))

    assert_broken(story(log), "signed-act-replayed")


def test_a_signature_of_another_ledger_or_act_does_not_count():
    other = SmallHospital(ledger=named("other"))
    other.enrol()
    deposit(other, lambda _: None)
    stolen = {**other.entries[-1]["signed"], "nonce": named("fresh")}
    log = house()
    deposit(log, lambda entry: entry.update(signed=stolen))

    assert_broken(story(log), "signature-of-person-wrong")


def test_somebody_elses_key_does_not_sign():
    log = house()
    officer = b64(log.person("officer").key.public_bytes)
    deposit(log, in_signed(key=officer, resign=False))

    assert_broken(story(log), "signed-by-unenrolled-key")


def test_a_key_of_a_revoked_or_expired_role_does_not_sign():
    for expires_at in ("", "2026-07-01T08:00:00.094000Z"):
        log = house()
        membership = log.grant("guest", "depositor", expires_at=expires_at)["objects"]["membership"]
        if not expires_at:
            log.revoke(membership)
        log.person("guest").grants.clear()
        log.add("regulator", "log.read", {}, change=putting(at="2026-07-01T08:00:00.104000Z"))
        log.now = log.now.replace(microsecond=109_000)
        deposit(log, lambda _: None, by="guest")

        assert_broken(story(log), "signed-by-unenrolled-key")


def test_a_key_enrolled_for_another_project_does_not_sign():
    log = house()
    deposit(log, lambda _: None, by="labeller")

    assert_broken(story(log), "signed-by-unenrolled-key")


@pytest.mark.parametrize("point", [0, 1, 2**255 - 20, 2**255 - 19])
def test_a_key_under_which_one_signature_fits_all_is_refused(point):
    key = point.to_bytes(32, "little")

    assert not verifier.ed25519_holds(key, bytes([1]) + bytes(63), b"anything")
