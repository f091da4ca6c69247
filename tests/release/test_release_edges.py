"""What only someone with the database, or a second role, can bring about."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from release_house import ReleaseHouse
from room_parts import LEDGER, Person, new_id

from crypto.signing import PersonKey
from crypto.verifier import Scope
from crypto.verifier import main as verify
from policies.decision import CasbinDecisionPoint
from policies.vocabulary import ReleaseState, Role, TaskState
from sandbox.acts import Acting, project_domain
from sandbox.errors import Conflict, Forbidden, NotFound, SignatureRequired, VerificationFailed
from sandbox.label.commands import Looked
from sandbox.label.desk import LabelDraft
from sandbox.records.labels import Label, Project, Task
from sandbox.records.people import Membership
from sandbox.records.sealed_labels import LabelPayload, LabelSecret, salted, seal_label
from sandbox.release import commands as c
from sandbox.release.sealing import _case
from sandbox.release.views import Packages
from sandbox.release.votes import VoteReleaseHandler


def fails(house: ReleaseHouse, code: str) -> None:
    with pytest.raises((VerificationFailed, NotFound)) as caught:
        house.work()
    assert caught.value.code == code


# --- building ------------------------------------------------------------------------------------
def test_a_release_moved_to_another_project_is_not_built(house):
    house.opened()
    house.accept_all()
    release = house.request()
    house.tamper(release, project=new_id())

    fails(house, "not-found")


def test_labels_accepted_in_rows_only_make_no_package(house):
    house.opened()
    task = house.label_one()
    house.change_behind_the_gate(replace(house.row(Task, task), state=TaskState.LOCKED))
    release = house.request()

    house.work()

    assert house.release(release).findings == ("no-labels",)


def test_a_label_moved_out_of_its_project_is_missed(house):
    house.opened()
    house.accept_all()
    house.request()
    (label,) = house.rows(Label)
    house.change_behind_the_gate(replace(label, project=new_id()))

    fails(house, "label-missing")


def test_a_label_that_was_committed_to_for_another_version_is_not_packed(house):
    house.opened()
    task = str(house.open_task(house.labeller).reply["task"])
    draft = LabelDraft(house.project, task, 0, {"classes": ["effusion"]}, "", Looked())
    command = house.desk.submit_label(LEDGER, draft, None)
    text = LabelPayload(
        house.project, house.row(Task, task).item, 9, {"classes": ["none"]}
    ).encoded()
    secret = LabelSecret(salted(text), salted(b""), salted(b"{}"))
    key = house.keys.record_key(house.row(Task, task).item)
    lying = replace(
        command,
        sealed=seal_label(key, house.project, command.label, secret),
        commitments={**command.commitments, "label": secret.label.commitment},
    )
    house.perform(house.labeller, lying)
    house.open_review(house.reviewer, task)
    house.judge(house.reviewer, task, "accept")
    house.request()

    fails(house, "label-misplaced")


# --- voting --------------------------------------------------------------------------------------
def test_a_vote_under_the_key_of_another_role_is_refused(house):
    release = house.screened()
    voter = house.another(Role.OUTPUT_CHECKER)
    old, voter.key = voter.key, PersonKey.generate()
    house.grant(voter, Role.DEPOSITOR)

    with pytest.raises(SignatureRequired, match="not enrolled for a voting role"):
        house.vote(voter, release)

    voter.key = old
    assert house.vote(voter, release)


def test_a_voter_may_hold_a_role_without_a_vote(house):
    release = house.screened()
    voter = house.another(Role.DEPOSITOR)
    house.grant(voter, Role.OUTPUT_CHECKER)

    house.vote(voter, release)
    house.vote(house.steward, release)
    house.work()

    assert house.release(release).state is ReleaseState.RELEASED


def test_a_vote_that_never_came_through_the_gate_needs_a_signature_too(house):
    release = house.screened()
    handler = VoteReleaseHandler(house.releases.sealer.quorum)
    ballot = replace(house.ballot(house.checker, release), signed=None)
    memberships = tuple(house.rows(Membership, account=house.checker.account))
    acting = Acting(house.checker.account, house.checker.member, memberships, house.clock.now, 99)

    with house.ledgers.open(LEDGER).unit() as unit, pytest.raises(SignatureRequired):
        handler.act(unit.tables, ballot, acting)


def test_a_vote_for_two_organisations_counts_for_none(house):
    release = house.screened()
    voter = house.another(Role.OUTPUT_CHECKER, organisation="platform")
    house.grant(voter, Role.PRIVACY_OFFICER, organisation="hospital")
    house.vote(voter, release)
    house.vote(house.steward, release)

    fails(house, "voter-unknown")


# --- sealing -------------------------------------------------------------------------------------
def test_a_blocked_screening_is_no_screening(house):
    house.opened()
    house.accept_all()
    release = house.request()
    house.tamper(release, context="Something else.")
    house.work()
    house.tamper(release, state=ReleaseState.SEALING)

    fails(house, "release-not-screened")


def test_a_request_sent_again_is_not_sealed_on_its_old_screening(house):
    release = house.screened()
    house.vote(house.checker, release)
    house.vote(house.steward, release, "return")
    house.request(release=release)
    house.tamper(release, state=ReleaseState.SEALING)

    fails(house, "release-not-screened")


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("what", ["package", "statement"])
def test_a_package_with_another_digest_is_not_sealed(house, what):
    release = house.approved()
    case = _case(house.enclave.history(LEDGER), release)
    digests = {**case.digests, what: "sha256:" + "0" * 64}
    screening = {**case.screening, "outcome": {"digests": digests}}

    with pytest.raises(VerificationFailed, match="package-changed"):
        house.releases.sealer._open(
            LEDGER, house.release(release), replace(case, screening=screening)
        )


def test_a_seal_of_another_package_is_refused(house):
    release = house.approved()
    command = c.SealRelease(
        **house.on_release(release),
        package_digest="sha256:" + "0" * 64,
        sealed_blob="0" * 64,
        passport=b"{}",
        witness="unwitnessed",
    )

    with pytest.raises(Conflict, match="package-changed"):
        house.perform(house.worker, command)


@pytest.mark.parametrize("who", ["steward", "lead", "checker", "recipient"])
def test_nobody_but_the_worker_screens_or_seals(house, who):
    release = house.approved()
    place = house.on_release(release)
    seal = c.SealRelease(
        **place,
        package_digest=house.release(release).package_digest,
        sealed_blob="0" * 64,
        passport=b"{}",
        witness="unwitnessed",
    )
    screening = c.ScreenRelease(**place, findings=(), labels=1)

    for command in (seal, screening):
        with pytest.raises(Forbidden):
            house.perform(getattr(house, who), command)


def test_the_newest_key_of_a_recipient_with_several_roles_is_sealed_to(house):
    release = house.approved()
    house.grant(house.recipient, Role.DEPOSITOR, organisation="recipient:lab")

    house.work()

    assert house.open_sealed(house.recipient, release, house.download(house.recipient, release))


def test_a_recipient_whose_membership_ran_out_receives_nothing(house):
    house.opened()
    house.accept_all()
    passing = Person(sealing=house.recipient.sealing)
    house.grant(passing, Role.RECIPIENT, expires_at=house.clock.now + timedelta(hours=1))
    release = house.request(recipient=passing.member)
    house.work()
    house.vote(house.steward, release)
    house.vote(house.checker, release)
    house.clock.advance(hours=2)

    fails(house, "recipient-unknown")


# --- delivery ------------------------------------------------------------------------------------
def test_a_release_without_its_seal_is_not_handed_out(house):
    release = house.screened()
    house.tamper(release, state=ReleaseState.RELEASED)

    with pytest.raises(Conflict, match="not-sealed"):
        house.download(house.recipient, release)


def test_packages_open_for_inspection_and_leave_sealed(house):
    packages = Packages(house.ledgers, house.blobs, house.serving)
    house.opened()
    house.accept_all()
    release = house.request()
    with pytest.raises(NotFound):
        packages.open(LEDGER, house.release(release))
    house.work()

    files = packages.open(LEDGER, house.release(release))

    assert files == house.inspect(house.checker, release)
    house.vote(house.checker, release)
    house.vote(house.steward, release)
    house.work()
    assert packages.sealed(house.release(release)) == house.download(house.recipient, release)


def test_a_release_is_not_found_in_another_project(house):
    release = house.screened()
    (project,) = house.rows(Project)
    other = replace(project, id=new_id(), dataset=new_id())
    house.change_behind_the_gate(other)
    command = c.InspectRelease(
        ledger=LEDGER, domain=project_domain(other.id), project=other.id, release=release
    )

    with pytest.raises(NotFound):
        house.perform(house.checker, command)


# --- evidence ------------------------------------------------------------------------------------
@pytest.mark.requirement("R70")
def test_the_evidence_on_a_release_verifies_offline(house, tmp_path, capsys):
    release = house.released()
    dataset = house.release(release).dataset
    regulator = house.another(Role.REGULATOR, organisation="regulator")
    policy = tmp_path / "policy"
    policy.mkdir()
    table = CasbinDecisionPoint().table
    (policy / f"{table.digest.removeprefix('sha256:')}.json").write_bytes(table.encoded)
    (policy / "notes.txt").write_text("not a table")

    pack = house.pack(regulator, Scope("dataset", dataset), policy)

    (tmp_path / "evidence.zip").write_bytes(pack)
    code = verify([str(tmp_path / "evidence.zip"), "--key", house.vkeys()[0]])
    assert code == 0, capsys.readouterr()
    assert json.loads(house.entries()[-1])["action"] == "evidence.export"


@pytest.mark.requirement("R69")
def test_evidence_is_for_those_who_may_have_it(house):
    dataset = house.opened()

    for who in (house.lead, house.labeller, house.recipient, house.worker):
        with pytest.raises(Forbidden):
            house.perform(who, c.ExportEvidence(ledger=LEDGER, about=about("dataset", dataset)))
    for kind in ("dataset", "project", "subject"):
        with pytest.raises(NotFound):
            house.perform(
                house.steward, c.ExportEvidence(ledger=LEDGER, about=about(kind, new_id()))
            )
    with pytest.raises(Conflict, match="not-answered"):
        house.perform(
            house.steward, c.ExportEvidence(ledger=LEDGER, about=about("dataset", dataset))
        )


def about(kind: str, name: str) -> dict[str, str]:
    return Scope(kind, name).document()
