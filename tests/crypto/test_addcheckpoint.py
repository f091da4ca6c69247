"""What is asked of a witness, and what of its answer is believed."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto import addcheckpoint, merkle, note, strict64, treehead
from crypto.errors import VerificationError

HEAD = treehead.Checkpoint("anbiao.localhost/platform", 5, merkle.leaf_hash(b"root"))
LOG = note.Ed25519Signer(HEAD.origin, Ed25519PrivateKey.generate())
WITNESS = note.Ed25519Cosigner("witness.example", Ed25519PrivateKey.generate())
STRANGER = note.Ed25519Cosigner("stranger.example", Ed25519PrivateKey.generate())
NOW = 1_790_000_000
SIGNED = note.sign_note(HEAD.text(), [LOG])
PROOF = (bytes(32), bytes([1]) * 32)


def line(signer: note.NoteSigner, text: str = HEAD.text()) -> str:
    return note.signature_line(signer.vkey, signer.sign(text, NOW))


def test_a_request_comes_back():
    octets = addcheckpoint.format_request(3, PROOF, SIGNED)

    assert octets.startswith(b"old 3\nAAAA")
    assert addcheckpoint.parse_request(octets) == addcheckpoint.AddCheckpoint(3, PROOF, SIGNED)


def test_a_request_without_proof_comes_back():
    octets = addcheckpoint.format_request(0, (), SIGNED)

    assert octets == f"old 0\n\n{SIGNED}".encode()
    assert addcheckpoint.parse_request(octets).proof == ()


HASH = strict64.encode(bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 0\n",
        f"old 0\n{SIGNED}",
        f"\n\n{SIGNED}",
        f"old\n\n{SIGNED}",
        f"old 00\n\n{SIGNED}",
        f"old -1\n\n{SIGNED}",
        f"old 1 \n\n{SIGNED}",
        f"new 1\n\n{SIGNED}",
        f"Old 1\n\n{SIGNED}",
        f"old {2**63}\n\n{SIGNED}",
        f"old 1\nAAAA\n\n{SIGNED}",
        f"old 1\n{HASH[:-1]}\n\n{SIGNED}",
        f"old 1\n{HASH}\r\n\n{SIGNED}",
        "old 1\n" + f"{HASH}\n" * 64 + f"\n{SIGNED}",
        f"old 1\n\n{SIGNED[:-1]}",
        f"old 1\n\n{HEAD.text()}",
        "old 1\n\n" + "x" * addcheckpoint.MAX_BYTES,
    ],
)
def test_what_is_no_request_is_refused(text):
    with pytest.raises(VerificationError) as refused:
        addcheckpoint.parse_request(text.encode())

    assert refused.value.code == "request-malformed"


def test_octets_that_are_no_text_are_refused():
    with pytest.raises(VerificationError, match="request-malformed"):
        addcheckpoint.parse_request(b"old 1\n\n\xff")


@pytest.mark.requirement("R74")
def test_lines_of_known_witnesses_are_kept_and_no_others():
    answer = line(STRANGER) + line(WITNESS)

    kept = addcheckpoint.lines_of(answer, SIGNED, [WITNESS.vkey])

    assert kept == [line(WITNESS)]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("", "note-malformed"),
        ("thanks", "note-malformed"),
        (line(WITNESS)[:-1], "note-malformed"),
        (line(STRANGER), "note-unsigned"),
        (line(WITNESS, HEAD.text().replace("\n5\n", "\n6\n")), "note-signature"),
        (line(WITNESS) + line(WITNESS, HEAD.text().replace("\n5\n", "\n6\n")), "note-malformed"),
        (f"\n\n{line(WITNESS)}", "note-signature"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer, code):
    with pytest.raises(VerificationError) as refused:
        addcheckpoint.lines_of(answer, SIGNED, [WITNESS.vkey])

    assert refused.value.code == code
