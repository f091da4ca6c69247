"""Passports and packages: what they hold, who signed, and what was left out."""

import base64
import json

import pytest
from small_hospital import (
    FILES,
    RECIPIENT,
    RELEASE,
    SmallHospital,
    before_release,
    digest_of,
    hospital,
)
from small_log import PROJECT, SmallLog, named
from verdicts import BROKEN, CANNOT_TELL, assert_broken, on_file, on_package, pins_of

from crypto import canonical, dsse


# --- passports -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital()


def opened(octets: bytes) -> dict:
    return json.loads(octets)


def altered(house: SmallHospital, change) -> tuple[int, str]:
    passport = opened(house.passports[RELEASE])
    change(passport)
    return on_file(canonical.encode(passport), pins_of(house))


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda p: p.update(more=1), ("passport-malformed",)),
        (lambda p: p.update(evidence=[]), ("passport-malformed",)),
        (lambda p: p.update(evidence={}), ("passport-malformed",)),
        (lambda p: p.pop("evidence"), ("passport-malformed",)),
        (lambda p: p["evidence"].append("x"), ("receipt-malformed",)),
        (lambda p: p["evidence"][0].update(part={}), ("receipt-malformed",)),
        (lambda p: p["evidence"][0].update(entry=1), ("receipt-malformed",)),
        (lambda p: p["evidence"].append(p["evidence"][-1]), ("passport-evidence-not-in-order",)),
        (lambda p: p["evidence"].reverse(), ("passport-evidence-not-in-order",)),
        (lambda p: p["evidence"].pop(0), ("role-not-granted",)),
        (lambda p: p["evidence"].pop(1), ("role-not-granted",)),
        (lambda p: p["evidence"].pop(), ("release-votes-short",)),
        (lambda p: p.update(envelope=[]), ("envelope-malformed",)),
        (lambda p: p["envelope"].update(payloadType="text/plain"), ("envelope-malformed",)),
        (lambda p: p["envelope"].update(payload=3), ("envelope-malformed",)),
        (lambda p: p["envelope"].update(payload="e30"), ("not-base64",)),
        (lambda p: p["envelope"].update(payload="e30="), ("statement-malformed",)),
        (lambda p: p["envelope"].update(payload="e30K"), ("not-canonical-json",)),
        (lambda p: p["envelope"].update(signatures=[]), ("envelope-signature-missing",)),
        (lambda p: p["envelope"].update(signatures={}), ("envelope-malformed",)),
        (lambda p: p["envelope"]["signatures"].append([]), ("envelope-malformed",)),
        (lambda p: p["envelope"]["signatures"][0].update(x=1), ("envelope-malformed",)),
        (lambda p: p["envelope"]["signatures"][0].update(keyid=[]), ("envelope-malformed",)),
        (
            lambda p: p["envelope"]["signatures"].append(p["envelope"]["signatures"][0]),
            ("envelope-malformed",),
        ),
        (lambda p: p["envelope"]["signatures"].pop(), ("envelope-signature-missing",)),
        (lambda p: p["envelope"]["signatures"].pop(0), ("envelope-signature-missing",)),
    ],
)
@pytest.mark.requirement("R48")
def test_a_passport_of_another_form_is_named(house, change, codes):
    assert_broken(altered(house, change), *codes)


@pytest.mark.parametrize("stranger", ["lead", "nobody", "recipient"])
def test_a_signature_too_many_is_named(house, stranger):
    signers = [*house.voted, house.person("worker"), house.person(stranger)]

    verdict = on_file(house.passport(signers=signers), pins_of(house))

    assert_broken(verdict, "envelope-signature-wrong")


def test_a_worker_whose_role_ended_signs_no_passport():
    log = before_release()
    worker = next(e for e in log.entries if e["action"] == "member.grant")
    membership = worker["objects"]["membership"]
    log.request()
    log.screen()
    log.vote("steward")
    log.vote("checker")
    log.revoke(membership)
    wanted = [*log._rests_on(), len(log.raw) - 1]
    passport = opened(log.passport())
    passport["evidence"] = [log.attested(index) for index in sorted(set(wanted))]

    verdict = on_file(canonical.encode(passport), pins_of(log))

    assert_broken(verdict, "envelope-signature-wrong")


@pytest.mark.parametrize(
    "predicate",
    [
        {"release": named("other")},
        {"package": digest_of(b"x")},
        {"recipient": named("other")},
        {"project": named("other")},
        {"ledger": named("other")},
        {"grade": 2},
        {"category": "important"},
        {"labels": 2},
        {"ledger": ""},
        {"release": 3},
    ],
)
def test_a_statement_that_nobody_voted_for_is_named(house, predicate):
    passport = house.passport(statement=house.statement(**predicate))

    assert_broken(
        on_file(passport, pins_of(house)),
        "release-not-requested-or-screened",
        "release-of-another-package",
        "statement-differs-from-log",
        "statement-malformed",
    )


