"""The published folder: whole files, in order, never back."""

import hashlib
import json
import shutil
from datetime import UTC, datetime

import pytest
from auditor import audit

from crypto import tiles
from crypto import verifier as regulator
from crypto.merkle import Tree, leaf_hash
from policies.ruling import Ruling
from policies.vocabulary import Action, Role
from sandbox.errors import LedgerHalted, NotFound, TooLarge, Unavailable, VerificationFailed
from sandbox.provenance import evidence
from sandbox.provenance.entry import Deed, Doer, Place, build
from sandbox.provenance.evidence import Handout, Supplements, write_pack
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher, head_of
from sandbox.provenance.receipts import Part, receipt_document

LEDGER = "ab" * 16
DATASET = "cd" * 16
TABLE = b'{"default":"deny"}'
POLICY = "sha256:" + hashlib.sha256(TABLE).hexdigest()
AT = datetime(2026, 7, 1, 8, tzinfo=UTC)


class Log:
    """A growing log: its entries, their tree, and a notary's word on it."""

    def __init__(self, folder):
        self.folder = folder / "log"
        self.notary = NotaryState(folder / "notary", "anbiao.test", lambda: AT)
        self.publisher = Publisher(self.folder)
        self.entries: list[bytes] = []
        self.tree = Tree()

    def grow(self, count: int) -> str:
        start = len(self.entries)
        for index in range(start, start + count):
            before = hashlib.sha256(self.entries[-1] if index else b"").digest()
            action = Action.APPROVAL_SIGN if index % 7 == 3 else Action.DATASET_CREATE
            deed = Deed(action, {"dataset": DATASET}, Ruling(True, "all", POLICY))
            doer = Doer("ef" * 16, "hospital", [Role.STEWARD], [], "hospital")
            self.entries.append(build(Place(LEDGER, index, before, AT), doer, deed))
        leaves = [leaf_hash(entry) for entry in self.entries[start:]]
        self.tree.extend(leaves)
        return self.notary.extend(LEDGER, start, leaves)

    def publish(self, note: str) -> None:
        self.publisher.publish(LEDGER, self.tree, note, self.read)

    def republish(self, note: str) -> None:
        keys = self.notary.keys(LEDGER)
        self.publisher.republish(LEDGER, self.tree, note, keys, self.read)

    def read(self, start: int, stop: int) -> list[bytes]:
        return self.entries[start:stop]

    @property
    def place(self):
        return self.folder / LEDGER

    def verified(self) -> int:
        """Entries of the published log, by the regulator's own program and by the Go auditor."""
        pins = regulator.Pins(
            tuple(regulator.parse_key(key, "pin") for key in self.notary.keys(LEDGER))
        )
        assert audit("log", self.place, self.place / "keys").code == 0
        return len(regulator.verify_log(regulator.Folder(self.place), pins).raw)


@pytest.fixture
def log(tmp_path):
    made = Log(tmp_path)
    made.republish(made.grow(0))
    yield made
    made.notary.close()


@pytest.mark.parametrize("sizes", [(1,), (255, 1), (256,), (1, 1, 1), (300, 300), (70, 1000)])
def test_published_log_verifies_at_every_size(log, sizes):
    for count in sizes:
        log.publish(log.grow(count))

        assert log.verified() == len(log.entries)


def test_large_log_has_upper_tiles_and_no_stale_partials(log):
    log.publish(log.grow(200))
    log.publish(log.grow(256 * 256))

    assert (log.place / "tile/1/000").is_file()
    assert not (log.place / "tile/0/000.p").exists()
    assert not (log.place / "tile/entries/000.p").exists()


def test_partial_tile_stays_until_the_full_one_stands(log):
    log.publish(log.grow(10))
    log.publish(log.grow(10))

    assert (log.place / "tile/0/000.p/10").is_file()
    assert (log.place / "tile/entries/000.p/20").is_file()


def test_checkpoint_never_makes_way_for_a_smaller_one(log):
    small = log.grow(3)
    log.publish(log.grow(4))

    log.publish(small)

    assert head_of((log.place / "checkpoint").read_text()).size == 7


