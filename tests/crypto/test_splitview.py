"""Two histories of one log, in a file that anyone can check."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto import checkpoint, merkle, note, splitview
from crypto.errors import VerificationError

ORIGIN = "anbiao.localhost/platform"
LOG = note.Ed25519Signer(ORIGIN, Ed25519PrivateKey.generate())
OTHER = note.Ed25519Signer("elsewhere.example", Ed25519PrivateKey.generate())
AT = datetime(2026, 9, 21, tzinfo=UTC)


def tree(*entries: str) -> merkle.Tree:
    made = merkle.Tree()
    made.extend(merkle.leaf_hash(entry.encode()) for entry in entries)
    return made


ONE, TWO = tree(*"abcdefg"), tree(*"abXdefghijk")


def head(of: merkle.Tree, size: int, signer: note.Ed25519Signer = LOG) -> str:
    body = checkpoint.Checkpoint(signer.vkey.name, size, of.root(size))
    return checkpoint.sign_checkpoint(body, [signer], AT)


def view(old: int = 7, new: int = 11) -> splitview.SplitView:
    proof = tuple(TWO.consistency(old, new))
    return splitview.SplitView(
        head(ONE, old), head(TWO, new), f"{LOG.vkey}\n", TWO.root(old), proof
    )


@pytest.mark.requirement("R74")
@pytest.mark.parametrize("sizes", [(7, 11), (4, 11), (3, 7), (7, 7)])
def test_two_histories_are_shown(sizes):
    found = splitview.decode(view(*sizes).encode())

    smaller, larger = found.check([LOG.vkey])

    assert (smaller.size, larger.size) == sizes


@pytest.mark.parametrize(
    "made",
    [
        replace(view(), root=ONE.root(7)),
        replace(view(), root=bytes(32)),
        replace(view(), proof=()),
        replace(view(), proof=view().proof[:-1]),
        replace(view(), smaller=view().larger, larger=view().smaller),
        replace(view(7, 7), larger=view(7, 7).smaller, root=ONE.root(7)),
        splitview.SplitView(
            head(TWO, 7), head(TWO, 11), "", TWO.root(7), tuple(TWO.consistency(7))
        ),
        splitview.SplitView(head(ONE, 0), head(TWO, 11), "", bytes(32)),
    ],
)
def test_what_shows_no_two_histories_is_refused(made):
    with pytest.raises(VerificationError) as refused:
        made.check([LOG.vkey])

    assert refused.value.code == "split-view-unproved"


def test_another_logs_head_shows_nothing():
    with pytest.raises(VerificationError, match="note-unsigned"):
        replace(view(), smaller=head(ONE, 7, OTHER)).check([LOG.vkey])


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{}",
        b"[]",
        view().encode()[:-1],
        view().encode().replace(b'"v":1', b'"v":2'),
        view().encode().replace(b"anbiao-split", b"anbiao-Split"),
        view().encode().replace(b'"proof":[', b'"proof":["AA==",'),
        view().encode().replace(b'"proof":[', b'"proof":[1,'),
        view().encode().replace(b'"root":"', b'"root":"A'),
    ],
)
def test_what_is_no_evidence_is_refused(octets):
    with pytest.raises(VerificationError) as refused:
        splitview.decode(octets)

    assert refused.value.code == "split-view-unproved"


@pytest.mark.parametrize("old", [3, 5, 6, 7, 9, 10])
def test_a_proof_tells_the_earlier_root(old):
    assert merkle.earlier_root(old, 11, TWO.root(), TWO.consistency(old)) == TWO.root(old)


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [(4, 11, TWO.consistency(4)), (7, 11, []), (7, 11, TWO.consistency(6)), (11, 11, []), (0, 11, []),
     (7, 11, [*TWO.consistency(7), bytes(32)]), (7, 11, [bytes(31)])],
)  # fmt: skip
def test_a_proof_that_tells_nothing_is_refused(old, new, proof):
    with pytest.raises(VerificationError, match="consistency-proof"):
        merkle.earlier_root(old, new, TWO.root(), proof)
