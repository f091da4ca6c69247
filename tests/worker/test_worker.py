"""The worker: finds its work in rows, survives being killed anywhere, and waits when it must."""

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from enclave_house import LEDGER, EnclaveHouse, Member, text_of
from pydicom.data import get_testdata_file

from crypto.merkle import leaf_hash, verify_inclusion
from crypto.note import split_note
from crypto.tlogproof import parse_proof
from crypto.treehead import parse
from policies.vocabulary import Action, ItemState
from sandbox.acts import Actor, Command, Receipt
from sandbox.clean.engine import Job, LocalEngine
from sandbox.clean.recipes import recipe_named
from sandbox.clean.work import CleanWork
from sandbox.collect import work as collect_work
from sandbox.deid.forms import Verdict
from sandbox.enclave import Enclave
from sandbox.errors import (
    CheckpointPending,
    Conflict,
    Forbidden,
    LedgerUnavailable,
    VerificationFailed,
)
from sandbox.history import Histories, read_steward_pins
from sandbox.worker import FIRST_DELAY_S, LONGEST_DELAY_S, SLICE_S, Patience, Worker, run

CT = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
FILES = {"a.dcm": CT, "b.dcm": CT + b"\0"}


@dataclass
class Ticks:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Killed(BaseException):
    """The process ends here."""


class DyingStores:
    """A store, or the gate, whose `countdown`-th use is the process's last."""

    def __init__(self, inner: object, names: tuple[str, ...], countdown: list[int]) -> None:
        self._inner, self._names, self._countdown = inner, names, countdown

    def __getattr__(self, name: str):
        found = getattr(self._inner, name)
        if name not in self._names:
            return found

        def counted(*args: object, **kwargs: object) -> object:
            self._die_at_zero()
            result = found(*args, **kwargs)
            self._die_at_zero()
            return result

        return counted

    def _die_at_zero(self) -> None:
        self._countdown[0] -= 1
        if self._countdown[0] == 0:
            raise Killed


def dying(house: EnclaveHouse, countdown: list[int]) -> Enclave:
    return replace(
        house.enclave,
        gate=DyingStores(house.gate, ("perform",), countdown),
        blobs=DyingStores(house.blobs, ("put", "read"), countdown),
        exchange=DyingStores(house.exchange, ("put", "destroy"), countdown),
    )


def rooms(enclave: Enclave, engine: LocalEngine | None = None) -> list:
    clean = CleanWork.over(enclave, engine or LocalEngine(recipe_named))
    return [lambda ledger: collect_work.steps(enclave, ledger), clean.steps]


def worker(house: EnclaveHouse, ticks: Ticks | None = None, **changes: object) -> Worker:
    enclave = replace(house.enclave, **changes)
    return Worker(enclave, rooms(enclave), Patience(ticks or Ticks()), house.work.sweep)


@pytest.mark.parametrize("uses", range(1, 31))
def test_killed_anywhere_it_starts_again_and_does_everything_once(house: EnclaveHouse, uses: int):
    dataset = house.receiving()
    house.deposit(dataset, FILES)
    house.project(dataset)
    countdown = [uses]

    if _killed_while_working(house, dataset, countdown):
        house.run_worker()
        house.work.sweep(LEDGER)

    if {item.state for item in house.items(dataset)} == {ItemState.CLEANED}:
        house.sign_approval(house.sampled(dataset))
        house.run_worker()
    done = [e["objects"]["item"] for e in house.entries() if e["action"] == Action.ITEM_CLEAN]
    issues = [e for e in house.entries() if e["action"] == Action.ITEM_ISSUE]
    assert sorted(done) == sorted(item.id for item in house.items(dataset))
    assert len(issues) == len(FILES)
    assert list(house.exchange.names("deposit:")) == []


def _killed_while_working(house: EnclaveHouse, dataset: str, countdown: list[int]) -> bool:
    """Clean, then sample, then issue, with a worker that dies; whether it was killed."""
    enclave = dying(house, countdown)
    mortal = Worker(enclave, rooms(enclave), Patience(Ticks()), house.work.sweep)
    try:
        while mortal.turn():
            pass
        sitting = house.open_approval(dataset)
        while mortal.turn():
            pass
        house.sign_approval(sitting)
        while mortal.turn():
            pass
    except Killed:
        return True
    return False


def test_a_ledger_that_no_pinned_steward_opened_is_left_alone(house: EnclaveHouse, caplog):
    dataset = house.create_dataset()
    pins = house.folder / "other.pins"
    pins.write_text(f"{text_of(Member().key.public_bytes)} somebody else\n")
    history = Histories(house.ledgers, house.notary, pins, house.folder / "pins")

    with caplog.at_level(logging.WARNING):
        done = worker(house, history=history).turn()

    assert done == 0
    assert "is not believed" in caplog.text
    assert str(house.dataset(dataset).state) == "DRAFT"


def test_without_any_pin_nothing_is_believed(house: EnclaveHouse):
    house.create_dataset()
    nowhere = house.folder / "none.pins"
    history = Histories(house.ledgers, house.notary, nowhere, house.folder / "pins")

    assert worker(house, history=history).turn() == 0


def test_a_notary_with_other_keys_is_refused(house: EnclaveHouse):
    house.histories(LEDGER)
    pins = house.folder / "vault" / "stewards.pins"
    folder = house.folder / "vault" / "logs"
    (folder / f"{LEDGER}.vkeys").write_text("another+key\n")
    history = Histories(house.ledgers, house.notary, pins, folder)

    with pytest.raises(VerificationFailed) as refused:
        history(LEDGER)

    assert refused.value.code == "log-keys-changed"


