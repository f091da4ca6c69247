"""What the platform's log says of the policy, and pinned decision tables (R11, R12)."""

import io
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import timedelta

import pytest
from small_hospital import hospital
from small_log import TABLE, named
from small_platform import (
    OTHER,
    THIRD,
    SmallPlatform,
    account,
    admins,
    key_digest,
    lying,
    ruled,
    signed_again,
)
from verdicts import SOUND, assert_broken, on_file, pins_of, story

from crypto import verifier
from crypto.verifier import Pins


@pytest.mark.requirement("R11")
def test_a_change_by_two_people_is_sound():
    log = admins()
    log.propose()
    log.approve()
    log.sign_in()

    assert story(log)[0] == SOUND


def claiming(**outcome):
    """An outcome other than what happened."""
    digests = {"policy": OTHER, "diff": OTHER, "proof": OTHER} | outcome
    return lying(outcome={"digests": digests})


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("tell", "code"),
    [
        (lambda log: (log.propose("root"), log.approve("root")), "policy-approved-by-its-author"),
        (lambda log: log.approve(), "policy-not-proposed"),
        (lambda log: (log.propose(), log.propose()), "policy-of-another-table"),
        (lambda log: (log.propose(), log.approve(), log.approve()), "policy-not-proposed"),
        (
            lambda log: (log.propose(change=signed_again(base=OTHER)), log.approve()),
            "policy-overtaken",
        ),
        (
            lambda log: (log.propose(), log.approve(change=signed_again(table=TABLE.digest))),
            "policy-of-another-table",
        ),
        (
            lambda log: (log.propose(), log.approve(change=claiming(policy=TABLE.digest))),
            "policy-of-another-table",
        ),
        (
            lambda log: (log.propose(), log.approve(change=claiming(diff=THIRD))),
            "policy-of-another-difference",
        ),
        (
            lambda log: (log.propose(), log.approve(change=claiming(proof=THIRD))),
            "policy-of-another-difference",
        ),
        (
            lambda log: (log.propose(), log.approve(change=lying(outcome={}))),
            "policy-of-another-table",
        ),
        (lambda log: log.propose(change=claiming(diff=THIRD)), "policy-of-another-difference"),
        (
            lambda log: (log.propose(), log.approve(change=lambda e: e.pop("signed"))),
            "signature-of-person-missing",
        ),
        (
            lambda log: (
                log.propose(),
                log.approve(change=lambda e: e["signed"].update(nonce="0" * 32)),
            ),
            "signature-of-person-wrong",
        ),
        (lambda log: log.propose(change=signed_again(more="x")), "signed-act-malformed"),
        (lambda log: log.adopt(), "policy-adopted-twice"),
        (
            lambda log: log.sign_in(lying(ruling=ruled("session.open/self", OTHER))),
            "ruled-by-table-never-in-force",
        ),
        (
            lambda log: (
                log.propose(),
                log.approve(),
                log.sign_in(lying(ruling=ruled("session.open/self"))),
            ),
            "ruled-by-table-no-longer-in-force",
        ),
    ],
)
def test_a_policy_that_came_into_force_otherwise_is_named(tell, code):
    log = admins()
    tell(log)

    assert_broken(story(log), code)


@pytest.mark.requirement("R11")
def test_a_table_that_did_not_rule_is_not_adopted():
    log = SmallPlatform()
    log.adopt(change=lying(outcome={"digests": {"policy": OTHER}}))

    assert_broken(story(log), "policy-of-another-table")


@pytest.mark.requirement("R11")
def test_a_refused_approval_changes_nothing():
    log = admins()
    log.propose()
    refused = lying(refusal="forbidden", outcome={})
    log.approve(change=lambda e: (e.pop("signed"), refused(e)))
    log.in_force = TABLE.digest
    log.sign_in()

    assert story(log)[0] == SOUND


