"""The worker believes the signed log: changed rows and lying neighbours get nothing out."""

import json
from dataclasses import replace

import pytest
from release_house import ReleaseHouse, sha256_text
from room_parts import LEDGER, Person, new_id

from crypto.dsse import sign as sign_envelope
from crypto.sealing import generate
from crypto.verifier import check_passport, read_pins
from policies.vocabulary import Category, ReleaseState, Role, TaskState
from sandbox.acts import project_domain
from sandbox.errors import CheckpointPending, NotFound, SandboxError, VerificationFailed
from sandbox.exchange import release_name
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Label, Project, Task
from sandbox.records.people import Membership
from sandbox.records.permits import Permit
from sandbox.records.releases import Vote
from sandbox.release import lineage
from sandbox.release.statement import PAYLOAD_TYPE


def nothing_leaves(house: ReleaseHouse, release: str, code: str | None = None) -> None:
    """The worker refuses, and neither row nor blob of a sealed package comes to be."""
    entries = len(house.entries())
    with pytest.raises(SandboxError) as caught:
        house.work()
    if code:
        assert caught.value.code == code
    assert house.release(release).sealed_blob is None
    assert len(house.entries()) == entries


# --- sealing --------------------------------------------------------------------------------------
def test_a_changed_state_column_gets_nothing(house):
    release = house.screened()
    house.tamper(release, state=ReleaseState.SEALING)

    nothing_leaves(house, release, "release-votes-short")


@pytest.mark.requirement("R50")
def test_one_vote_and_a_changed_state_get_nothing(house):
    release = house.screened()
    house.vote(house.steward, release)
    house.tamper(release, state=ReleaseState.SEALING)

    nothing_leaves(house, release, "release-votes-short")


@pytest.mark.requirement("R50")
def test_a_role_of_another_project_neither_adds_to_a_vote_nor_spoils_it(house):
    release = house.screened()
    voter = house.another(Role.OUTPUT_CHECKER, organisation="platform")
    elsewhere = project_domain(new_id())
    house.grant(voter, Role.PRIVACY_OFFICER, elsewhere, organisation="hospital")
    house.vote(house.steward, release)
    house.vote(voter, release)

    house.work()

    assert house.release(release).sealed_blob


def test_votes_without_the_hospitals_and_a_changed_state_get_nothing(house):
    release = house.screened()
    house.vote(house.checker, release)
    house.vote(house.another(Role.OUTPUT_CHECKER, organisation="platform"), release)
    house.tamper(release, state=ReleaseState.SEALING)

    nothing_leaves(house, release, "release-votes-short")


def test_a_vote_against_and_a_changed_state_get_nothing(house):
    release = house.screened()
    house.vote(house.checker, release)
    house.vote(house.steward, release, "reject")
    house.tamper(release, state=ReleaseState.SEALING)

    nothing_leaves(house, release, "release-not-approved")


def test_a_made_up_vote_row_is_no_vote(house):
    release = house.screened()
    house.vote(house.steward, release)
    (vote,) = house.rows(Vote)
    forged = replace(vote, id=new_id(), account=house.checker.account, index=vote.index)
    house.change_behind_the_gate(forged)
    house.tamper(release, state=ReleaseState.SEALING)

    nothing_leaves(house, release, "release-votes-short")


def test_a_vote_row_ahead_of_the_signed_log_waits(house):
    house.approved()
    vote = house.rows(Vote)[0]
    house.change_behind_the_gate(replace(vote, index=10**6))

    with pytest.raises(CheckpointPending):
        house.work()


@pytest.mark.requirement("R50")
def test_a_lower_grade_in_the_rows_does_not_lower_the_quorum(house):
    release = house.screened(grade=4)
    (dataset,) = house.rows(Dataset)
    house.change_behind_the_gate(replace(dataset, grade=1))
    house.tamper(release, grade=1)

    house.vote(house.steward, release)
    house.vote(house.checker, release)

    assert house.release(release).state is ReleaseState.SEALING
    nothing_leaves(house, release, "release-votes-short")


def test_another_category_in_the_rows_does_not_lower_the_quorum(house):
    release = house.screened(category=Category.IMPORTANT)
    (dataset,) = house.rows(Dataset)
    house.change_behind_the_gate(replace(dataset, category=Category.GENERAL))

    house.vote(house.steward, release)
    house.vote(house.checker, release)

    nothing_leaves(house, release, "release-votes-short")


@pytest.mark.requirement("R50")
def test_a_labeller_who_hides_their_labels_is_found_in_the_log(house):
    house.opened()
    alias = Person(key=house.labeller.key)
    house.accept_all()
    release = house.request()
    house.work()
    house.grant(alias, Role.OUTPUT_CHECKER)
    (label,) = house.rows(Label)
    house.change_behind_the_gate(replace(label, author=new_id()))
    house.vote(alias, release)
    house.vote(house.steward, release)

    assert house.release(release).state is ReleaseState.SEALING
    nothing_leaves(house, release, "release-voted-by-requester-or-labeller")


