"""The policy in force is found in every unit of work, by every process over the ledgers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policies.changes import changed, shipped_policy
from policies.vocabulary import Action, Role
from sandbox import wiring
from sandbox.acts import PLATFORM
from sandbox.errors import LedgerUnavailable
from sandbox.gate.governing import Governing
from sandbox.records.policies import APPROVED, IN_FORCE, PolicyInForce, PolicyVersion
from sandbox.settings import load
from sandbox.storage.memory import MemoryLedgers
from sandbox.storage.sqlite import SqliteLedgers

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SHIPPED = shipped_policy()
ROW = (
    "p, agreement.read/privacy-officer, privacy-officer, hospital, agreement.read, "
    "not-a-labeller, allow, R41"
)
CHANGED = changed(SHIPPED, [ROW], ())


@pytest.fixture
def ledgers() -> MemoryLedgers:
    made = MemoryLedgers()
    made.create(PLATFORM)
    made.create("ab" * 16)
    return made


def put_in_force(ledgers, policy=CHANGED, key="1" * 32, **other) -> None:
    row = PolicyVersion(
        key, 1, APPROVED, policy.document, policy.table.digest, "", "", "", "", None, None, NOW,
        NOW, 0,
    )  # fmt: skip
    row = replace(row, **other)
    with ledgers.open(PLATFORM).unit() as unit:
        unit.tables.of(PolicyVersion).insert(row)
        now = unit.tables.of(PolicyInForce)
        pointer = PolicyInForce(IN_FORCE, row.id, row.table)
        (now.insert if now.get(IN_FORCE) is None else now.replace)(pointer)
        unit.commit()


@pytest.mark.requirement("R11")
def test_before_any_adoption_the_shipped_policy_rules_and_is_published(ledgers):
    published = []

    governing = Governing(ledgers, lambda point: published.append(point.digest))

    assert governing.digest == SHIPPED.table.digest
    assert published == [SHIPPED.table.digest]


@pytest.mark.requirement("R11")
def test_another_process_rules_by_the_new_policy_from_its_next_unit_on(ledgers):
    published = []
    here = Governing(ledgers, lambda _: None)
    there = Governing(ledgers, lambda point: published.append(point.digest))

    put_in_force(ledgers)

    for governing in (here, there):
        with ledgers.open("ab" * 16).unit() as unit:
            assert governing.in_unit(unit.tables).digest == CHANGED.table.digest
        with ledgers.open(PLATFORM).unit() as unit:
            assert governing.in_unit(unit.tables).digest == CHANGED.table.digest
    # Published before anything is ruled by it, and once.
    assert published == [SHIPPED.table.digest, CHANGED.table.digest]


@pytest.mark.requirement("R11")
def test_nothing_remembered_under_one_policy_answers_under_another(ledgers):
    governing = Governing(ledgers, lambda _: None)
    facts = {
        "grade": 3, "category": "general", "dataset_state": "READY", "contract_valid": True,
        "permit_valid": True, "purpose": "research", "declared_purpose": "research",
        "labels_here": False,
    }  # fmt: skip
    asked = ([Role.PRIVACY_OFFICER], "hospital", Action.AGREEMENT_READ, facts, 1)
    before = governing.rule_on(*asked)

    put_in_force(ledgers)
    after = governing.rule_on(*asked)

    assert (before.allowed, after.allowed) == (False, True)
    assert before.policy != after.policy


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    "wrong",
    [
        {"document": b"{}"},
        {"document": b"not json"},
        {"document": b'{"rows":["p, x"],"v":1}'},
        {"document": SHIPPED.document},  # other rows than those of the table
    ],
)
def test_a_policy_that_cannot_be_read_stops_everything(ledgers, wrong):
    governing = Governing(ledgers, lambda _: None)
    put_in_force(ledgers, **wrong)

    with pytest.raises(LedgerUnavailable) as stopped:
        governing.now()

    assert stopped.value.code == "policy-unreadable"


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("process", [wiring.serving, wiring.enclave])
def test_no_process_starts_under_a_policy_that_it_cannot_read(tmp_path, process):
    ledgers = SqliteLedgers(tmp_path / "db")
    ledgers.create(PLATFORM)
    put_in_force(ledgers, document=SHIPPED.document)
    ledgers.close()

    settings = load(tmp_path, {})
    wiring.pin_serving_key(settings, bytes(32))
    wiring.keep_worker_account(settings, "1" * 32)

    with pytest.raises(LedgerUnavailable) as refused:
        process(settings)

    assert refused.value.code == "policy-unreadable"


@pytest.mark.requirement("R11")
def test_a_policy_in_force_without_its_rows_stops_everything(ledgers):
    governing = Governing(ledgers, lambda _: None)
    with ledgers.open(PLATFORM).unit() as unit:
        unit.tables.of(PolicyInForce).insert(
            PolicyInForce(IN_FORCE, "2" * 32, "sha256:" + "0" * 64)
        )
        unit.commit()

    with pytest.raises(LedgerUnavailable):
        governing.now()