# --- who they are -------------------------------------------------------------------------------------
@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("tell", "code"),
    [
        # Roles that nobody granted, granted to another, or by another entry.
        (lambda log: log.sign_in(lying(roles=["operator"])), "role-not-granted"),
        (lambda log: log.sign_in(lying(roles=[])), "role-not-granted"),
        (lambda log: log.sign_in(lying(granted_by=[2])), "role-not-granted"),
        (
            lambda log: log.sign_in(lying(granted_by=[0], roles=["policy-admin"])),
            "role-not-granted",
        ),
        (
            lambda log: log.sign_in(lying(granted_by=[], roles=["policy-admin"])),
            "role-not-granted",
        ),
        (lambda log: log.sign_in(lying(organisation="firm:one")), "organisation-not-granted"),
        (lambda log: (log.revoke("second"), log.sign_in()), "role-not-granted"),
        (lambda log: (log.remove("second"), log.sign_in()), "role-not-granted"),
        (lambda log: (log.revoke("root", "operator"), log.propose("root")), "role-not-granted"),
        # Grants by nobody entitled, unsigned, for other accounts, keys, roles.
        (
            lambda log: (
                log.enrol("third"),
                log.grant("second", "third", change=lying(ruling=ruled("member.grant/operator"))),
            ),
            "granted-by-no-operator",
        ),
        (
            lambda log: (
                log.enrol("third"),
                log.grant("root", "third", change=lambda e: e.pop("signed")),
            ),
            "signature-of-person-missing",
        ),
        (lambda log: log.grant("root", "third"), "grant-to-another-key"),
        (
            lambda log: (log.enrol("third"), log.grant("root", "third", key_of="second")),
            "grant-to-another-key",
        ),
        (
            lambda log: (
                log.enrol("third"),
                log.grant("root", "third", change=lambda e: e["objects"].update(member=named("x"))),
            ),
            "grant-to-another-key",
        ),
        (
            lambda log: (
                log.enrol("third"),
                log.grant("root", "third", change=signed_again(role="steward")),
            ),
            "grant-terms-malformed",
        ),
        (lambda log: log.grant("root", "second"), "membership-granted-twice"),
        (lambda log: log.revoke("third"), "revoked-membership-unknown"),
        # Keys.
        (
            lambda log: (log.enrol("third"), give_key(log, "third"), log.enrol("third")),
            "key-enrolled-twice",
        ),
        (
            lambda log: log.enrol(
                "third",
                lambda e: e["outcome"]["digests"].update(
                    signing_key=key_digest(log.person("second"))
                ),
            ),
            "key-enrolled-twice",
        ),
        (
            lambda log: log.enrol("third", lying(objects={"account": account("second")})),
            "key-of-another-account",
        ),
        (
            lambda log: log.act(
                "root", "ledger.open", {"founding": True}, objects={"account": account("root")}
            ),
            "first-entry-names-no-operator",
        ),
    ],
)
def test_a_role_or_key_that_the_platforms_log_does_not_prove_is_named(tell, code):
    log = admins()
    tell(log)

    assert_broken(story(log), code)


def give_key(log, name):
    """From now on the person has another key."""
    log.person(name).key_name = f"another of {name}"


def test_a_key_told_of_once_more_is_the_same_key():
    log = admins()
    log.enrol("second")

    assert story(log)[0] == SOUND


@pytest.mark.requirement("R12")
def test_a_signature_by_a_key_that_no_entry_enrolled_counts_for_nothing():
    log = SmallPlatform()
    log.adopt()
    log.propose("root")

    assert_broken(story(log), "signed-by-unenrolled-key")


@pytest.mark.requirement("R12")
def test_a_signature_by_another_key_than_the_enrolled_one_counts_for_nothing():
    log = admins()
    log.person("second").key_name = "stranger"
    log.propose()

    assert_broken(story(log), "signed-by-unenrolled-key")


@pytest.mark.requirement("R11")
def test_whoever_lost_the_role_changes_no_policy():
    log = admins()
    log.propose()
    log.revoke("root", "policy-admin")
    gone = ("policy-admin", "platform", "platform", 0)
    log.person("root").grants.remove(gone)
    log.approve(change=lying(ruling=ruled("policy.approve/policy-admin")))

    assert_broken(story(log), "policy-changed-by-no-admin")


@pytest.mark.requirement("R11")
def test_an_approver_whom_the_author_appointed_is_named():
    log = admins()
    log.propose("root")
    log.approve("second")

    assert_broken(story(log), "policy-approved-by-appointee-of-author")


@pytest.mark.requirement("R11")
def test_an_approver_whom_an_appointee_of_the_author_appointed_is_named():
    log = admins()
    log.grant("root", "second", "operator")
    log.enrol("third")
    log.grant("second", "third")
    log.propose("root")
    log.approve("third")

    assert_broken(story(log), "policy-approved-by-appointee-of-author")


@pytest.mark.requirement("R11")
def test_two_whom_a_third_appointed_are_two_people():
    log = admins()
    log.enrol("third")
    log.grant("root", "third")
    log.propose("third")
    log.approve("second")

    assert story(log)[0] == SOUND


# --- a hospital's log beside the platform's -----------------------------------------------------------
MINUTES = timedelta(minutes=5)


def beside(platform, log, tmp_path, keys=None) -> tuple[int, str]:
    """The verdict on a hospital's log, with the platform's at hand."""
    for name, each in (("platform", platform), ("hospital", log)):
        for path, content in each.files().items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_bytes(content)
    arguments = [str(tmp_path / "hospital"), "--platform", str(tmp_path / "platform")]
    for key in keys or (*platform.vkeys, *log.vkeys):
        arguments += ["--key", key]
    said = io.StringIO()
    with redirect_stdout(said):
        code = verifier.main(arguments)
    return code, said.getvalue().rstrip("\n")


