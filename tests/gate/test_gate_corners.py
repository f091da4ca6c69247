"""Corners of the gate: other processes in between, effects, batches at their ends."""

# ruff: noqa: ARG002 - stand-ins have the form of what they stand in for

import shutil
from datetime import timedelta

import pytest
from gate_faults import BEFORE, Faults, FaultyNotary, FaultyPublisher
from gate_house import (
    HANDLERS,
    LEDGER,
    START,
    Announce,
    Found,
    FoundHandler,
    House,
    Keep,
    Vote,
)

from crypto.tiles import decode_bundle
from policies.ruling import Ruling
from policies.vocabulary import Action
from sandbox.acts import PLATFORM, Actor
from sandbox.errors import (
    CheckpointPending,
    Conflict,
    Forbidden,
    IllegalTransition,
    LedgerHalted,
    LedgerUnavailable,
    NotFound,
    SignatureRequired,
    Unavailable,
)
from sandbox.gate.writer import MAX_BATCH, Waiter
from sandbox.provenance.publishing import Publisher
from sandbox.records.people import Pseudonym


def slot(n: int) -> str:
    return f"{n:032x}"


def test_facts_that_cannot_stand_in_the_log_are_left_out_of_the_refusal(house):
    with pytest.raises(IllegalTransition):
        house.keep(slot(1), how="two words")

    entry = house.entries()[-1]
    assert entry["refusal"] == "illegal-transition"
    assert entry["ruling"] is None
    assert entry["facts"] == {}


def test_database_that_fails_inside_a_room_is_no_refusal(house):
    with pytest.raises(LedgerUnavailable):
        house.keep(slot(1), how="database")

    assert house.store.size() == 1
    house.keep(slot(1))


def test_database_that_fails_before_the_room_is_no_refusal(frail, faults):
    faults.plan("rows of Acknowledged", BEFORE, times=2)

    with pytest.raises(LedgerUnavailable):
        frail.keep(slot(1), request_key="k")

    assert frail.store.size() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ("a", "c")},
        {"tags": ("a",)},
        {"due_at": START + timedelta(seconds=1)},
        {"due_at": None},
        {"how": "refuse"},
        {"domain": f"project:{'1' * 32}"},
    ],
)
def test_every_asked_field_counts_in_a_repeat(house, change):
    asked = {"tags": ("a", "b"), "due_at": START, "request_key": "k"}
    first = house.keep(slot(1), **asked)

    assert house.keep(slot(1), **asked).index == first.index
    with pytest.raises(Conflict):
        house.keep(slot(1), **{**asked, **change})


def test_signature_counts_in_a_repeat(house):
    def vote(verdict: str) -> Vote:
        said = {"package": "p", "statement": "s", "verdict": verdict}
        signed = house.sign("steward", Action.RELEASE_VOTE, {"release": slot(5)}, said, "a" * 32)
        return Vote(ledger=LEDGER, release=slot(5), signed=signed, request_key="k")

    first = house.gate.perform(house.steward, vote("approve"))

    assert house.gate.perform(house.steward, vote("approve")).index == first.index
    with pytest.raises(Conflict) as caught:
        house.gate.perform(house.steward, vote("reject"))
    assert caught.value.code == "idempotency-key-reused"


@pytest.mark.parametrize("key", ["", "==", "AAAA"])
def test_opening_whose_terms_name_no_key_is_refused(build, ledgers, key):
    house = build(ledgers=ledgers)
    member = {"member": house.pseudonyms["steward"]}
    signed = house.sign("steward", Action.LEDGER_OPEN, member, {"signing_key": key})

    with pytest.raises(SignatureRequired):
        house.gate.perform(house.steward, Found(ledger=LEDGER, signed=signed, **member))

    assert house.store.size() == 0


@pytest.fixture
def platform(build, ledgers):
    """A house whose platform is founded and lets its operators do everything."""
    made = build(ledgers=ledgers)
    made.policy.rule_on = lambda *_: Ruling(True, "all", made.policy.digest, {})
    ledgers.create(PLATFORM)
    found = Found(ledger=PLATFORM, domain="platform", member=made.pseudonyms["steward"])
    made.gate.perform(made.steward, found)
    return made