def test_a_requester_hidden_in_the_row_is_found_in_the_log(house):
    release = house.screened()
    alias = house.another(Role.OUTPUT_CHECKER, key=house.lead.key)
    house.tamper(release, requester=new_id())
    house.vote(alias, release)
    house.vote(house.steward, release)

    nothing_leaves(house, release, "release-voted-by-requester-or-labeller")


def test_a_recipient_changed_in_the_row_receives_nothing(house):
    release = house.approved()
    thief = Person(sealing=generate())
    house.grant(thief, Role.RECIPIENT)
    house.tamper(release, recipient=thief.member)

    house.work()

    sealed = house.blobs.read(house.release(release).sealed_blob)
    with pytest.raises(Exception, match="seal-altered"):
        house.open_sealed(thief, release, sealed)
    assert house.open_sealed(house.recipient, release, sealed)


def test_a_recipients_key_swapped_in_the_rows_is_not_sealed_to(house):
    release = house.approved()
    thief = generate()
    (member,) = house.rows(Membership, account=house.recipient.account)
    house.change_behind_the_gate(replace(member, sealing_key=thief.public_bytes))

    house.work()

    sealed = house.blobs.read(house.release(release).sealed_blob)
    assert house.open_sealed(house.recipient, release, sealed)
    house.recipient.sealing = thief
    with pytest.raises(Exception, match="seal-altered"):
        house.open_sealed(house.recipient, release, sealed)


def test_a_recipient_revoked_meanwhile_receives_nothing(house):
    release = house.approved()
    (member,) = house.rows(Membership, account=house.recipient.account)
    house.revoke(member.id)

    nothing_leaves(house, release, "recipient-unknown")


@pytest.mark.requirement("R52")
def test_another_ciphertext_in_the_row_changes_nothing(house):
    release = house.approved()
    house.tamper(release, package_blob=house.blobs.put(b"another"))

    house.work()

    sealed = house.download(house.recipient, release)
    assert house.open_sealed(house.recipient, release, sealed)


def test_a_missing_ciphertext_gets_nothing(house):
    release = house.approved()
    house.blobs.delete(house.release(release).package_blob)

    nothing_leaves(house, release, "blob-unknown")


@pytest.mark.requirement("R59")
@pytest.mark.parametrize("how", ["missing", "other-key", "other-statement"])
def test_an_envelope_signature_changed_in_the_rows_gets_nothing(house, how):
    release = house.approved()
    statement = house.release(release).statement
    signature = {
        "missing": None,
        "other-key": sign_envelope(PAYLOAD_TYPE, statement, house.lead.key),
        "other-statement": sign_envelope(PAYLOAD_TYPE, b"{}", house.checker.key),
    }[how]
    for vote in house.rows(Vote):
        house.change_behind_the_gate(replace(vote, envelope_signature=signature))

    nothing_leaves(house, release, "signature-invalid")


def test_a_statement_changed_in_the_row_is_not_what_is_sealed(house):
    release = house.approved()
    voted = house.release(release).statement
    house.tamper(release, statement=b"{}")

    house.work()

    passport = json.loads(house.release(release).passport)
    assert json.dumps(passport)
    assert sha256_text(voted) in json.dumps(passport["evidence"])


def test_an_unpinned_steward_is_believed_nothing(house, tmp_path):
    release = house.approved()
    (tmp_path / "stewards.pins").write_text("")
    house.enclave.history._known.clear()

    nothing_leaves(house, release)


@pytest.mark.requirement("R70")
def test_the_passport_holds_all_that_it_rests_on(house):
    release = house.released()

    passport = check_passport(house.release(release).passport, read_pins(house.vkeys()))

    actions = [entry["action"] for entry in passport.entries]
    assert actions[0] == "ledger.open"
    assert {"member.grant", "release.request", "release.screen", "release.vote"} <= set(actions)
    assert passport.statement["predicate"]["witness"] == "unwitnessed"
    assert passport.statement["predicate"]["recipient"] == house.recipient.member


@pytest.mark.requirement("R58")
def test_every_control_that_was_applied_is_kept_and_bound_to_the_package(house):
    release = house.screened()
    files = house.inspect(house.checker, release)
    house.vote(house.steward, release)
    house.vote(house.checker, release)
    house.work()

    passport = check_passport(house.release(release).passport, read_pins(house.vkeys()))

    kept = json.loads(files["controls.json"])
    digests = {one["name"]: one["digest"]["sha256"] for one in passport.statement["subject"]}
    assert kept["controls"] == passport.statement["predicate"]["controls"] != []
    assert f"sha256:{digests['controls.json']}" == sha256_text(files["controls.json"])
    (screened,) = [one for one in passport.entries if one["action"] == "release.screen"]
    assert passport.statement["predicate"]["package"] in json.dumps(screened)


