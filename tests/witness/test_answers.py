"""What a witness answers, case by case, as the specification says."""

import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from small_log import seed
from witnessed_log import NOW, WitnessedLog, refused

from api.client.errors import ClientError
from api.witness import book
from crypto import splitview
from crypto.addcheckpoint import SIZE_TYPE, format_request
from crypto.errors import VerificationError
from crypto.note import Ed25519Signer, MldsaSigner, open_note

pytestmark = pytest.mark.requirement("R74")


@pytest.fixture
def log(tmp_path):
    return WitnessedLog(tmp_path / "w").engage()


@pytest.fixture
def witness(log):
    opened = log.open()
    yield opened
    opened.book.close()


def evidence(log):
    (known,) = book.read_logs(log.folder / "logs").values()
    return [path.read_bytes() for path in book.evidence_of(log.folder, known)]


def test_a_first_checkpoint_is_cosigned_by_both_keys(log, witness):
    answer = witness.add_checkpoint(log.asked(0, 7))

    assert answer.status == 200
    note = log.checkpoint(7) + answer.body
    lines = open_note(note, log.witness_keys).signatures
    assert [(line.key.algorithm, line.now) for line in lines] == [(4, NOW), (6, NOW)]
    assert all(line.startswith("— ") for line in answer.body.splitlines())


@pytest.mark.parametrize("sizes", [(0, 1, 11), (1, 4, 7), (4, 4, 8), (3, 11, 11)])
def test_extensions_are_cosigned_one_after_the_other(log, witness, sizes):
    last = 0
    for size in sizes:
        assert witness.add_checkpoint(log.asked(last, size)).status == 200
        last = size


def test_the_last_head_can_be_read(log, witness):
    assert witness.checkpoint(log.origin).status == 404
    witness.add_checkpoint(log.asked(0, 7))

    shown = witness.checkpoint(log.origin)

    assert shown.status == 200
    assert len(open_note(shown.body, [*log.witness_keys, log.signers[0].vkey]).signatures) == 3
    assert witness.checkpoint("elsewhere.example").status == 404


def test_lines_of_strangers_are_not_kept(log, witness):
    note = log.checkpoint(7) + "— stranger.example AAAAAAAA\n"

    assert witness.add_checkpoint(log.asked(0, 7, note)).status == 200
    assert "stranger" not in witness.checkpoint(log.origin).body


@pytest.mark.parametrize(
    "octets", [b"", b"old 0\n\n", b"old 0\n\nnot a checkpoint\n\n- x\n", b"\xff"]
)
def test_what_is_no_request_is_400(witness, octets):
    assert refused(witness.add_checkpoint(octets)) == (400, "request-malformed")


def test_a_note_that_is_no_checkpoint_is_400(log, witness):
    note = log.checkpoint(7).replace("\n7\n", "\n7\nmore\n")

    assert refused(witness.add_checkpoint(log.asked(0, 7, note))) == (400, "checkpoint-malformed")


def test_an_unknown_log_is_404(tmp_path, witness):
    other = WitnessedLog(tmp_path / "o", ledger="ab" * 16)

    assert refused(witness.add_checkpoint(other.asked(0, 7))) == (404, "log-unknown")


def stripped(log, kept: int) -> str:
    text, _, lines = log.checkpoint(7).partition("\n\n")
    return f"{text}\n\n{lines.splitlines(keepends=True)[kept]}"


def by_other_keys(log) -> str:
    log.signers = [
        Ed25519Signer(log.origin, Ed25519PrivateKey.from_private_bytes(seed("x"))),
        MldsaSigner(log.origin, MLDSA44PrivateKey.from_seed_bytes(seed("y"))),
    ]
    return log.checkpoint(7)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (by_other_keys, "note-unsigned"),
        (lambda log: stripped(log, 0), "checkpoint-unsigned"),
        (lambda log: stripped(log, 1), "checkpoint-unsigned"),
        (lambda log: log.checkpoint(7).replace("\n7\n", "\n8\n"), "note-signature"),
    ],
    ids=["other keys", "one line", "other line", "altered"],
)
def test_without_all_keys_of_the_log_it_is_403(log, witness, made, code):
    assert refused(witness.add_checkpoint(log.asked(0, 7, made(log)))) == (403, code)


def test_a_second_line_of_one_key_is_400(log, witness):
    note = log.checkpoint(7) + log.checkpoint(6).splitlines(keepends=True)[4]

    assert refused(witness.add_checkpoint(log.asked(0, 7, note))) == (400, "request-malformed")


def test_an_old_size_beyond_the_size_is_400(log, witness):
    body = format_request(8, [], log.checkpoint(7))

    assert refused(witness.add_checkpoint(body)) == (400, "old-larger-than-size")


@pytest.mark.parametrize("old", [0, 3, 8])
def test_another_old_size_is_409_and_the_size_is_told(log, witness, old):
    witness.add_checkpoint(log.asked(0, 7))

    answer = witness.add_checkpoint(log.asked(old, 11))

    assert (answer.status, answer.body, answer.content_type) == (409, "7\n", SIZE_TYPE)