def test_hospital_that_was_announced_has_a_ledger(platform):
    hospital = "9" * 32

    platform.gate.perform(
        platform.steward, Announce(ledger=PLATFORM, domain="platform", hospital=hospital)
    )

    assert hospital in platform.ledgers.names()


class Unmakable:
    """Ledgers of which no new one can be made for a while."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.full = True

    def create(self, ledger):
        if self.full:
            raise LedgerUnavailable
        return self.inner.create(ledger)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_ledger_that_could_not_be_made_is_made_at_its_first_use(platform):
    hospital = "9" * 32
    platform.gate.ledgers = Unmakable(platform.ledgers)
    announce = Announce(ledger=PLATFORM, domain="platform", hospital=hospital)
    receipt = platform.gate.perform(platform.steward, announce)
    assert receipt.index == 1
    assert hospital not in platform.ledgers.names()

    platform.gate.ledgers.full = False

    with platform.gate.snapshot(hospital) as tables:
        assert tables.size() == 0
    with pytest.raises(NotFound):
        platform.gate.snapshot("8" * 32)


def test_unknown_platform_is_not_found(build, ledgers):
    with pytest.raises(NotFound):
        build(ledgers=ledgers).gate.snapshot(PLATFORM)


class Interrupted(FaultyNotary):
    """A notary before which another process gets its turn once."""

    def __init__(self, inner) -> None:
        super().__init__(inner, Faults())
        self.between = lambda: None

    def extend(self, ledger, start, leaf_hashes):
        between, self.between = self.between, lambda: None
        between()
        return super().extend(ledger, start, leaf_hashes)


def test_other_process_may_sign_our_tail_together_with_its_own(build, ledgers):
    other = build(ledgers=ledgers)
    other.found()
    notary = Interrupted(other.notary)
    house = build(ledgers=ledgers, notary=notary)
    house.keep(slot(1))

    notary.between = lambda: other.keep(slot(2))
    receipt = house.keep(slot(3))

    assert receipt.index == 2
    assert house.entries()[3]["objects"] == {"dataset": slot(2)}
    assert house.keep(slot(4)).index == 4


def test_tail_of_another_process_is_signed_first(build, ledgers):
    faults = Faults()
    first = build(ledgers=ledgers)
    first.found()
    dying = build(ledgers=ledgers, notary=FaultyNotary(first.notary, faults))
    dying.keep(slot(1))
    faults.plan("notary", BEFORE, times=100)
    with pytest.raises(CheckpointPending):
        dying.keep(slot(2))

    receipt = first.keep(slot(3))

    assert receipt.index == 3
    faults.clear()
    assert dying.keep(slot(4)).index == 4


def leave_a_tail(frail, ledgers, faults, step):
    """While the frail house fails to open a unit, another process leaves an unsigned entry."""
    others = Faults()
    other = House(
        frail.folder,
        ledgers=ledgers,
        notary=FaultyNotary(frail.notary.inner, others),
        publisher=FaultyPublisher(Publisher(frail.folder / "log"), others),
    )
    other.keep(slot(1))

    def meanwhile() -> None:
        others.plan("notary", BEFORE, times=100)
        with pytest.raises(CheckpointPending):
            other.keep(slot(2))
        faults.plan(step, BEFORE, times=100)

    faults.meanwhile = meanwhile
    faults.plan("open", BEFORE)
    return other


@pytest.mark.parametrize(("step", "heard"), [("notary", LedgerUnavailable), ("halt", LedgerHalted)])
def test_second_try_starts_nothing_over_a_tail_that_is_not_signed(
    frail, ledgers, faults, step, heard
):
    frail.keep(slot(0))
    other = leave_a_tail(frail, ledgers, faults, step)

    with pytest.raises(heard):
        frail.keep(slot(3))

    assert slot(3) not in frail.remarks()
    other.gate.close()


def test_repeat_that_cannot_be_looked_up_is_told_nothing_was_done(frail, faults):
    faults.plan("notary", BEFORE, times=100)
    with pytest.raises(CheckpointPending):
        frail.keep(slot(1), request_key="k")

    faults.plan("snapshot", BEFORE)
    with pytest.raises(LedgerUnavailable):
        frail.keep(slot(1), request_key="k")


class Forgetful:
    """A store that shows fewer entries than it did: a file put back under a running gate."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.lost = 0

    def size(self):
        return self.inner.size() - self.lost

    def entries(self, start, stop):
        return self.inner.entries(start, min(stop, self.size()))

    def __getattr__(self, name):
        return getattr(self.inner, name)


