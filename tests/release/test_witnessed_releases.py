"""R74: what a hospital wants witnessed leaves only under a head that a quorum cosigned."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from release_house import ReleaseHouse
from room_house import SCAN
from room_parts import LEDGER

from api.witness import book
from api.witness.answers import Witness
from crypto.note import VerifierKey
from crypto.tlogpolicy import WitnessPolicy, parse_policy
from crypto.verifier import Broken, CannotTell, Folder, check_passport, read_pins, verify_log_folder
from policies.pack import read_pack
from policies.vocabulary import Action, ReleaseState
from sandbox.errors import (
    Forbidden,
    NotFound,
    SandboxError,
    Unacceptable,
    Unavailable,
    VerificationFailed,
)
from sandbox.history import Histories
from sandbox.people.commands import RequireWitnesses
from sandbox.people.signed_terms import witness_terms
from sandbox.provenance.cosigning import Cosigning, WitnessAnswer
from sandbox.provenance.publishing import Publisher
from sandbox.provenance.witnesses import find_policy, keep_policy, published_witnessed
from sandbox.release.work import ReleaseWork

pytestmark = pytest.mark.requirement("R74")


class Witnesses:
    """Three real witnesses, asked without a network; each may be silent, or say what it likes."""

    def __init__(self, house: ReleaseHouse, folder: Path) -> None:
        self.house, self.now = house, 0.0
        keys = [VerifierKey.parse(key) for key in house.vkeys()]
        self.each: dict[str, Witness] = {}
        lines = []
        for number in range(3):
            name, own = f"w{number}.example", folder / f"w{number}"
            book.make_keys(own, name)
            book.trust(own, keys, None)
            self.each[f"http://{name}"] = Witness(book.Book(own), lambda: house.clock().timestamp())
            vkey = book.read_signers(own)[number == 2].vkey  # the third one by ML-DSA
            lines.append(f"witness w{number} {vkey} http://{name}\n")
        self.file = folder / "policy"
        self.file.write_text("".join(lines) + "group two 2 w0 w1 w2\nquorum two\n")
        self.policy = parse_policy(self.file.read_bytes())
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self.says: Callable[[str, WitnessAnswer], WitnessAnswer] = lambda _url, answer: answer
        self.cosigning = Cosigning(
            house.log, Publisher(house.log), self.policy, self.ask, lambda: self.now
        )
        shelf = folder / "shelf"
        shelf.mkdir()
        keep_policy(shelf, self.policy)
        house.enclave = replace(
            house.enclave,
            history=Histories(
                house.ledgers, house.notary, folder / "stewards.pins", folder / "log-pins",
                partial(published_witnessed, house.log),
            ),
            witness_policies=partial(find_policy, shelf),
        )  # fmt: skip
        house.releases = ReleaseWork.over(house.enclave, SCAN, read_pack())

    def ask(self, url: str, request: bytes) -> WitnessAnswer:
        self.asked.append(url)
        if url in self.silent:
            raise Unavailable("witness-silent", "off")
        answer = self.each[url].add_checkpoint(request)
        sized = answer.content_type == "text/x.tlog.size"
        return self.says(url, WitnessAnswer(answer.status, answer.body, sized=sized))

    def silence(self, *numbers: int) -> None:
        self.silent = {f"http://w{number}.example" for number in numbers}

    def turn(self) -> None:
        self.now += 1_000
        self.cosigning.turn()

    def require(self, policy: str | None = None, who=None) -> None:
        digest = self.policy.digest if policy is None else policy
        person = who or self.house.steward
        signed = person.sign(Action.WITNESS_REQUIRE, {}, witness_terms(digest))
        self.house.perform(person, RequireWitnesses(ledger=LEDGER, policy=digest, signed=signed))


@pytest.fixture
def witnesses(house, tmp_path) -> Iterator[Witnesses]:
    made = Witnesses(house, tmp_path)
    yield made
    for witness in made.each.values():
        witness.book.close()


def state(house: ReleaseHouse, release: str) -> ReleaseState:
    return house.release(release).state


def approved(house: ReleaseHouse, witnesses: Witnesses) -> str:
    witnesses.require()
    return house.approved()


def test_a_release_waits_for_its_witnesses_and_labelling_does_not(house, witnesses):
    release = approved(house, witnesses)
    witnesses.silence(0, 1, 2)

    for _ in range(3):
        witnesses.turn()
        assert house.work() == 0

    assert state(house, release) == ReleaseState.SEALING
    assert house.issue(b"Another clear film.", "text", 0)  # the next task is there to be taken


def test_one_of_three_is_no_quorum_and_two_are(house, witnesses):
    release = approved(house, witnesses)
    witnesses.silence(0, 1)
    witnesses.turn()
    assert house.work() == 0

    witnesses.silence(0)
    witnesses.turn()

    assert house.work() == 1
    assert state(house, release) == ReleaseState.RELEASED


def test_the_passport_carries_the_cosignatures_and_names_the_policy(house, witnesses):
    release = approved(house, witnesses)
    witnesses.turn()
    house.work()
    data = house.release(release).passport

    passport = check_passport(data, read_pins(house.vkeys(), (), str(witnesses.file)))

    digest = witnesses.policy.digest
    assert passport.statement["predicate"]["witness"] == digest
    assert passport.sentence.endswith(f", witnessed by {digest}")
    assert "witness.require" in [entry["action"] for entry in passport.entries]
    unpinned = check_passport(data, read_pins(house.vkeys()))
    assert unpinned.sentence.endswith(f", witnesses {digest} not checked")


def test_without_witnesses_asked_for_it_stays_unwitnessed_and_says_so(house, witnesses):
    release = house.released()

    data = house.release(release).passport

    pins = read_pins(house.vkeys(), (), str(witnesses.file))
    assert check_passport(data, read_pins(house.vkeys())).sentence.endswith(", unwitnessed")
    with pytest.raises(Broken, match="release-unwitnessed"):
        check_passport(data, pins).demand_witnesses(pins, "passport")


def test_a_policy_that_is_not_the_pinned_one_is_no_quorum(house, witnesses, tmp_path):
    release = approved(house, witnesses)
    witnesses.silence(2)
    witnesses.turn()
    house.work()
    stricter = tmp_path / "stricter"
    stricter.write_bytes(witnesses.file.read_bytes().replace(b"group two 2", b"group two 3"))

    with pytest.raises(Broken, match="release-without-quorum"):
        check_passport(house.release(release).passport, read_pins(house.vkeys(), (), str(stricter)))


def test_the_published_head_and_the_last_witnessed_one_are_verified(house, witnesses):
    approved(house, witnesses)
    witnesses.turn()
    house.work()
    pins = read_pins(house.vkeys(), (), str(witnesses.file))

    said = verify_log_folder(Folder(house.log / LEDGER), pins, None)

    size = int((house.log / LEDGER / "witnessed").read_text().split("\n")[1])
    assert f"; witnessed up to {size}; " in said
    assert size < len(house.entries())  # the seal came after it
    witnesses.turn()
    both = ((house.log / LEDGER / name).read_text() for name in ("checkpoint", "witnessed"))
    assert len(set(both)) == 1


def test_a_log_that_nobody_vouched_for_yet_can_not_be_told(house, witnesses):
    house.opened()
    pins = read_pins(house.vkeys(), (), str(witnesses.file))

    with pytest.raises(CannotTell, match="no quorum"):
        verify_log_folder(Folder(house.log / LEDGER), pins, None)


def test_a_witnessed_head_of_another_history_is_found(house, witnesses):
    approved(house, witnesses)
    witnesses.turn()
    path = house.log / LEDGER / "witnessed"
    path.write_text(path.read_text().replace("\n\n", "\n\n— stranger AAAAAAAA\n", 1))
    pins = read_pins(house.vkeys(), (), str(witnesses.file))

    assert "witnessed up to" in verify_log_folder(Folder(house.log / LEDGER), pins, None)
    other = (house.log / LEDGER / "checkpoint").read_text().split("\n")
    other[1] = str(int(other[1]) - 1)
    path.write_text("\n".join(other))
    with pytest.raises(Broken, match="signature-wrong"):
        verify_log_folder(Folder(house.log / LEDGER), pins, None)


# --- whose word it is ------------------------------------------------------------------------------
def test_only_a_steward_asks_for_witnesses(house, witnesses):
    with pytest.raises(Forbidden):
        witnesses.require(who=house.checker)
    with pytest.raises(NotFound):  # a firm's lead knows projects, not the hospital
        witnesses.require(who=house.lead)


@pytest.mark.parametrize("policy", ["", "sha256:00", "nobody", "sha256:" + "G" * 64])
def test_what_is_no_digest_is_not_asked_for(witnesses, policy):
    with pytest.raises(Unacceptable) as refused:
        witnesses.require(policy)

    assert refused.value.code == "witness-policy-malformed"


def test_to_ask_for_nobody_again_stands_in_the_log(house, witnesses):
    witnesses.require()
    witnesses.require("none")

    release = house.released()

    said = verify_log_folder(Folder(house.log / LEDGER), read_pins(house.vkeys()), None)
    assert state(house, release) == ReleaseState.RELEASED
    assert "1 releases" in said


def test_lowering_the_quorum_after_the_request_changes_nothing_for_it(house, witnesses):
    release = approved(house, witnesses)
    witnesses.require("none")

    assert house.work() == 0
    assert state(house, release) == ReleaseState.SEALING
    witnesses.turn()
    assert house.work() == 1


def test_an_unknown_policy_lets_nothing_out(house, witnesses):
    witnesses.require("sha256:" + "0" * 64)
    release = house.approved()
    witnesses.turn()

    with pytest.raises(VerificationFailed, match="no quorum"):
        house.work()
    assert house.release(release).sealed_blob is None


def test_a_published_file_that_somebody_wrote_lets_nothing_out(house, witnesses):
    release = approved(house, witnesses)
    witnesses.silence(0, 1)
    witnesses.turn()
    one = (house.log / LEDGER / "checkpoint").read_text()
    path = house.log / LEDGER / "witnessed"

    for octets in (one.encode(), b"\xff"):
        path.write_bytes(octets)
        assert house.work() == 0
    for text in (one + one.splitlines(keepends=True)[-1], "nonsense"):
        path.write_text(text)
        with pytest.raises(SandboxError):
            house.work()
    assert state(house, release) == ReleaseState.SEALING


# --- asking ------------------------------------------------------------------------------------------
def test_a_silent_witness_is_asked_less_often_and_comes_back(house, witnesses):
    house.opened()
    witnesses.silence(1)
    witnesses.cosigning.turn()
    witnesses.asked.clear()

    witnesses.cosigning.turn()  # at the same moment
    assert "http://w1.example" not in witnesses.asked
    witnesses.silence()
    witnesses.turn()

    assert witnesses.cosigning.standing() == dict.fromkeys(witnesses.each)


def test_a_head_that_all_cosigned_is_not_asked_about_again(house, witnesses):
    house.opened()
    witnesses.turn()
    witnesses.turn()  # the first turn also told the sizes
    witnesses.asked.clear()

    witnesses.turn()

    assert witnesses.asked == []


@pytest.mark.parametrize(
    "lie",
    [
        lambda _: WitnessAnswer(200, ""),
        lambda _: WitnessAnswer(200, "thanks\n"),
        lambda answer: WitnessAnswer(200, answer.text.replace("A", "B")),
        lambda _: WitnessAnswer(500, "internal-error\n"),
        lambda _: WitnessAnswer(409, "999999\n", sized=True),
        lambda _: WitnessAnswer(409, "many\n", sized=True),
        lambda _: WitnessAnswer(409, "1\n"),
    ],
)
def test_an_answer_that_is_none_counts_for_nothing(house, witnesses, lie):
    house.opened()
    witnesses.says = lambda url, answer: lie(answer) if url.endswith("w0.example") else answer

    witnesses.turn()

    standing = witnesses.cosigning.standing()
    assert standing["http://w0.example"] is not None
    assert standing["http://w1.example"] is None
    note = (house.log / LEDGER / "witnessed").read_text()
    assert "— w1.example" in note
    assert "— w0.example" not in note


def test_a_witness_that_saw_another_history_is_told_of_loudly(house, witnesses, caplog):
    house.opened()
    witnesses.says = lambda _url, _answer: WitnessAnswer(422, "consistency-proof\n")

    with caplog.at_level(logging.CRITICAL, "anbiao.witnesses"):
        witnesses.turn()

    assert "does not go on from what it cosigned" in caplog.text
    assert not (house.log / LEDGER / "witnessed").exists()


def test_a_policy_on_the_shelf_that_was_changed_is_not_found(tmp_path, witnesses):
    (kept,) = (tmp_path / "shelf").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"group two 2", b"group two 1"))

    assert find_policy(tmp_path / "shelf", witnesses.policy.digest) is None
    assert isinstance(witnesses.policy, WitnessPolicy)