def test_publisher_says_when_the_published_log_is_ahead(log):
    small = log.grow(3)
    behind = Tree()
    behind.extend(leaf_hash(e) for e in log.entries)
    log.publish(log.grow(4))

    published = log.publisher.publish(LEDGER, behind, small, log.read)

    assert published.size == 7


@pytest.mark.requirement("R64")
def test_other_history_is_not_published_over_the_first(log):
    log.publish(log.grow(5))
    fork = Tree()
    fork.extend([bytes(32)] * 9)

    with pytest.raises(LedgerHalted) as caught:
        log.publisher.publish(LEDGER, fork, log.grow(1), log.read)

    assert caught.value.code == "log-differs"


def test_other_keys_are_not_published_over_the_first(log):
    with pytest.raises(LedgerHalted) as caught:
        log.publisher.republish(LEDGER, log.tree, log.grow(1), ["a+b+c"], log.read)

    assert caught.value.code == "log-keys-differ"


DAMAGE = {
    "tile gone": lambda place: (place / "tile/0/000").unlink(),
    "tile altered": lambda place: (place / "tile/0/001.p/44").write_bytes(bytes(32)),
    "bundle emptied": lambda place: (place / "tile/entries/000").write_bytes(b""),
    "old partial torn": lambda place: (place / "tile/entries/001.p/40").write_bytes(b""),
    "checkpoint torn": lambda place: (place / "checkpoint").write_bytes(b""),
    "checkpoint gone": lambda place: (place / "checkpoint").unlink(),
    "keys torn": lambda place: (place / "keys").write_bytes(b""),
    "everything gone": shutil.rmtree,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_mended_at_the_start(log, kind):
    log.publish(log.grow(296))
    note = log.grow(4)
    log.publish(note)
    DAMAGE[kind](log.place)

    log.republish(note)

    assert log.verified() == 300


def test_published_folder_holds_nothing_but_the_log(log):
    log.publish(log.grow(300))

    names = {
        path.relative_to(log.place).as_posix() for path in log.place.rglob("*") if path.is_file()
    }

    for name in names - {"checkpoint", "keys"}:
        tiles.parse_path(name)


def test_malformed_checkpoint_is_not_published(log):
    with pytest.raises(LedgerHalted) as caught:
        log.publish("not a note\n")

    assert caught.value.code == "checkpoint-malformed"


def test_folder_that_is_none_is_unwritable(tmp_path):
    (tmp_path / "log").write_text("a file")

    with pytest.raises(Unavailable) as caught:
        Publisher(tmp_path / "log").republish(LEDGER, Tree(), "", [], lambda _a, _b: [])

    assert caught.value.code == "log-unwritable"


def test_tile_that_cannot_be_written_is_told(log):
    (log.place / "tile").write_text("in the way")

    with pytest.raises(Unavailable) as caught:
        log.publish(log.grow(1))

    assert caught.value.code == "log-unwritable"
    assert head_of((log.place / "checkpoint").read_text()).size == 0


def test_evidence_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "halted").write_text("a file")

    with pytest.raises(Unavailable):
        Publisher(tmp_path / "log").keep_evidence(LEDGER, "ledger-differs", {})


def test_same_evidence_is_kept_once(tmp_path):
    publisher = Publisher(tmp_path / "log", tmp_path / "kept")

    first = publisher.keep_evidence(LEDGER, "ledger-differs", {"size": 3})
    again = publisher.keep_evidence(LEDGER, "ledger-differs", {"size": 3})

    assert first == again
    assert json.loads(first.read_bytes())["code"] == "ledger-differs"


HANDOUT = Handout(LEDGER, {"kind": "dataset", "dataset": DATASET}, 0, AT)


def pack(log, path, **change) -> bytes:
    parts = {"tables": {POLICY: TABLE}, "passports": {}, "beside": {}, **change}
    with path.open("wb") as sink:
        write_pack(sink, HANDOUT, log.place, Supplements(**parts))
    return path.read_bytes()


