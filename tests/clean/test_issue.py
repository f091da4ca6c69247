"""What an officer signed for crosses to `serve`, and nothing that somebody wrote into rows."""

import hmac
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from enclave_house import LEDGER, EnclaveHouse, new_id
from pydicom.data import get_testdata_file

from crypto import canonical
from policies.vocabulary import Action, ItemState, TaskState
from sandbox.acts import Outcome
from sandbox.clean.commands import IssueItem, RequeueItem
from sandbox.clean.masters import Master, Place, keep
from sandbox.errors import Conflict, CustodyError, Forbidden, NotFound, VerificationFailed
from sandbox.exchange import item_name, record_name
from sandbox.label.custody import IssuedKeys
from sandbox.people.commands import IssuePermit
from sandbox.records.deposits import Approval, Item
from sandbox.records.labels import Project, Task
from sandbox.records.permits import Permit

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
FILES = {"a.dcm": CT, "b.dcm": CT + b"\0"}


@pytest.mark.requirement("R24")
def test_approved_items_are_issued_under_new_ids_with_a_task_each(house: EnclaveHouse):
    dataset = house.approved(FILES)
    project = house.project(dataset)

    house.run_worker()

    issued, keys = house.issued(project), IssuedKeys(house.serving, house.blobs)
    assert {row.source_item for row in issued} == {item.id for item in house.items(dataset)}
    assert not {row.id for row in issued} & {item.id for item in house.items(dataset)}
    assert all(keys.open_item(row)[128:132] == b"DICM" for row in issued)
    assert all((row.kind, row.modality, row.frames) == ("dicom", "CT", 1) for row in issued)
    assert len({keys.record_key(row.id) for row in issued}) == len(issued)
    with house.snapshot() as tables:
        assert {t.state for t in tables.of(Task).find(project=project)} == {TaskState.OPEN}


@pytest.mark.requirement("R41")
def test_an_item_gets_one_task_for_each_of_its_labellers(house: EnclaveHouse):
    dataset = house.approved(FILES)
    project = house.project(dataset, overlap=3)

    house.run_worker()

    with house.snapshot() as tables:
        tasks = tables.of(Task).find(project=project)
    assert len({task.id for task in tasks}) == len(tasks) == 3 * len(FILES)
    assert sorted((task.item, task.slot) for task in tasks) == sorted(
        (item.id, slot) for item in house.issued(project) for slot in (1, 2, 3)
    )


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("further", [0, 2])
def test_an_issue_with_another_number_of_tasks_is_refused(house: EnclaveHouse, further: int):
    dataset = house.approved({"a.dcm": CT})
    (item,) = house.items(dataset)
    command = IssueItem(
        ledger=LEDGER,
        dataset=dataset,
        item=item.id,
        approval=item.approval,
        project=house.project(dataset, overlap=2),
        project_item=new_id(),
        task=new_id(),
        further_tasks=tuple(new_id() for _ in range(further)),
        kind="dicom",
        modality="CT",
        frames=1,
        blob="0" * 64,
        commitment=b"c" * 32,
        subject_commitment=b"s" * 32,
    )

    with pytest.raises(Conflict, match="overlap-differs"):
        house.perform(house.worker, command)