class OneLedger:
    def __init__(self, inner, store) -> None:
        self.inner, self.store = inner, store

    def open(self, ledger):
        return self.store

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_entries_that_vanish_while_they_are_read_halt_the_ledger(build, ledgers):
    house = build(ledgers=ledgers)
    house.found()
    house.keep(slot(1))
    store = Forgetful(house.store)
    store.entries = lambda start, _stop: [] if start else house.store.entries(0, 1)
    store.leaf_hashes = lambda _start, _stop: house.store.leaf_hashes(0, 1)
    again = build(ledgers=OneLedger(ledgers, store), notary=house.notary)

    with pytest.raises(LedgerHalted) as caught:
        again.keep(slot(2))

    assert caught.value.code == "ledger-behind"


def test_database_put_back_under_a_running_gate_halts_it(tmp_path, build):
    """The gate remembers how long the ledger was."""
    house = build()
    house.found()
    house.keep(slot(1))
    before = house.gate._writers[LEDGER]._head

    with pytest.raises(LedgerHalted) as caught:
        before.catch_up(1)

    assert caught.value.code == "ledger-behind"
    with pytest.raises(LedgerHalted):
        house.keep(slot(2))
    assert len(list((tmp_path / "halted").iterdir())) == 1


class Impostor(FaultyNotary):
    """A notary whose keys are not those that it signs with."""

    def keys(self, ledger):
        return self.inner.keys("0" * 32)


def test_checkpoint_that_does_not_verify_halts_the_ledger(build, ledgers):
    house = build(ledgers=ledgers)
    house.found()
    again = build(ledgers=ledgers, notary=Impostor(house.notary, Faults()))

    with pytest.raises(LedgerHalted) as caught:
        again.keep(slot(1))

    assert caught.value.code == "note-unsigned"


def test_ledger_is_halted_even_where_the_evidence_cannot_be_kept(build, ledgers, tmp_path):
    house = build(ledgers=ledgers)
    house.found()
    (tmp_path / "halted").write_text("in the way")
    again = build(ledgers=ledgers, notary=Impostor(house.notary, Faults()))

    with pytest.raises(LedgerHalted):
        again.keep(slot(1))


class Stuck(FaultyNotary):
    """A notary that takes leaf hashes and goes on answering with its first checkpoint."""

    first = None

    def extend(self, ledger, start, leaf_hashes):
        self.first = self.first or self.inner.extend(ledger, start, leaf_hashes)
        return self.first


def test_checkpoint_that_does_not_cover_the_act_gives_no_receipt(build, ledgers):
    house = build(ledgers=ledgers)
    house.found()
    again = build(ledgers=ledgers, notary=Stuck(house.notary, Faults()))

    with pytest.raises(CheckpointPending):
        again.keep(slot(1))


class SelfNamed(FoundHandler):
    """A room that enters the founder's pseudonym itself."""

    def act(self, tables, command, acting):
        tables.of(Pseudonym).insert(Pseudonym(acting.account, acting.pseudonym))
        return super().act(tables, command, acting)


def test_room_may_enter_the_founders_pseudonym_itself(build, ledgers):
    house = build(ledgers=ledgers, handlers={**HANDLERS, Found: SelfNamed()})

    house.found()

    assert house.keep(slot(1)).index == 1