def test_a_sealed_package_is_of_one_release_only(house):
    release = house.released()
    sealed = house.blobs.read(house.release(release).sealed_blob)

    for flip in (3, 1200, len(sealed) - 1):
        broken = bytearray(sealed)
        broken[flip] ^= 1
        with pytest.raises(Exception, match=r"altered|truncated|commitment"):
            house.open_sealed(house.recipient, release, bytes(broken))


# --- screening ---------------------------------------------------------------------------------------
def test_a_label_changed_in_its_row_is_not_packed(house):
    house.opened()
    house.accept_all()
    release = house.request()
    (label,) = house.rows(Label)
    house.change_behind_the_gate(replace(label, sealed=label.sealed[:-1] + b"\x00"))

    nothing_leaves(house, release, "record-altered")


def test_a_label_row_that_is_gone_stops_the_package(house):
    house.opened(items=2)
    house.accept_all()
    release = house.request()
    first, second = house.rows(Label)
    house.change_behind_the_gate(replace(first, sealed=second.sealed))

    nothing_leaves(house, release, "record-altered")


def test_a_label_accepted_in_the_rows_only_stays_inside(house):
    house.opened(items=2)
    task = house.label_one()
    house.open_review(house.reviewer, task)
    house.judge(house.reviewer, task, "accept")
    (other,) = [row for row in house.rows(Task) if row.id != task]
    house.label_one()
    house.change_behind_the_gate(replace(house.row(Task, other.id), state=TaskState.LOCKED))

    release = house.request()
    house.work()

    files = house.inspect(house.checker, release)
    assert files["labels.jsonl"].count(b"\n") == 1


@pytest.mark.requirement("R51")
def test_texts_changed_in_the_row_block_the_release(house):
    house.opened()
    house.accept_all()
    release = house.request()
    house.tamper(release, context="Something else.")

    house.work()

    assert house.release(release).state is ReleaseState.BLOCKED
    assert house.release(release).findings == ("request-differs-from-log",)


def test_documents_changed_in_the_row_block_the_release(house):
    house.opened()
    house.accept_all()
    release = house.request()
    (project,) = house.rows(Project)
    wider = project.schema.replace(b'"none"', b'"none","other"')
    house.change_behind_the_gate(replace(project, schema=wider))

    house.work()

    assert house.release(release).findings == ("project-differs-from-log",)


@pytest.mark.requirement("R56")
def test_an_identifier_that_slipped_in_blocks_the_release(house):
    house.opened()
    house.accept_all()
    release = house.request()
    found = replace(house.releases.builder, scan=lambda text: ["NAME"] if "angle" in text else [])

    found.screen(LEDGER, release)

    row = house.release(release)
    assert (row.state, row.package_digest) == (ReleaseState.BLOCKED, None)
    assert row.findings == ("identifier-found/guideline.json",)
    assert house.exchange.get(release_name(release)) is None
    assert b"angle" not in house.entries()[-1]


def test_a_reopened_label_stays_inside(house):
    house.opened(items=2)
    house.accept_all()
    task = house.rows(Task)[0]
    house.reopen(house.reviewer, task.id, "look again")

    release = house.request()
    house.work()

    assert house.inspect(house.checker, release)["labels.jsonl"].count(b"\n") == 1


def test_a_release_without_package_has_no_key(house):
    with pytest.raises(NotFound):
        house.serving.key(release_name(new_id()))


def test_unknown_things_are_not_in_the_lineage(house):
    house.screened()
    entries = house.enclave.history(LEDGER).entries()

    for ask in (lineage.request_in, lineage.screening_in, lineage.grading_in):
        with pytest.raises(VerificationFailed):
            ask(entries, new_id())
    for ask in (lineage.documents_in, lineage.dataset_of):
        with pytest.raises(VerificationFailed):
            ask(entries, new_id())
    assert lineage.accepted(entries, new_id()) == {}


# --- the permit --------------------------------------------------------------------------------
@pytest.mark.requirement("R13")
def test_a_permit_that_only_a_row_prolongs_seals_nothing(house):
    release = house.approved()
    (permit,) = house.rows(Permit)
    house.permit(permit.dataset, minutes=1)
    house.clock.advance(minutes=2)
    (ended,) = house.rows(Permit)
    house.change_behind_the_gate(replace(ended, valid_until=permit.valid_until))

    with pytest.raises(VerificationFailed) as caught:
        house.work()

    assert caught.value.code == "permit-unproved"
    assert house.release(release).sealed_blob is None