@pytest.mark.parametrize(
    ("predicate", "code"),
    [
        ({"recipient": named("other")}, "statement-differs-from-log"),
        ({"project": named("other")}, "statement-differs-from-log"),
        ({"ledger": named("other")}, "statement-differs-from-log"),
        ({"package": digest_of(b"x")}, "release-of-another-package"),
        ({"grade": 2}, "release-of-another-grade"),
        ({"category": "important"}, "release-of-another-grade"),
    ],
)
def test_a_statement_that_was_voted_for_and_is_not_the_logs_is_named(predicate, code):
    log = before_release()
    log.request()
    log.screen(**predicate)
    log.vote("steward")
    log.vote("checker")

    assert_broken(on_file(log.passport(), pins_of(log)), code)


def test_a_passport_mixes_no_logs(house):
    other = SmallHospital(ledger=named("other"))
    other.enrol()
    passport = opened(house.passports[RELEASE])
    passport["evidence"].append(other.attested(3))

    verdict = on_file(canonical.encode(passport), pins_of(house, other))

    assert_broken(verdict, "passport-evidence-of-several-logs")


def test_a_passport_under_two_histories_is_named(house):
    """The notary signed two heads of one size: each proof holds, together they convict."""
    other = hospital()
    other.take([*house.raw[:-1], other.raw[0]])
    passport = opened(house.passports[RELEASE])
    index = len(passport["evidence"]) - 1
    entry = json.loads(passport["evidence"][index]["entry"])
    size = int(passport["evidence"][0]["proof"].split("\n\n")[1].split("\n")[1])
    fork = SmallHospital()
    fork.take([*house.raw[: size - 1], house.raw[0]])
    if entry["index"] == size - 1:
        passport["evidence"].pop()
        entry = json.loads(passport["evidence"][-1]["entry"])
    passport["evidence"][-1] = {
        "entry": passport["evidence"][-1]["entry"],
        "proof": fork.proof(entry["index"]),
    }

    verdict = on_file(canonical.encode(passport), pins_of(house))

    assert_broken(verdict, "log-forked")


@pytest.mark.requirement("R57")
def test_a_recipient_whom_no_steward_enrolled_is_named(house):
    (grant,) = house.person("recipient").grants

    verdict = on_file(house.passport(leave_out=[grant[3]]), pins_of(house))

    assert_broken(verdict, "recipient-not-enrolled")


def test_a_passport_leaves_out_nothing_that_it_rests_on(house):
    beside = {e["index"] for e in house.entries if e["action"] == "release.seal"}

    for index in set(house._rests_on()) - beside:
        assert on_file(house.passport(leave_out=[index]), pins_of(house))[0] == BROKEN, index


# --- packages ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: f.pop("labels.jsonl"), "package-file-missing"),
        (lambda f: f.update(notes=b"x"), "package-file-unknown"),
        (lambda f: f.update({"labels.jsonl": b""}), "package-file-differs"),
        (lambda f: f.update({"sub/labels.jsonl": b"x"}), "package-file-unknown"),
        (lambda f: f.pop("passport.json"), "file-missing"),
        (lambda f: f.update({"passport.json": b"{}"}), "passport-malformed"),
    ],
)
def test_a_package_is_exactly_its_files(house, change, code):
    files = house.package()
    change(files)

    assert_broken(on_package(files, pins_of(house)), code)


def test_a_package_whose_digest_is_not_that_of_its_files_is_named():
    log = before_release()
    log.request()
    said = canonical.decode(log.statement())
    said["subject"][0]["digest"]["sha256"] = "0" * 64
    log.statement = lambda **_: canonical.encode(said)
    log.screen()
    log.vote("steward")
    log.vote("checker")
    files = {**FILES, "passport.json": log.passport()}

    assert_broken(on_package(files, pins_of(log)), "package-file-differs")

    said["subject"].pop(0)
    log = before_release()
    log.request()
    log.statement = lambda **_: canonical.encode(said)
    log.screen()
    log.vote("steward")
    log.vote("checker")
    kept = {row["name"]: FILES[row["name"]] for row in said["subject"]}

    verdict = on_package({**kept, "passport.json": log.passport()}, pins_of(log))

    assert_broken(verdict, "release-of-another-package")


def test_a_passport_without_the_logs_key_is_nothing(house):
    stranger = SmallLog(ledger=named("stranger"))

    assert on_file(house.passports[RELEASE], pins_of(stranger))[0] == CANNOT_TELL
    assert on_package(house.package(), pins_of(stranger))[0] == CANNOT_TELL


def test_the_envelope_is_what_other_tools_verify(house):
    """DSSE by the book: any in-toto tool with the voters' keys reads the same."""
    envelope = opened(house.passports[RELEASE])["envelope"]
    keys = [who.key.public_bytes for who in house.voted]

    signed = dsse.verify(envelope, keys)

    assert base64.b64decode(envelope["payload"]) == signed.payload
    assert json.loads(signed.payload)["predicate"]["recipient"] == RECIPIENT
    assert set(signed.signers) == set(keys)
    assert PROJECT in signed.payload.decode()