def stopped_writer(house):
    house.keep(slot(1))
    writer = house.gate._writers[LEDGER]
    writer.stop()
    return writer


def test_command_that_comes_after_the_end_is_told_so(house):
    writer = stopped_writer(house)

    answer = writer.submit(house.steward, Keep(ledger=LEDGER, slot=slot(2)))

    with pytest.raises(LedgerUnavailable):
        answer.result()


def test_batch_has_an_end_and_the_end_has_no_batch(house):
    writer = stopped_writer(house)
    for n in range(MAX_BATCH + 2):
        writer._queue.put(Waiter(house.steward, Keep(ledger=LEDGER, slot=slot(n))))
    writer._queue.put(None)

    assert [len(writer._next_batch()) for _ in range(3)] == [MAX_BATCH, 2, 0]


def test_log_that_was_lost_is_made_again_from_the_ledger(build, ledgers, tmp_path):
    house = build(ledgers=ledgers)
    house.found()
    house.keep(slot(0))
    writer = house.gate._writers[LEDGER]
    answers = [
        writer.submit(house.steward, Keep(ledger=LEDGER, slot=slot(n))) for n in range(1, 600)
    ]
    last = answers[-1].result()
    house.close()
    shutil.rmtree(tmp_path / "log" / LEDGER)

    again = build(ledgers=ledgers)
    again.gate.finish_tails()

    log = tmp_path / "log" / LEDGER / "tile" / "entries"
    bundles = [log / "000", log / "001", log / "002.p" / str(last.index + 1 - 512)]
    found = [entry for bundle in bundles for entry in decode_bundle(bundle.read_bytes())]
    assert found == again.store.entries(0, last.index + 1)


def test_membership_that_another_process_gives_or_ends_counts_at_once(build, ledgers, tmp_path):
    here = build(ledgers=ledgers)
    here.found()
    there = House(tmp_path, ledgers=ledgers, notary=here.notary, publisher=here.publisher)
    with pytest.raises(Forbidden):
        here.keep(slot(1), who="stranger")
    with pytest.raises(Forbidden):
        here.keep(slot(1), who="labeller")
    here.pseudonyms["labeller"] = there.pseudonyms["labeller"] = here.entries()[-1]["actor"]

    membership = there.grant("labeller")
    here.keep(slot(1), who="labeller")
    there.revoke(membership)

    with pytest.raises(Forbidden):
        here.keep(slot(2), who="labeller")
    there.gate.close()


def test_pseudonym_of_a_unit_that_was_undone_is_not_kept(frail, faults):
    faults.plan("commit", BEFORE, times=2)
    with pytest.raises(LedgerUnavailable):
        frail.keep(slot(1), who="stranger")

    with pytest.raises(Forbidden):
        frail.keep(slot(1), who="stranger")

    with frail.store.snapshot() as tables:
        assert tables.of(Pseudonym).require("stranger").pseudonym == frail.entries()[-1]["actor"]


class Broken(Publisher):
    """A publisher that fails in a way nobody foresaw."""

    broken = False

    def publish(self, *parts):
        if self.broken:
            raise RuntimeError("out of all bounds")
        return super().publish(*parts)


def test_nobody_waits_for_ever_when_the_gate_itself_breaks(build, ledgers, tmp_path):
    publisher = Broken(tmp_path / "log")
    house = build(ledgers=ledgers, publisher=publisher)
    house.found()
    publisher.broken = True

    with pytest.raises(CheckpointPending):
        house.keep(slot(1), request_key="k")
    publisher.broken = False

    assert house.keep(slot(1), request_key="k").index == 1


def test_finished_tails_are_not_compared_twice(house):
    house.gate.finish_tails()

    assert house.keep(slot(1)).index == 1


def test_gate_that_was_closed_finishes_no_tails(build, ledgers):
    house = build(ledgers=ledgers)
    house.gate.close()

    house.gate.finish_tails()

    with pytest.raises(Unavailable):
        house.gate.perform(Actor("steward"), house.founding())