def read_on(log, policy=TABLE.digest):
    """One more reading, ruled by a table."""
    log.add("regulator", "log.read", {}, change=lambda e: e["ruling"].update(policy=policy))


@pytest.mark.requirement("R12")
def test_a_hospitals_log_follows_the_policy_in_force(tmp_path):
    platform, log = admins(), hospital()
    platform.now = log.now = platform.now + MINUTES
    platform.propose()
    platform.approve()
    read_on(log)  # within the minute: a unit that had begun
    log.now += MINUTES
    read_on(log, OTHER)

    code, said = beside(platform, log, tmp_path)

    assert code == SOUND
    assert said.endswith("; policy unpinned, 2 in force by the platform's log")


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("ago", "policy", "code"),
    [
        (-MINUTES, TABLE.digest, "ruled-by-table-no-longer-in-force"),
        (MINUTES, OTHER, "ruled-by-table-too-early"),
        (-MINUTES, THIRD, "ruled-by-table-never-in-force"),
    ],
)
def test_a_table_that_is_not_in_force_on_a_hospitals_log_is_named(ago, policy, code, tmp_path):
    platform, log = admins(), hospital()
    platform.now = log.now + 2 * MINUTES
    platform.propose()
    platform.approve()
    log.now = platform.now - ago
    read_on(log, policy)

    assert_broken(beside(platform, log, tmp_path), code)


@pytest.mark.requirement("R12")
def test_what_ruled_before_the_first_adoption_is_nobodys_fault(tmp_path):
    platform, log = SmallPlatform(), hospital()
    read_on(log, OTHER)
    platform.now = log.now + MINUTES
    platform.adopt()

    assert beside(platform, log, tmp_path)[0] == SOUND


@pytest.mark.requirement("R12")
def test_a_platforms_log_that_is_unsound_unpinned_or_another_is_named(tmp_path):
    platform, log = admins(), hospital()
    assert beside(platform, log, tmp_path / "a", log.vkeys)[0] == verifier.CANNOT_TELL
    assert beside(SmallPlatform(), log, tmp_path / "b")[0] == verifier.CANNOT_TELL
    assert_broken(beside(log, log, tmp_path / "c"), "log-not-the-platforms")
    platform.adopt()

    verdict = beside(platform, log, tmp_path / "d")

    assert_broken(verdict, "policy-adopted-twice")
    assert verdict[1].endswith(", in the platform's log")


@pytest.mark.requirement("R12")
def test_receipts_are_held_to_the_policy_in_force():
    platform, log = admins(), hospital()
    platform.propose()
    platform.approve()
    log.now = platform.now + MINUTES
    read_on(log)
    pins = verifier.read_pins([*platform.vkeys, *log.vkeys])
    in_force = (verifier.InForce(OTHER, 0, "2026-07-01T08:00:00.000000Z"),)

    verdict = on_file(log.receipt(len(log.raw) - 1), replace(pins, in_force=in_force))

    assert_broken(verdict, "ruled-by-table-never-in-force")


# --- pinned tables ----------------------------------------------------------------------------------
@pytest.mark.requirement("R12")
def test_a_log_ruled_by_a_pinned_table_is_sound_and_by_another_broken():
    log = hospital()
    keys = pins_of(log).keys

    assert story(log, Pins(keys, frozenset({TABLE.digest, OTHER})))[0] == SOUND
    assert_broken(story(log, Pins(keys, frozenset({OTHER}))), "ruled-by-unpinned-policy")


@pytest.mark.requirement("R12")
def test_packs_and_receipts_are_held_to_the_pinned_table():
    log = hospital()
    other = Pins(pins_of(log).keys, frozenset({OTHER}))

    assert_broken(on_file(log.pack(), other), "ruled-by-unpinned-policy")
    assert_broken(on_file(log.receipt(3), other), "ruled-by-unpinned-policy")


def test_tables_are_pinned_by_digest_or_by_a_file_of_them(tmp_path):
    listed = tmp_path / "tables"
    listed.write_text(f"{OTHER}\n{TABLE.digest}\n")

    assert verifier.read_policies([OTHER]) == {OTHER}
    assert verifier.read_policies([str(listed)]) == {OTHER, TABLE.digest}


@pytest.mark.parametrize("text", ["", "sha256:12", "sha256:" + "g" * 64])
def test_what_is_no_digest_pins_nothing(tmp_path, text):
    listed = tmp_path / "tables"
    listed.write_text(text)

    code = verifier.main([str(tmp_path), "--key", "x+00000000+y", "--policy", str(listed)])

    assert code == verifier.USAGE
    with pytest.raises(ValueError, match="--policy"):
        verifier.read_policies([str(listed)])
