"""The notary signs extensions of what it signed, and survives every torn write."""

import hashlib
import resource
import signal
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.checkpoint import open_checkpoint
from crypto.merkle import root_of
from crypto.note import VerifierKey
from sandbox.errors import LedgerHalted, Malformed, Unavailable
from sandbox.provenance.journal import HEADER, MAX_RECORD, Journal
from sandbox.provenance.notary import NotaryState

LEDGER = "ab" * 16
PREFIX = "anbiao.test"


def now() -> datetime:
    return datetime(2026, 7, 1, tzinfo=UTC)


def leaves(start: int, stop: int, history: str = "a") -> list[bytes]:
    return [hashlib.sha256(f"{history}{n}".encode()).digest() for n in range(start, stop)]


@pytest.fixture
def open_notary(tmp_path):
    opened = []

    def start() -> NotaryState:
        while opened:
            opened.pop().close()
        opened.append(NotaryState(tmp_path / "notary", PREFIX, now))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def head(notary, note):
    return open_checkpoint(note, [VerifierKey.parse(key) for key in notary.keys(LEDGER)])


def test_checkpoint_carries_both_signatures_over_size_and_root(open_notary):
    notary = open_notary()

    signed = head(notary, notary.extend(LEDGER, 0, leaves(0, 5)))

    assert signed.origin == f"{PREFIX}/{LEDGER}"
    assert signed.size == 5
    assert signed.root == root_of(leaves(0, 5))


def test_keys_are_ed25519_first_and_mldsa_second_and_stay(open_notary):
    keys = open_notary().keys(LEDGER)

    again = open_notary().keys(LEDGER)

    assert keys == again
    assert [VerifierKey.parse(key).algorithm for key in keys] == [0x01, 0x06]
    assert open_notary().keys("platform") != keys


def test_empty_ledger_has_a_checkpoint_too(open_notary):
    notary = open_notary()

    assert head(notary, notary.extend(LEDGER, 0, ())).size == 0


def test_same_extension_twice_is_answered_alike(open_notary):
    notary = open_notary()

    assert notary.extend(LEDGER, 0, leaves(0, 3)) == notary.extend(LEDGER, 0, leaves(0, 3))


def test_overlapping_extension_adds_what_is_new(open_notary):
    notary = open_notary()
    notary.extend(LEDGER, 0, leaves(0, 3))

    signed = head(notary, notary.extend(LEDGER, 1, leaves(1, 6)))

    assert signed.root == root_of(leaves(0, 6))


def test_shorter_ledger_gets_the_larger_checkpoint(open_notary):
    notary = open_notary()
    notary.extend(LEDGER, 0, leaves(0, 9))

    assert head(notary, notary.extend(LEDGER, 2, leaves(2, 4))).size == 9


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("changed", [0, 3, 6])
def test_fork_is_refused_and_signs_nothing(open_notary, changed):
    notary = open_notary()
    before = notary.extend(LEDGER, 0, leaves(0, 7))
    other = leaves(0, 9)
    other[changed] = bytes(32)

    with pytest.raises(LedgerHalted) as caught:
        notary.extend(LEDGER, 0, other)

    assert caught.value.code == "ledger-differs"
    assert notary.extend(LEDGER, 0, ()) == before


def test_gap_is_refused(open_notary):
    notary = open_notary()
    notary.extend(LEDGER, 0, leaves(0, 2))

    with pytest.raises(Unavailable) as caught:
        notary.extend(LEDGER, 3, leaves(3, 4))

    assert caught.value.code == "notary-behind"


@pytest.mark.parametrize("start", [-1, -(2**40)])
def test_index_below_zero_is_malformed(open_notary, start):
    with pytest.raises(Malformed):
        open_notary().extend(LEDGER, start, leaves(0, 1))


def test_leaf_of_another_size_is_malformed(open_notary):
    with pytest.raises(Malformed):
        open_notary().extend(LEDGER, 0, [bytes(31)])


@pytest.mark.parametrize("ledger", ["", "..", "../x", "AB" * 16, "ab" * 15, "platform/x", "a/b"])
def test_ledger_names_stay_inside_the_folder(open_notary, ledger, tmp_path):
    with pytest.raises(Malformed):
        open_notary().extend(ledger, 0, ())

    assert not (tmp_path / "notary").exists()


def test_restart_remembers_everything(open_notary):
    first = open_notary()
    first.extend(LEDGER, 0, leaves(0, 300))
    first.extend(LEDGER, 300, leaves(300, 301))

    again = open_notary()

    assert head(again, again.extend(LEDGER, 0, ())).root == root_of(leaves(0, 301))


def test_second_notary_on_the_same_folder_is_refused(open_notary, tmp_path):
    open_notary().extend(LEDGER, 0, leaves(0, 1))
    rival = NotaryState(tmp_path / "notary", PREFIX, now)

    with pytest.raises(Unavailable) as caught:
        rival.extend(LEDGER, 0, ())

    assert caught.value.code == "notary-busy"