def test_an_old_size_of_a_log_never_seen_is_409(log, witness):
    answer = witness.add_checkpoint(log.asked(3, 7))

    assert (answer.status, answer.body) == (409, "0\n")


@pytest.mark.parametrize(
    "lie", [lambda p: p[:-1], lambda p: [*p, bytes(32)], lambda _: [], lambda p: p[::-1]]
)
def test_a_wrong_proof_is_422_and_kept(log, witness, lie):
    witness.add_checkpoint(log.asked(0, 7))
    proof = lie(log.tree.consistency(7, 11))

    answer = witness.add_checkpoint(format_request(7, proof, log.checkpoint(11)))

    assert refused(answer) == (422, "consistency-proof")
    assert [json.loads(octets)["kind"] for octets in evidence(log)] == ["anbiao-refused-checkpoint"]
    assert witness.add_checkpoint(log.asked(7, 11)).status == 200


def test_a_proof_from_nothing_is_422(log, witness):
    body = format_request(0, [bytes(32)], log.checkpoint(7))

    assert refused(witness.add_checkpoint(body)) == (422, "consistency-proof")


def forked(log) -> WitnessedLog:
    fork = WitnessedLog(log.folder)
    fork.take([*log.raw[:2], b"{}", *log.raw[3:]])
    return fork


def test_another_head_of_one_size_is_422_and_is_evidence(log, witness):
    witness.add_checkpoint(log.asked(0, 7))
    fork = forked(log)

    answer = witness.add_checkpoint(fork.asked(7, 7))

    assert answer.status == 422
    (found,) = evidence(log)
    splitview.decode(found).check([signer.vkey for signer in log.signers])


def test_a_fork_is_422_and_is_evidence_by_itself(log, witness):
    witness.add_checkpoint(log.asked(0, 7))
    body = forked(log).asked(7, 11)

    for _ in range(2):  # told twice, kept once
        assert witness.add_checkpoint(body).status == 422
    (found,) = evidence(log)
    smaller, larger = splitview.decode(found).check([signer.vkey for signer in log.signers])
    assert (smaller.size, larger.size) == (7, 11)


def test_another_head_of_one_size_is_kept_under_a_stale_old_size_too(log, witness):
    witness.add_checkpoint(log.asked(0, 7))

    assert witness.add_checkpoint(forked(log).asked(3, 7)).status == 409
    assert len(evidence(log)) == 1


def test_evidence_has_a_bound(log, witness, monkeypatch):
    monkeypatch.setattr(book, "MOST_EVIDENCE", 0)
    witness.add_checkpoint(log.asked(0, 7))

    assert witness.add_checkpoint(forked(log).asked(7, 11)).status == 422
    assert evidence(log) == []


def test_time_of_a_cosignature_never_runs_backwards(log, witness):
    witness.add_checkpoint(log.asked(0, 7))
    log.clock.now -= 3600

    answer = witness.add_checkpoint(log.asked(7, 11))

    assert {
        line.now
        for line in open_note(log.checkpoint(11) + answer.body, log.witness_keys).signatures
    } == {NOW}


def test_a_head_that_the_disk_spoilt_is_not_gone_on_from(log, witness):
    witness.add_checkpoint(log.asked(0, 7))
    (path,) = (log.folder / "heads").iterdir()
    path.write_text(path.read_text().replace("\n7\n", "\n6\n"))

    with pytest.raises(VerificationError, match="note-signature"):
        witness.add_checkpoint(log.asked(6, 11))


def test_a_disk_that_fails_cosigns_nothing(log, witness, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        witness.add_checkpoint(log.asked(0, 7))
    monkeypatch.undo()

    assert witness.checkpoint(log.origin).status == 404


def test_it_goes_on_after_a_restart(log):
    first = log.open()
    first.add_checkpoint(log.asked(0, 7))
    first.book.close()

    second = log.open()
    again = second.add_checkpoint(log.asked(0, 11)), second.add_checkpoint(log.asked(7, 11))
    second.book.close()

    assert [answer.status for answer in again] == [409, 200]


def test_two_witnesses_do_not_share_a_folder(log, witness):
    del witness
    with pytest.raises(ClientError, match="witness-running"):
        log.open()


def test_a_known_log_is_not_told_again(log):
    with pytest.raises(ClientError, match="log-known"):
        book.trust(log.folder, [log.signers[0].vkey], None)


@pytest.mark.parametrize("text", ["not a key\n", "name+00000000+AAAA\n"])
def test_a_file_of_logs_that_makes_no_sense_is_refused(log, text):
    (log.folder / "logs").write_text(text)

    with pytest.raises(ClientError, match="logs-malformed"):
        log.open()


def test_keys_are_made_once_and_for_a_name(tmp_path):
    book.make_keys(tmp_path / "w", "name.example")

    with pytest.raises(VerificationError, match="key-exists"):
        book.make_keys(tmp_path / "w", "name.example")
    for name in ("", "two words", "a+b", "x" * 256):
        with pytest.raises(VerificationError, match="vkey-malformed"):
            book.make_keys(tmp_path / "v", name)
    (tmp_path / "w" / "key").chmod(0o644)
    with pytest.raises(VerificationError, match="file-exposed"):
        book.read_signers(tmp_path / "w")
