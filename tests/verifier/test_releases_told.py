"""A release that should not have been: what the log and the passport give away about it."""

import base64
import json

import pytest
from small_hospital import (
    FILES,
    OWN,
    RECIPIENT,
    RELEASE,
    SmallHospital,
    before_release,
    digest_of,
    hospital,
    screened,
)
from small_log import DATASET, PROJECT, TABLE, Entry, SmallLog, named
from verdicts import BROKEN, CANNOT_TELL, SOUND, assert_broken, on_file, on_package, pins_of, story

from crypto import canonical, dsse, verifier


def sealed(*voters: str, log: SmallHospital | None = None, **given: object) -> SmallHospital:
    log = log or screened(**given)
    for voter in voters:
        log.vote(voter)
    log.seal()
    return log


# --- by the log alone ------------------------------------------------------------------------
@pytest.mark.requirement("R50")
def test_two_votes_with_one_of_the_hospital_suffice():
    log = sealed("steward", "checker")

    assert "1 releases" in story(log)[1]
    assert on_file(log.pack(), pins_of(log))[0] == SOUND


@pytest.mark.parametrize("voters", [(), ("steward",)])
def test_too_few_votes_are_named(voters):
    assert_broken(story(sealed(*voters)), "release-votes-short")


def test_votes_without_the_hospital_are_named():
    log = before_release()
    log.grant("second", "output-checker", organisation="platform")
    log.request()
    log.screen()

    assert_broken(story(sealed("checker", "second", log=log)), "release-without-hospital-vote")


def test_an_organisation_that_the_entry_only_claims_makes_no_hospital_vote():
    """The grant stands behind the voter's key, not the word in the entry."""
    log = before_release()
    log.grant("second", "output-checker", organisation="platform")
    log.grant("second", "depositor")
    log.request()
    log.screen()
    log.vote("checker")
    log.vote("second", change=lambda e: e.update(organisation="hospital"))
    log.seal()

    assert_broken(story(log), "release-without-hospital-vote")