def test_lost_keys_of_a_signed_log_are_not_made_anew(open_notary, tmp_path):
    open_notary().extend(LEDGER, 0, leaves(0, 1))
    (tmp_path / "notary" / LEDGER / "seeds").unlink()

    with pytest.raises(LedgerHalted) as caught:
        open_notary().keys(LEDGER)

    assert caught.value.code == "log-keys-lost"


def test_keys_that_others_could_read_are_refused(open_notary, tmp_path):
    open_notary().extend(LEDGER, 0, leaves(0, 1))
    (tmp_path / "notary" / LEDGER / "seeds").chmod(0o640)

    with pytest.raises(LedgerHalted) as caught:
        open_notary().keys(LEDGER)

    assert caught.value.code == "log-keys-exposed"


def test_cut_keys_are_refused(open_notary, tmp_path):
    open_notary().keys(LEDGER)
    (tmp_path / "notary" / LEDGER / "seeds").write_bytes(bytes(63))

    with pytest.raises(LedgerHalted) as caught:
        open_notary().keys(LEDGER)

    assert caught.value.code == "log-keys-damaged"


def test_kill_while_keys_are_made_leaves_nothing_in_the_way(open_notary, tmp_path):
    folder = tmp_path / "notary" / LEDGER
    folder.mkdir(parents=True)
    (folder / "seeds.new").write_bytes(b"half")

    assert len(open_notary().keys(LEDGER)) == 2


def journal_bytes(tmp_path, *records) -> bytes:
    path = tmp_path / "journal"
    path.unlink(missing_ok=True)
    journal = Journal(path)
    for record in records:
        journal.append(record)
    journal.close()
    return path.read_bytes()


def reopened(tmp_path, octets: bytes) -> tuple[int, Journal]:
    (tmp_path / "journal").write_bytes(octets)
    journal = Journal(tmp_path / "journal")
    return journal.tree.size, journal


RECORDS = (leaves(0, 2), leaves(2, 3), leaves(3, 6))


def test_journal_cut_anywhere_keeps_its_whole_records_and_goes_on(tmp_path):
    octets = journal_bytes(tmp_path, *RECORDS)

    for size in range(len(octets)):
        count, journal = reopened(tmp_path, octets[:size])
        assert count in {0, 2, 3}
        journal.append(leaves(count, count + 2))
        journal.close()
        again = Journal(tmp_path / "journal")
        assert again.tree.root() == root_of(leaves(0, count + 2))
        again.close()


def test_zeros_behind_the_last_record_are_a_torn_write(tmp_path):
    octets = journal_bytes(tmp_path, *RECORDS)

    count, journal = reopened(tmp_path, octets + bytes(100))

    journal.close()
    assert count == 6
    assert (tmp_path / "journal").read_bytes() == octets


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bit_never_adds_or_changes_a_leaf(tmp_path, data):
    octets = bytearray(journal_bytes(tmp_path, *RECORDS))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))

    try:
        count, journal = reopened(tmp_path, bytes(octets))
    except LedgerHalted:
        return
    # Only what was behind the damage is missing; the ledger hands it in again.
    assert journal.tree.root() == root_of(leaves(0, count))
    assert count < 6
    journal.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"another file\n",
        HEADER + (MAX_RECORD + 1).to_bytes(4, "big"),
        HEADER + b"\xff" * 3000,
    ],
)
def test_foreign_file_is_no_journal(tmp_path, octets):
    with pytest.raises(LedgerHalted):
        reopened(tmp_path, octets)


def test_leftover_of_a_failed_write_is_overwritten(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(leaves(0, 2))
    with path.open("ab") as file:
        file.write(b"\x00\x00\x00\x05half a record")

    journal.append(leaves(2, 3))
    journal.close()

    assert path.read_bytes() == journal_bytes(tmp_path, leaves(0, 2), leaves(2, 3))


def test_large_extension_is_kept_in_several_records(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.append([bytes(32)] * (MAX_RECORD + 5))
    journal.close()

    again = Journal(tmp_path / "journal")

    assert again.tree.size == MAX_RECORD + 5
    again.close()


@pytest.mark.requirement("R65")
def test_full_disk_signs_nothing_and_loses_nothing(open_notary):

    notary = open_notary()
    notary.extend(LEDGER, 0, leaves(0, 2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
    try:
        with pytest.raises(Unavailable) as caught:
            notary.extend(LEDGER, 2, leaves(2, 9))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, kept)

    assert caught.value.code == "notary-disk"
    assert head(notary, notary.extend(LEDGER, 0, ())).size == 2
    assert head(notary, notary.extend(LEDGER, 2, leaves(2, 9))).size == 9
    again = open_notary()
    assert head(again, again.extend(LEDGER, 0, ())).root == root_of(leaves(0, 9))
