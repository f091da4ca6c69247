"""The policy in force is learned from the platform's signed log, by every process, in every unit."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from small_log import SmallLog
from small_platform import FIRST, PROPOSAL, SmallPlatform, admins, lying, ruled

from crypto.merkle import leaf_hash
from crypto.note import VerifierKey
from policies.changes import Policy, changed, shipped_policy
from policies.table import canonical, parse_table
from policies.vocabulary import Action, Role
from sandbox import wiring
from sandbox.acts import PLATFORM
from sandbox.errors import LedgerUnavailable, Unavailable
from sandbox.gate.governing import Governing
from sandbox.provenance.shelf import TableShelf
from sandbox.records.policies import APPROVED, IN_FORCE, PolicyInForce, PolicyVersion
from sandbox.settings import Mode, load
from sandbox.storage.memory import MemoryLedgers
from sandbox.storage.sqlite import SqliteLedgers

HOSPITAL = "ab" * 16
NOW = datetime(2026, 7, 1, tzinfo=UTC)
SHIPPED = shipped_policy()
ROW = (
    "p, agreement.read/privacy-officer, privacy-officer, hospital, agreement.read, "
    "not-a-labeller, allow, R41"
)
CHANGED = changed(SHIPPED, [ROW], ())
NEW = CHANGED.table.digest
READING = (
    [Role.PRIVACY_OFFICER], "hospital", Action.AGREEMENT_READ,
    {
        "grade": 3, "category": "general", "dataset_state": "READY", "contract_valid": True,
        "permit_valid": True, "purpose": "research", "declared_purpose": "research",
        "labels_here": False,
    },
    1,
)  # fmt: skip


class House:
    """Ledgers whose platform log is one of the small ones, and its rows beside it."""

    def __init__(self, ledgers, folder, log: SmallPlatform | None = None) -> None:
        self.ledgers = ledgers
        for ledger in (PLATFORM, HOSPITAL):
            ledgers.create(ledger)
        self.shelf = TableShelf(folder)
        self.log = log or SmallPlatform()
        self.signed: int | None = None  # how much of the log the notary signed; all of it if None
        self.notary_is_up = True

    def head(self):
        if not self.notary_is_up:
            raise Unavailable("notary-unreachable")
        return [VerifierKey.parse(k) for k in self.log.vkeys], self.log.checkpoint(self.signed)

    def governing(self, **more) -> Governing:
        return Governing(self.ledgers, self.shelf, self.head, **more)

    def keep(self) -> None:
        """What the log holds by now, into the database."""
        with self.ledgers.open(PLATFORM).unit() as unit:
            for index in range(unit.tables.size(), len(self.log.raw)):
                unit.append(index, self.log.raw[index], leaf_hash(self.log.raw[index]))
            unit.commit()

    def row(self, policy: Policy, key: str, **other) -> None:
        row = PolicyVersion(
            key, 1, APPROVED, policy.document, policy.table.digest, "", "", "", "", None, None,
            NOW, NOW, 0,
        )  # fmt: skip
        self.write(replace(row, **other))

    def write(self, row) -> None:
        """A row, as somebody at the database writes it."""
        with self.ledgers.open(PLATFORM).unit() as unit:
            rows = unit.tables.of(type(row))
            (rows.insert if rows.get(row.id) is None else rows.replace)(row)
            unit.commit()

    def point_to(self, table: str, version: str) -> None:
        self.write(PolicyInForce(IN_FORCE, version, table))

    def adopt(self, policy: Policy = SHIPPED) -> None:
        """Adopted, and two people who may change it."""
        self.log = admins(policy.table.digest)
        self.row(policy, FIRST)
        self.point_to(policy.table.digest, FIRST)
        self.keep()

    def change(self, policy: Policy = CHANGED) -> None:
        """Proposed by one, approved by the other, in log and rows alike."""
        self.log.propose(table=policy.table.digest)
        self.log.approve(table=policy.table.digest)
        self.row(policy, PROPOSAL)
        self.point_to(policy.table.digest, PROPOSAL)
        self.keep()

    def unit_on(self, governing: Governing, ledger: str = HOSPITAL) -> str:
        with self.ledgers.open(ledger).unit() as unit:
            return governing.in_unit(unit.tables).digest


@pytest.fixture
def house(tmp_path) -> House:
    return House(MemoryLedgers(), tmp_path)


def refused(act) -> str:
    with pytest.raises(LedgerUnavailable) as stopped:
        act()
    return stopped.value.code


@pytest.mark.requirement("R11")
def test_before_any_adoption_the_shipped_policy_rules_and_is_published(house):
    governing = house.governing()

    assert governing.digest == SHIPPED.table.digest
    assert house.shelf.table(SHIPPED.table.digest) == SHIPPED.table.encoded
    assert house.shelf.rows(SHIPPED.table.digest) == SHIPPED.document


@pytest.mark.requirement("R11")
def test_another_process_rules_by_the_new_policy_from_its_next_unit_on(house):
    house.adopt()
    here, there = house.governing(), house.governing()
    assert house.unit_on(here) == SHIPPED.table.digest

    house.change()

    for governing in (here, there):
        assert house.unit_on(governing) == house.unit_on(governing, PLATFORM) == NEW
        assert governing.policy.lines == CHANGED.lines
    assert house.shelf.table(NEW) == CHANGED.table.encoded


@pytest.mark.requirement("R11")
def test_nothing_remembered_under_one_policy_answers_under_another(house):
    house.adopt()
    governing = house.governing()
    before = governing.rule_on(*READING)

    house.change()
    after = governing.rule_on(*READING)

    assert (before.allowed, after.allowed) == (False, True)
    assert before.policy != after.policy


# --- rows changed behind the gate ---------------------------------------------------------------------
@pytest.mark.requirement("R11")
@pytest.mark.requirement("R65")
def test_a_row_that_puts_a_policy_in_force_puts_none_in_force(house):
    house.adopt()
    house.row(CHANGED, PROPOSAL)
    house.point_to(NEW, PROPOSAL)

    for governing in (house.governing(), house.governing(must_adopt=True)):
        assert governing.rule_on(*READING).allowed is False
        assert house.unit_on(governing) == SHIPPED.table.digest
        # Nothing is done about the policy itself while its rows tell another story.
        assert refused(lambda g=governing: house.unit_on(g, PLATFORM)) == "policy-row-differs"


@pytest.mark.requirement("R11")
def test_a_row_that_takes_a_policy_out_of_force_takes_none_out(house):
    house.adopt()
    house.change()
    house.point_to(SHIPPED.table.digest, FIRST)

    governing = house.governing()

    assert house.unit_on(governing) == NEW
    assert refused(lambda: house.unit_on(governing, PLATFORM)) == "policy-row-differs"


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    "document",
    [b"{}", b"not json", b'{"rows":["p, x"],"v":1}', SHIPPED.document],
)
def test_rows_that_make_another_table_rule_on_nothing_of_a_hospital(house, document):
    house.adopt()
    house.change()
    house.row(CHANGED, PROPOSAL, document=document)
    house.shelf.put(CHANGED)
    governing = house.governing()

    assert refused(lambda: house.unit_on(governing)) == "policy-unreadable"
    assert refused(lambda: governing.rule_on(*READING)) == "policy-unreadable"
    assert refused(lambda: governing.policy) == "policy-unreadable"
    assert refused(lambda: governing.require_start(for_hospitals=True)) == "policy-unreadable"
    # The platform's own acts go on, by the very table that is in force.
    assert house.unit_on(governing, PLATFORM) == governing.table.digest == NEW
    assert governing.rule_on([], "platform", Action.SESSION_OPEN, {"self": True}, 1).allowed


@pytest.mark.requirement("R11")
def test_without_the_published_table_nothing_at_all_is_ruled_on(house):
    house.adopt()
    house.change()
    house.row(CHANGED, PROPOSAL, document=b"{}")
    governing = house.governing()

    assert refused(lambda: house.unit_on(governing, PLATFORM)) == "policy-unreadable"


@pytest.mark.requirement("R11")
def test_a_published_table_that_is_not_itself_rules_on_nothing(house, tmp_path):
    house.adopt()
    house.change()
    house.row(CHANGED, PROPOSAL, document=b"{}")
    (tmp_path / f"{NEW.removeprefix('sha256:')}.json").write_bytes(SHIPPED.table.encoded)
    governing = house.governing()

    assert refused(lambda: house.unit_on(governing, PLATFORM)) == "policy-unreadable"


# --- what the log must prove --------------------------------------------------------------------------
def alone(log):
    log.propose("root", table=NEW)
    log.approve("root", table=NEW)


def appointed(log):
    log.propose("root", table=NEW)
    log.approve("second", table=NEW)


def unsigned(log):
    log.propose(table=NEW)
    log.approve(table=NEW, change=lambda e: e.pop("signed"))


def by_a_stranger(log):
    log.propose(table=NEW)
    log.person("root").key_name = "stranger"
    log.approve(table=NEW)


def by_one_who_lost_the_role(log):
    log.propose(table=NEW)
    log.revoke("root", "policy-admin")
    log.approve(table=NEW, change=lying(ruling=ruled("policy.approve/policy-admin")))


def by_one_whom_nobody_made_admin(log):
    log.propose(table=NEW)
    log.enrol("third")
    log.person("third").grants.append(("policy-admin", "platform", "platform", 1))
    log.approve("third", table=NEW)


def granted_without_a_signature(log):
    log.enrol("third")
    log.grant("root", "third", change=lambda e: e.pop("signed"))


def of_another_table(log):
    log.propose()
    log.approve(table=NEW)


def never_proposed(log):
    log.approve(table=NEW)


def adopted_twice(log):
    log.adopt()


def one_key_for_two(log):
    log.person("third").key_name = "root"
    log.enrol("third")


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    "tell",
    [
        alone, appointed, unsigned, by_a_stranger, by_one_who_lost_the_role, of_another_table,
        by_one_whom_nobody_made_admin, granted_without_a_signature, never_proposed, adopted_twice,
        one_key_for_two,
    ],
)  # fmt: skip
def test_a_log_that_does_not_prove_its_policy_rules_on_nothing(house, tell):
    house.adopt()
    governing = house.governing()
    house.row(CHANGED, PROPOSAL)
    tell(house.log)
    house.keep()

    for _ in range(2):  # it stays so
        assert refused(lambda: house.unit_on(governing)) == "policy-unproved"
        assert refused(lambda: house.unit_on(governing, PLATFORM)) == "policy-unproved"


@pytest.mark.requirement("R11")
def test_entries_that_the_notary_did_not_sign_put_nothing_in_force(house):
    house.adopt()
    governing = house.governing()
    house.signed = len(house.log.raw)
    house.change()

    assert house.unit_on(governing) == SHIPPED.table.digest
    assert refused(lambda: house.unit_on(governing, PLATFORM)) == "policy-unproved"
    house.signed = None
    assert house.unit_on(governing) == house.unit_on(governing, PLATFORM) == NEW


@pytest.mark.requirement("R11")
def test_entries_other_than_the_signed_ones_put_nothing_in_force(house):
    house.adopt()
    house.change()
    governing = house.governing()
    house.log = admins()  # what the notary signed has no such change
    for _ in range(2):
        house.log.sign_in()

    assert refused(lambda: house.unit_on(governing)) == "policy-unproved"


@pytest.mark.requirement("R11")
def test_a_checkpoint_under_other_keys_proves_nothing(house):
    house.adopt()
    governing = house.governing()
    keys = [VerifierKey.parse(key) for key in house.log.vkeys]
    thief = SmallLog(ledger="platform", key_name="thief")
    house.log.signers[0] = thief.signers[0]
    house.head = lambda: (keys, house.log.checkpoint())
    governing = house.governing()

    assert refused(lambda: house.unit_on(governing)) == "policy-unproved"


@pytest.mark.requirement("R65")
def test_without_the_notary_nothing_new_is_believed(house):
    house.adopt()
    governing = house.governing()
    assert house.unit_on(governing) == SHIPPED.table.digest

    house.notary_is_up = False
    assert house.unit_on(governing) == SHIPPED.table.digest  # nothing new there to believe
    house.log.sign_in()
    house.keep()

    assert refused(lambda: house.unit_on(governing)) == "policy-unproved"


# --- the policy of another program --------------------------------------------------------------------
def of_another_program() -> bytes:
    """A table as this program makes it of no rows: one condition of a grant is another."""
    raw = json.loads(SHIPPED.table.encoded)
    rule = next(each for each in raw["rules"] if each["id"] == "dataset.create/steward")
    rule["when"] = []
    return canonical(raw)


@pytest.mark.requirement("R11")
def test_two_people_adopt_anew_what_another_program_adopted(house, tmp_path):
    table = parse_table(of_another_program())
    house.log = admins(table.digest)
    house.row(SHIPPED, FIRST, table=table.digest)
    house.point_to(table.digest, FIRST)
    house.keep()
    (tmp_path / f"{table.digest.removeprefix('sha256:')}.json").write_bytes(table.encoded)
    governing = house.governing()
    assert refused(lambda: house.unit_on(governing)) == "policy-unreadable"
    assert house.unit_on(governing, PLATFORM) == table.digest

    house.change(SHIPPED)

    assert house.unit_on(governing) == house.unit_on(governing, PLATFORM) == SHIPPED.table.digest
    assert governing.blocked is None


# --- whole processes ----------------------------------------------------------------------------------
@pytest.mark.requirement("R11")
def test_production_does_nothing_of_a_hospital_before_a_policy_is_adopted(house):
    house.keep()
    governing = house.governing(must_adopt=True)

    assert refused(lambda: governing.require_start(for_hospitals=True)) == "policy-not-adopted"
    assert refused(lambda: house.unit_on(governing)) == "policy-not-adopted"
    assert house.unit_on(governing, PLATFORM) == SHIPPED.table.digest
    house.log.adopt()
    house.row(SHIPPED, FIRST)
    house.point_to(SHIPPED.table.digest, FIRST)
    house.keep()
    assert house.unit_on(governing) == SHIPPED.table.digest


@pytest.mark.requirement("R11")
def test_no_worker_starts_in_production_without_an_adopted_policy(tmp_path):
    SqliteLedgers(tmp_path / "db").close()
    settings = load(tmp_path, {}).model_copy(update={"mode": Mode.PRODUCTION})
    wiring.pin_serving_key(settings, bytes(32))
    wiring.keep_worker_account(settings, "1" * 32)

    with pytest.raises(LedgerUnavailable) as stopped:
        wiring.enclave(settings)

    assert stopped.value.code == "policy-not-adopted"