@pytest.mark.requirement("R70")
def test_evidence_pack_is_the_one_spelling_that_the_verifier_accepts(log, tmp_path):
    log.publish(log.grow(300))

    octets = pack(log, tmp_path / "one.zip")

    files = regulator.read_pack(octets)
    assert {n for n in files if n.startswith("proofs/")} == {
        f"proofs/{index}.tlog-proof" for index in (0, *range(3, 300, 7))
    }
    assert files[f"policy/{POLICY[7:]}.json"] == TABLE
    assert json.loads(files["manifest.json"])["about"] == HANDOUT.about
    regulator._check_manifest(json.loads(files["manifest.json"]), files)


@pytest.mark.requirement("R70")
def test_log_and_proofs_in_the_pack_verify(log, tmp_path):
    log.publish(log.grow(290))
    log.publish(log.grow(10))
    files = regulator.read_pack(pack(log, tmp_path / "one.zip"))
    pins = regulator.Pins(tuple(regulator.parse_key(k, "pin") for k in log.notary.keys(LEDGER)))

    verified = regulator.verify_log(regulator.Members(files, "log/"), pins)
    regulator._check_pack_proofs(files, verified, pins)

    assert list(verified.raw) == log.entries


def test_a_passport_whose_seal_is_not_published_yet_waits(log, tmp_path):
    log.publish(log.grow(3))

    ahead = pack(log, tmp_path / "one.zip", passports={"12" * 16: b"{}"})

    assert ahead == pack(log, tmp_path / "two.zip")


def test_two_exports_at_one_checkpoint_are_the_same_bytes(log, tmp_path):
    log.publish(log.grow(30))

    assert pack(log, tmp_path / "one.zip") == pack(log, tmp_path / "two.zip")


def test_pack_without_a_named_decision_table_is_refused(log, tmp_path):
    log.publish(log.grow(3))

    with pytest.raises(NotFound) as caught:
        pack(log, tmp_path / "one.zip", tables={})

    assert caught.value.code == "policy-missing"


def test_pack_of_an_unpublished_log_is_refused(log, tmp_path):
    shutil.rmtree(log.place)

    with pytest.raises(NotFound) as caught:
        pack(log, tmp_path / "one.zip")

    assert caught.value.code == "log-missing"


@pytest.mark.parametrize("limit", ["_MAX_MEMBERS", "_MAX_BYTES"])
def test_pack_that_a_zip_cannot_hold_is_refused(log, tmp_path, monkeypatch, limit):
    log.publish(log.grow(3))
    monkeypatch.setattr(evidence, limit, 4)

    with pytest.raises(TooLarge) as caught:
        pack(log, tmp_path / "one.zip")

    assert caught.value.code == "evidence-too-large"


@pytest.mark.parametrize("octets", [b"", b"\x00\x05abc", b"\xff\xff"])
def test_pack_of_a_damaged_log_is_refused(log, tmp_path, octets):
    log.publish(log.grow(3))
    (log.place / "tile/entries/000.p/3").write_bytes(octets)

    with pytest.raises(VerificationFailed) as caught:
        pack(log, tmp_path / "one.zip")

    assert caught.value.code == "log-differs"


def test_pack_of_an_altered_log_is_refused(log, tmp_path):
    log.publish(log.grow(3))
    bundle = log.place / "tile/entries/000.p/3"
    bundle.write_bytes(bundle.read_bytes().replace(b"steward", b"regentt"))

    with pytest.raises(VerificationFailed):
        pack(log, tmp_path / "one.zip")


def test_log_stands_still_while_it_is_read(log):
    note = log.grow(3)

    with log.publisher.reading(LEDGER) as folder:
        assert folder == log.place

    log.publish(note)
    assert log.verified() == 3


def test_receipt_of_a_part_names_its_path():
    document = receipt_document(b"{}", "proof", Part(3, bytes(32), [bytes(32), bytes(32)]))

    assert document == {
        "entry": "{}",
        "proof": "proof",
        "part": {"index": 3, "commitment": "00" * 32, "path": ["00" * 32] * 2},
    }
    assert receipt_document(b"{}", "proof") == {"entry": "{}", "proof": "proof"}