@pytest.mark.requirement("R49")
def test_the_requesters_vote_is_named():
    log = before_release()
    log.grant("lead", "steward")
    log.request()
    log.screen()

    assert_broken(
        story(sealed("lead", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


def test_a_labellers_vote_is_named():
    log = before_release()
    log.grant("labeller", "privacy-officer")
    log.request()
    log.screen()

    assert_broken(
        story(sealed("labeller", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


def test_a_label_whose_objects_hide_the_project_still_bars_its_author():
    log = before_release()
    log.grant("second", "labeller", OWN)
    log.grant("second", "privacy-officer")
    log.submit("second", change=lambda e: e["objects"].pop("project"))
    log.request()
    log.screen()

    assert_broken(
        story(sealed("second", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


def test_a_labellers_key_under_another_name_is_named():
    log = before_release()
    log.person("alias").key_name = "labeller"
    log.grant("alias", "privacy-officer")
    log.request()
    log.screen()

    assert_broken(
        story(sealed("alias", "checker", log=log)), "release-voted-by-requester-or-labeller"
    )


@pytest.mark.parametrize("twin", ["steward", "twin"])
def test_one_persons_two_votes_are_named(twin):
    log = before_release()
    log.person("twin").key_name = "steward"
    log.grant("twin", "privacy-officer")
    log.request()
    log.screen()

    assert_broken(story(sealed("steward", twin, log=log)), "release-vote-doubled")


def test_a_vote_by_someone_without_a_voting_role_is_named():
    log = screened()
    log.vote("steward")
    log.vote("officer", change=lambda e: e["ruling"].update(allowed=True))
    log.seal()

    assert_broken(story(log), "release-vote-of-nobody")


@pytest.mark.parametrize("verdict", ["reject", "return", "abstain"])
def test_a_seal_against_a_vote_is_named(verdict):
    log = screened()
    log.vote("privacy", verdict)

    assert_broken(story(sealed("steward", "checker", log=log)), "release-against-a-vote")


@pytest.mark.parametrize("term", ["package", "statement"])
def test_votes_on_something_else_do_not_count(term):
    log = screened()
    log.vote("steward")
    log.vote("checker", **{term: digest_of(b"another")})
    log.seal()

    assert_broken(story(log), "release-votes-short")


def test_votes_before_the_last_screening_do_not_count():
    log = screened()
    log.vote("steward")
    log.screen()

    assert_broken(story(sealed("checker", log=log)), "release-votes-short")


def test_a_release_that_was_not_asked_for_or_screened_is_named():
    log = before_release()
    log.request()
    log.statements[RELEASE] = log.statement()
    log.vote("steward")
    log.vote("checker")
    log.seal()
    assert_broken(story(log), "release-not-requested-or-screened")

    log = before_release()
    log.screen()
    assert_broken(story(sealed("steward", "checker", log=log)), "release-not-requested-or-screened")

    log = before_release()
    log.screen()
    log.request()
    assert_broken(story(sealed("steward", "checker", log=log)), "release-not-requested-or-screened")


def test_a_screening_that_let_nothing_through_releases_nothing():
    log = before_release()
    log.request()
    log.screen(change=lambda e: e["outcome"]["digests"].pop("package"))

    assert_broken(story(sealed("steward", "checker", log=log)), "release-not-requested-or-screened")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: o["digests"].update(package=digest_of(b"x")), "release-of-another-package"),
        (lambda o: o["digests"].pop("package"), "release-of-another-package"),
        (lambda o: o["objects"].update(recipient=named("x")), "release-to-another-recipient"),
        (lambda o: o.pop("objects"), "release-to-another-recipient"),
    ],
)
@pytest.mark.requirement("R57")
def test_a_seal_on_another_package_or_for_another_recipient_is_named(change, code):
    log = screened()
    log.vote("steward")
    log.vote("checker")
    log.seal(change=lambda entry: change(entry["outcome"]))

    assert_broken(story(log), code)


def test_one_approval_seals_one_package_once():
    log = sealed("steward", "checker")
    log.seal()

    assert_broken(story(log), "release-sealed-twice")


# --- with the decision table -------------------------------------------------------------------
def packed(log: SmallHospital) -> tuple[int, str]:
    return on_file(log.pack(), pins_of(log))


def forced(log: SmallHospital, *voters: str) -> SmallHospital:
    """Sealed although policy says no, with a verdict that fits the facts as they are told."""
    for voter in voters:
        log.vote(voter)
    log.seal()
    return log


@pytest.mark.requirement("R50")
def test_grade_4_asks_for_three_votes_and_the_steward():
    enough = sealed("steward", "checker", "privacy", grade=4)
    short = sealed("steward", "checker", grade=4)
    log = before_release(grade=4)
    log.grant("second", "privacy-officer")
    log.request()
    log.screen()

    assert packed(enough)[0] == SOUND
    assert_broken(packed(short), "release-votes-short")
    assert_broken(packed(forced(log, "checker", "privacy", "second")), "release-votes-short")


def test_important_data_asks_for_the_regulators_vote():
    enough = sealed("steward", "checker", "regulator", category="important")
    short = sealed("steward", "checker", "privacy", category="important")

    assert packed(enough)[0] == SOUND
    assert_broken(packed(short), "release-votes-short")


def _allow(entry: Entry) -> None:
    entry["ruling"]["allowed"] = True
    entry["ruling"]["rule"] = "release.seal/worker"


@pytest.mark.parametrize("given", [{"grade": 5}, {"category": "core"}])
def test_what_never_leaves_is_named_when_it_left(given):
    log = before_release(**given)
    log.request(change=_allow)
    log.screen()
    for voter in ("steward", "checker", "privacy", "regulator"):
        log.vote(voter, change=_allow)
    log.seal(change=_allow)

    assert_broken(packed(log), "verdict-differs-from-table")


def test_a_grade_told_lower_at_the_seal_than_at_the_beginning_is_named():
    log = before_release(grade=5)
    log.facts["grade"] = 3

    log.request()
    log.screen()

    assert_broken(packed(sealed("steward", "checker", log=log)), "release-of-another-grade")


def test_a_dataset_is_graded_once_and_wholly():
    log = before_release()
    log.collect()
    assert_broken(story(log), "dataset-grading-malformed")

    for kind in ("counts", "codes"):
        log = SmallHospital()
        log.enrol()
        outcome = {"counts": {"grade": 1}, "codes": {"category": "general"}}
        del outcome[kind]
        log.add("steward", "dataset.create", {"dataset": DATASET}, facts={"complete": True},
                outcome=outcome)  # fmt: skip

        assert_broken(story(log), "dataset-grading-malformed")


def test_a_release_of_data_that_the_log_does_not_know_is_named():
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.release()  # no `project.create` says which dataset it is from

    assert_broken(packed(log), "release-of-another-grade")


@pytest.mark.parametrize(
    "grading", [(5, "general"), (3, "core"), (6, "general"), (None, None), (3, "secret")]
)
def test_the_table_says_what_never_leaves_whoever_votes(grading):
    quorum = json.loads(TABLE.encoded)["quorum"]

    with pytest.raises(verifier.Broken, match="release-of-a-grade-that-never-leaves"):
        verifier.check_quorum([], grading, quorum, "entry 9")


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
    membership = log.entries[1]["objects"]["membership"]
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
    """Only approvals are told beside: whatever else is missing is missed."""
    beside = {e["index"] for e in house.entries if e["action"] in {"approval.sign", "release.seal"}}
    beside |= {grant[3] for grant in house.person("officer").grants}

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