@pytest.mark.requirement("R72")
def test_the_log_tells_whose_an_issued_item_is_to_who_has_the_salt(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    projects = house.project(dataset), house.project(dataset)
    house.run_worker()
    (item,) = house.items(dataset)
    entries = [json.loads(entry) for entry in house.ledgers.open(LEDGER).entries(0, 10_000)]

    salt = house.serving.key(f"subject:{item.subject}")

    cleaned = next(e for e in entries if e["action"] == "item.clean")
    assert cleaned["outcome"]["commitments"]["subject"] == about(salt, subject=item.subject)
    bound = {
        entry["objects"]["project_item"]: entry["outcome"]["commitments"]["subject"]
        for entry in entries
        if entry["action"] == "item.issue"
    }
    assert len(bound) == len(projects)
    assert bound == {name: about(salt, project_item=name) for name in bound}
    assert len(set(bound.values())) == len(projects)  # nothing by which to compare them


def about(salt: bytes, **named: str) -> str:
    """Written anew from docs/spec/evidence.md, clause 7."""
    payload = canonical.encode({"what": "subject-of", **named})
    return hmac.digest(salt, payload, "sha256").hex()


@pytest.mark.requirement("R24")
def test_nothing_is_issued_before_an_officer_signed(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    project = house.project(dataset)
    house.sampled(dataset)

    assert house.issued(project) == []


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("signed_index", [None, 0, 1, 5])
def test_states_changed_to_approved_get_nothing_out(house: EnclaveHouse, signed_index: int | None):
    dataset = house.cleaned(FILES)
    sitting = house.sampled(dataset)
    project = house.project(dataset)
    row = house.row(Approval, sitting.approval)
    house.change_behind_the_gate(replace(row, state="APPROVED", signed_index=signed_index))
    for item in house.items(dataset):
        house.change_behind_the_gate(replace(item, state=ItemState.APPROVED))

    with pytest.raises(VerificationFailed):
        house.run_worker()

    assert house.issued(project) == []
    assert not list(house.exchange.names("item:"))


def test_a_rejected_batch_passed_off_as_approved_gets_nothing_out(house: EnclaveHouse):
    dataset = house.cleaned(FILES)
    items = house.items(dataset)
    sitting = house.sampled(dataset)
    house.sign_approval(sitting, "reject")
    project = house.project(dataset)
    row = house.row(Approval, sitting.approval)
    house.change_behind_the_gate(replace(row, state="APPROVED"))
    for item in items:
        house.change_behind_the_gate(
            replace(item, state=ItemState.APPROVED, approval=sitting.approval)
        )

    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == "approval-not-signed"
    assert house.issued(project) == []


def test_an_item_smuggled_into_an_approved_batch_gets_nothing_out(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    approval = house.items(dataset)[0].approval
    house.deposit(dataset, {"b.dcm": CT})
    house.run_worker()
    project = house.project(dataset)
    (smuggled,) = [i for i in house.items(dataset) if i.state is ItemState.CLEANED]
    house.change_behind_the_gate(replace(smuggled, state=ItemState.APPROVED, approval=approval))

    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == "item-not-approved"
    assert smuggled.id not in {row.source_item for row in house.issued(project)}


def test_a_swapped_master_in_the_row_is_not_believed(house: EnclaveHouse):
    dataset = house.approved(FILES)
    one, other = house.items(dataset)
    house.change_behind_the_gate(
        replace(one, blob=other.blob, master_commitment=other.master_commitment)
    )
    project = house.project(dataset)

    house.run_worker()

    keys = IssuedKeys(house.serving, house.blobs)
    issued = {row.source_item: keys.open_item(row) for row in house.issued(project)}
    assert set(issued) == {one.id, other.id}


def test_a_master_altered_on_disk_is_not_issued(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    (item,) = house.items(dataset)
    house.project(dataset)
    path = next(p for p in (house.folder / "blobs").rglob("*") if item.blob[2:] in p.name)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")

    with pytest.raises(CustodyError):
        house.run_worker()


def test_an_item_sent_back_is_not_issued_by_its_old_approval(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    (approved,) = house.items(dataset)
    house.perform(house.officer, RequeueItem(ledger=LEDGER, dataset=dataset, item=approved.id))
    house.run_worker()
    project = house.project(dataset)
    (again,) = house.items(dataset)
    house.change_behind_the_gate(
        replace(again, state=ItemState.APPROVED, approval=approved.approval)
    )

    with pytest.raises(CustodyError):
        house.run_worker()

    assert house.issued(project) == []


def test_an_item_sent_back_stays_back_when_its_row_is_put_as_it_was(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    (approved,) = house.items(dataset)
    house.perform(house.officer, RequeueItem(ledger=LEDGER, dataset=dataset, item=approved.id))
    project = house.project(dataset)
    house.change_behind_the_gate(approved)

    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == "item-sent-back"
    assert house.issued(project) == []


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("who", ["steward", "officer", "depositor"])
def test_nobody_but_the_worker_issues(house: EnclaveHouse, who: str):
    dataset = house.approved({"a.dcm": CT})
    (item,) = house.items(dataset)
    command = IssueItem(
        ledger=LEDGER,
        dataset=dataset,
        item=item.id,
        approval=item.approval,
        project=house.project(dataset),
        project_item=new_id(),
        task=new_id(),
        kind="dicom",
        modality="CT",
        frames=1,
        blob="0" * 64,
        commitment=b"c" * 32,
        subject_commitment=b"s" * 32,
    )

    with pytest.raises(Forbidden):
        house.perform(getattr(house, who), command)


def test_an_issued_key_opens_under_its_own_name_only(house: EnclaveHouse):
    dataset = house.approved(FILES)
    project = house.project(dataset)
    house.run_worker()
    one, other = house.issued(project)
    swapped = house.exchange.get(item_name(other.id))
    house.exchange.put(item_name(one.id), swapped)

    with pytest.raises(VerificationFailed):
        house.serving.key(item_name(one.id))
    with pytest.raises(NotFound):
        house.serving.key(record_name(new_id()))


def test_the_entry_of_an_issue_names_no_deposited_item(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    house.project(dataset)
    house.run_worker()
    (item,) = house.items(dataset)

    (entry,) = [e for e in house.entries() if e["action"] == Action.ITEM_ISSUE]

    assert item.id not in json.dumps(entry)
    assert set(entry["outcome"]["commitments"]) == {"issued", "rows", "subject"}
    assert item.subject not in json.dumps(entry)


def test_a_worker_that_does_it_again_issues_once(house: EnclaveHouse):
    dataset = house.approved(FILES)
    project = house.project(dataset)
    house.run_worker()
    steps = list(house.work.steps(LEDGER))

    assert steps == []
    assert len(house.issued(project)) == len(FILES)
    assert isinstance(house.row(Item, house.items(dataset)[0].id).version, int)


def test_an_item_approved_later_is_issued_though_another_was_sent_back(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    project = house.project(dataset)
    house.run_worker()
    (first,) = house.items(dataset)
    house.perform(house.officer, RequeueItem(ledger=LEDGER, dataset=dataset, item=first.id))
    house.change_behind_the_gate(replace(house.row(Item, first.id), state=ItemState.QUARANTINED))
    house.deposit(dataset, {"b.dcm": CT + b"\0\0"})
    house.run_worker()
    house.sign_approval(house.sampled(dataset))

    house.run_worker()

    # As many are approved as were issued, and they are not the same ones.
    assert {row.source_item for row in house.issued(project)} == {
        item.id for item in house.items(dataset)
    }


@pytest.mark.requirement("R28")
def test_the_projects_keys_lie_in_the_vault_only(house: EnclaveHouse):
    dataset = house.approved(FILES)
    projects = [house.project(dataset), house.project(dataset)]

    house.run_worker()

    keys = house.vault.keys(LEDGER, dataset)
    kept = {keys.key(f"project:{project}") for project in projects} | {keys.key("pseudonyms")}
    crossed = {house.serving.key(name) for name in house.exchange.names("")}
    assert len(kept) == 3
    # A file key and a record key for each issue, and what opens the log about the one subject.
    assert len(crossed) == 2 * len(projects) * len(FILES) + 1
    assert not kept & crossed


@pytest.mark.requirement("R24")
def test_each_project_is_checked_for_anew(house: EnclaveHouse):
    dataset = house.approved({"a.dcm": CT})
    first = house.project(dataset)
    house.run_worker()
    (item,) = house.items(dataset)
    house.perform(house.officer, RequeueItem(ledger=LEDGER, dataset=dataset, item=item.id))
    house.change_behind_the_gate(item)
    second = house.project(dataset)

    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == "item-sent-back"
    assert len(house.issued(first)) == 1
    assert house.issued(second) == []


@pytest.mark.requirement("R24")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (CT, "master-malformed"),
        ("Ottokar，未见异常。".encode(), "issue-residue"),
        ("电话 13800138000".encode(), "issue-residue"),
    ],
)
def test_a_faulty_master_that_was_approved_all_the_same_is_not_issued(
    house: EnclaveHouse, data: bytes, code: str
):
    dataset = house.receiving()
    register = [{"id": "p", "name": "Ottokar", "id_number": None, "mrn": "M-1", "phone": None}]
    name = "a.dcm" if data is CT else "a.txt"
    house.deposit(dataset, {name: CT if data is CT else "未见异常。".encode()}, register)
    house.run_worker()
    (item,) = house.items(dataset)
    place, keys = Place(dataset, item.id, item.version), house.vault.keys(LEDGER, dataset)
    kept = keep("master", place, Master(data).packed(), keys, item.subject, house.blobs)
    changed = replace(item, blob=kept.blob, master_commitment=kept.commitment.hex())
    house.change_behind_the_gate(changed)
    house.sign_approval(house.sampled(dataset))
    project = house.project(dataset)

    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == code
    assert house.issued(project) == []
    assert not list(house.exchange.names("item:"))


# --- the permit --------------------------------------------------------------------------------
def nothing_leaves_the_vault(house: EnclaveHouse, project: str) -> None:
    with pytest.raises(VerificationFailed) as refused:
        house.run_worker()

    assert refused.value.code == "permit-unproved"
    assert house.issued(project) == []
    assert not list(house.exchange.names("item:"))


@pytest.mark.requirement("R13")
def test_a_planted_permit_gets_nothing_issued(house: EnclaveHouse):
    dataset = house.approved(FILES)
    project = house.project(dataset, permitted=False)
    house.plant(a_permit(house, project, dataset))

    nothing_leaves_the_vault(house, project)


@pytest.mark.requirement("R13")
def test_a_permit_that_a_row_prolongs_or_brings_back_gets_nothing_issued(house: EnclaveHouse):
    dataset = house.approved(FILES)
    over, ended = (house.project(dataset, permitted=False) for _ in range(2))
    house.permit(over, dataset, days=1)
    house.permit(ended, dataset)
    house.end_permit(ended)
    house.clock.now += timedelta(days=2)

    for project in (over, ended):
        row = house.row(Permit, project)
        house.change_behind_the_gate(
            replace(row, revoked_at=None, valid_until=row.valid_until + timedelta(days=9))
        )
        nothing_leaves_the_vault(house, project)
        house.change_behind_the_gate(row)


@pytest.mark.requirement("R13")
def test_a_permit_on_one_dataset_issues_nothing_of_another(house: EnclaveHouse):
    dataset, other = house.approved(FILES), house.receiving()
    project = house.project(other)
    house.change_behind_the_gate(replace(house.row(Project, project), dataset=dataset))
    house.change_behind_the_gate(replace(house.row(Permit, project), dataset=dataset))

    nothing_leaves_the_vault(house, project)


@pytest.mark.requirement("R13")
def test_a_permit_counts_from_the_moment_at_which_it_is_signed_again(house: EnclaveHouse):
    dataset = house.approved(FILES)
    project = house.project(dataset, permitted=False)
    house.permit(project, dataset)
    house.end_permit(project)
    house.permit(project, dataset)

    house.run_worker()

    assert len(house.issued(project)) == len(FILES)


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("act", ["issue", "revoke"])
def test_an_act_on_a_permit_by_no_steward_opens_nothing_and_closes_what_was_open(
    house: EnclaveHouse, act: str
):
    dataset = house.approved(FILES)
    project = house.project(dataset)
    with house.lawless() as gate:
        if act == "issue":
            house.permit(project, dataset, member=house.officer, gate=gate)
        else:
            house.end_permit(project, member=house.officer, gate=gate)
    row = house.row(Permit, project)
    house.change_behind_the_gate(replace(row, revoked_at=None))

    nothing_leaves_the_vault(house, project)


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    "terms",
    [
        {"valid_from": "2026-07-01T00:00:00", "valid_until": "2036-07-01T00:00:00"},
        {"valid_from": "now", "valid_until": "2036-07-01T00:00:00.000000Z"},
    ],
)
def test_a_signed_permit_that_is_no_window_opens_nothing(house: EnclaveHouse, terms: dict):
    dataset = house.approved({"a.dcm": CT})
    project = house.project(dataset)
    objects = {"dataset": dataset, "project": project}
    with house.lawless({IssuePermit: Careless()}) as gate:
        signed = house.steward.sign(Action.PERMIT_ISSUE, objects, terms)
        at = house.clock()
        command = IssuePermit(
            ledger=LEDGER, valid_from=at, valid_until=at, signed=signed, **objects
        )
        gate.perform(house.steward.actor, command)

    nothing_leaves_the_vault(house, project)


class Careless:
    """What a door that somebody replaced does of a permit: it looks at nothing."""

    def facts(self, *_asked):
        return {}

    def act(self, *_asked):
        return Outcome()


def a_permit(house: EnclaveHouse, project: str, dataset: str) -> Permit:
    now = house.clock()
    return Permit(
        id=project,
        dataset=dataset,
        valid_from=now,
        valid_until=now + timedelta(days=9),
        revoked_at=None,
        index=0,
    )
