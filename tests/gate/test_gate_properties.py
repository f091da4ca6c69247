"""Random stories: every store tells the same one, and the regulator's program believes it."""

import tempfile
from pathlib import Path

import pytest
from gate_house import LEDGER, PREFIX, Clock, House, rows_of_hospital
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import canonical
from crypto import verifier as regulator
from sandbox.errors import SandboxError, VerificationFailed
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.receipts import receipt_document
from sandbox.storage.memory import MemoryLedgers
from sandbox.storage.sqlite import SqliteLedgers
from sandbox.trust import Trust

STEP = st.one_of(
    st.tuples(
        st.just("keep"),
        st.sampled_from(["steward", "labeller", "stranger"]),
        st.integers(0, 5),
        st.sampled_from(["keep", "keep", "refuse", "break", "no-facts", "wordy"]),
        st.sampled_from([None, "k1", "k2"]),
    ),
    st.tuples(st.just("grant")),
    st.tuples(st.just("revoke")),
    st.tuples(st.just("wait"), st.integers(-3, 3)),
    st.tuples(st.just("restart")),
)


class Story:
    """One run of steps on one kind of store."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        rows = rows_of_hospital()
        self.ledgers = (
            SqliteLedgers(folder / "db", hospital_rows=rows)
            if kind == "sqlite"
            else MemoryLedgers(hospital_rows=rows)
        )
        self.notary = NotaryState(folder / "notary", PREFIX, Clock())
        self.house = self.open()
        self.house.found()
        self.memberships: list[str] = []
        self.heard: list[str] = []

    def open(self) -> House:
        return House(self.folder, ledgers=self.ledgers, notary=self.notary)

    def take(self, step) -> None:
        try:
            self.heard.append(self.outcome(*step))
        except SandboxError as error:
            self.heard.append(error.code)

    def outcome(self, verb: str, *parts) -> str:
        house = self.house
        if verb == "keep":
            who, slot, how, key = parts
            receipt = house.keep(f"{slot:032x}", who=who, how=how, request_key=key)
            return f"done {receipt.index}"
        if verb == "grant":
            self.memberships.append(house.grant("labeller"))
        elif verb == "revoke" and self.memberships:
            house.revoke(self.memberships.pop())
        elif verb == "wait":
            house.clock.advance(hours=parts[0])
        elif verb == "restart":
            house.gate.close()
            self.house = self.open()
        return verb

    def shape(self) -> list[object]:
        """Everything of the log that chance does not make."""
        free = {"actor", "prev", "objects", "signed", "at"}
        return [
            {k: v for k, v in e.items() if k not in free | {"outcome"}}
            | {"rows": bool(e["outcome"].pop("commitments", {}).pop("rows", None))}
            | {"outcome": e["outcome"]}
            for e in self.house.entries()
        ]

    def close(self) -> None:
        self.house.gate.close()
        self.notary.close()
        self.ledgers.close()


@pytest.mark.requirement("R64")
@settings(max_examples=15, deadline=None)
@given(st.lists(STEP, max_size=14), st.data())
def test_every_store_tells_the_same_story_and_tampering_is_found(steps, data):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        stories = [Story(Path(one), "sqlite"), Story(Path(two), "memory")]
        for story in stories:
            for step in steps:
                story.take(step)

        assert stories[0].heard == stories[1].heard
        assert stories[0].shape() == stories[1].shape()
        for story in stories:
            believed(story)
        tampered(stories[0], data)
        for story in stories:
            story.close()


def believed(story: Story) -> None:
    """The published log verifies by the program that shares no code with ours."""
    folder = story.folder / "log" / LEDGER
    assert regulator.main([str(folder), "--key", str(folder / "keys")]) == regulator.SOUND


def tampered(story: Story, data) -> None:
    """Any one byte of any one entry, changed behind the checkpoint, is found."""
    house = story.house
    octets = house.store.entries(0, house.store.size())
    index = data.draw(st.integers(0, len(octets) - 1))
    at = data.draw(st.integers(0, len(octets[index]) - 1))
    changed = bytearray(octets[index])
    changed[at] ^= data.draw(st.integers(1, 255))
    octets[index] = bytes(changed)
    note = (story.folder / "log" / LEDGER / "checkpoint").read_text()

    class Shown:
        def entries(self, start, stop):
            return octets[start:stop]

    trust = Trust(LEDGER, {house.keys["steward"].public_bytes})
    with pytest.raises(VerificationFailed):
        trust.verify_log(Shown(), house.vkeys(), note)
    if index + 1 < len(octets):  # the last entry's own change shows by the checkpoint only
        with pytest.raises(VerificationFailed):
            Trust.walk(LEDGER, octets, {house.keys["steward"].public_bytes})


def test_receipts_verify_by_the_regulators_program(house, tmp_path, capsys):
    receipt = house.keep("1" * 32)
    document = receipt_document(receipt.entry, receipt.proof)
    (tmp_path / "receipt.json").write_bytes(canonical.encode(document))

    keys = tmp_path / "log" / LEDGER / "keys"
    verdict = regulator.main([str(tmp_path / "receipt.json"), "--key", str(keys)])

    assert verdict == regulator.SOUND
    assert "dataset.resume done" in capsys.readouterr().out