def test_an_entry_beyond_the_checkpoint_is_early_and_not_wrong(house: EnclaveHouse):
    history = house.histories(LEDGER)

    with pytest.raises(CheckpointPending):
        history.signed_act(10**6, Action.DEPOSIT_OPEN, ())
    with pytest.raises(CheckpointPending):
        history.receipt(10**6)


@pytest.mark.parametrize("line", ["not base64!", text_of(b"short")])
def test_a_pin_that_is_no_key_is_refused(tmp_path, line: str):
    pins = tmp_path / "pins"
    pins.write_text(f"# stewards\n\n{line} who\n")

    with pytest.raises(VerificationFailed):
        read_steward_pins(pins)


def test_a_step_that_fails_is_tried_later_and_later():
    ticks = Ticks()
    patience = Patience(ticks)
    waits = []
    for _ in range(12):
        patience.failed("x")
        began = ticks.now
        while not patience.allows("x"):
            ticks.now += FIRST_DELAY_S / 2
        waits.append(ticks.now - began)

    assert waits[:3] == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S]
    assert waits[-1] == LONGEST_DELAY_S
    patience.done("x")
    assert patience.allows("x")


def test_a_room_with_much_to_do_gives_way_to_the_next(house: EnclaveHouse):
    house.create_dataset()
    ticks, did = Ticks(), []

    def flood(_ledger: str):
        for number in range(100):
            yield f"flood {number}", lambda: tick("flood")

    def release(_ledger: str):
        yield "release", lambda: tick("release")

    def tick(name: str) -> None:
        ticks.now += SLICE_S / 4
        did.append(name)

    Worker(house.enclave, [flood, release], Patience(ticks), house.work.sweep).turn()

    assert did == ["flood"] * 4 + ["release"]


class Refusing:
    """A gate that refuses, and counts how often it was asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def perform(self, actor: Actor, command: Command) -> Receipt:  # noqa: ARG002 - the gate's form
        self.asked += 1
        raise self.error

    def finish_tails(self) -> None:
        raise CheckpointPending


@pytest.mark.parametrize("error", [Forbidden(), Conflict(), KeyError("x")])
def test_what_is_refused_does_not_fill_the_log(house: EnclaveHouse, error: Exception):
    house.create_dataset()
    gate, ticks = Refusing(error), Ticks()
    patient = worker(house, ticks, gate=gate)

    for _ in range(10):
        patient.turn()
    asked = gate.asked
    ticks.now += LONGEST_DELAY_S
    patient.turn()

    assert (asked, gate.asked) == (1, 2)


def test_it_waits_while_the_house_cannot_act(house: EnclaveHouse):
    house.create_dataset()
    gate, stop = Refusing(LedgerUnavailable()), threading.Event()
    waiting = worker(house, gate=gate)

    class Stop:
        """Set once the worker waits for the second time."""

        waits: list[float] = []  # noqa: RUF012 - one test's own

        def is_set(self) -> bool:
            return stop.is_set()

        def wait(self, seconds: float) -> None:
            self.waits.append(seconds)
            if len(self.waits) == 2:
                stop.set()

    run(waiting, Stop(), poll_s=0.01)

    assert gate.asked == 2
    assert min(Stop.waits) >= 1.0


def test_it_ends_when_asked(house: EnclaveHouse):
    dataset = house.create_dataset()
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(worker(house), stop, 0.01))
    thread.start()

    while str(house.dataset(dataset).state) == "DRAFT":
        stop.wait(0.01)
    stop.set()
    thread.join(10)

    assert not thread.is_alive()


class Breaking(LocalEngine):
    """An engine that a file brings down."""

    def clean(self, job: Job) -> Verdict:
        if job.data.endswith(b"BREAK"):
            raise RecursionError("content of the file")
        return super().clean(job)


def test_a_file_that_breaks_the_engine_does_not_stop_the_batch(house: EnclaveHouse, caplog):
    dataset = house.receiving()
    house.deposit(dataset, {"a.dcm": CT, "b.dcm": CT + b"BREAK"})
    work = CleanWork.over(house.enclave, Breaking(recipe_named))

    for _, act in work.steps(LEDGER):
        act()

    found = sorted((str(item.state), item.reason) for item in house.items(dataset))
    assert found == [("CLEANED", None), ("QUARANTINED", "engine-failed")]
    assert "content of the file" not in caplog.text


def test_rows_that_contradict_each_other_stop_one_room_only(house: EnclaveHouse):
    dataset = house.create_dataset()

    def broken(ledger: str) -> list:
        raise Conflict(ledger)

    enclave = house.enclave
    rooms_of = [broken, *rooms(enclave)]
    Worker(enclave, rooms_of, Patience(Ticks()), house.work.sweep).turn()

    assert str(house.dataset(dataset).state) == "RECEIVING"


def test_nothing_is_tried_for_a_suspended_dataset(house: EnclaveHouse):
    dataset = house.receiving()
    house.deposit(dataset, FILES)
    row = house.dataset(dataset)
    house.change_behind_the_gate(replace(row, state=type(row.state).SUSPENDED))

    assert list(house.work.steps(LEDGER)) == []


def test_a_receipt_from_the_verified_past_verifies_alone(house: EnclaveHouse):
    house.create_dataset()
    history = house.histories(LEDGER)
    last = len(history.entries()) - 1

    receipt = history.receipt(last)

    proof = parse_proof(receipt["proof"])
    head = parse(split_note(proof.checkpoint)[0])
    leaf = leaf_hash(receipt["entry"].encode())
    verify_inclusion(last, head.size, leaf, list(proof.hashes), head.root)
    assert [h.role for h in history.holder(house.officer.member)] == ["deid-officer"]
