"""Policy files: who counts as a witness, and how many are a quorum."""

import itertools
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crypto import merkle, note, treehead
from crypto.errors import VerificationError
from crypto.tlogpolicy import cosigners_of, open_witnessed, parse_policy

ORIGIN = "anbiao.localhost/platform"
HEAD = treehead.Checkpoint(ORIGIN, 5, merkle.leaf_hash(b"root"))
NOW = 1_790_000_000
LOG = note.Ed25519Signer(ORIGIN, Ed25519PrivateKey.generate())
WITNESSES = [
    note.Ed25519Cosigner(f"witness.example/w{n}", Ed25519PrivateKey.generate()) for n in range(3)
]
QUANTUM = note.MldsaSigner("witness.example/pq", MLDSA44PrivateKey.generate())
W0, W1, W2 = (witness.vkey for witness in WITNESSES)
LINES = f"witness A {W0}\nwitness B {W1}\nwitness C {W2}\n"
TWO_OF_THREE = f"log {LOG.vkey} https://log.example/\n{LINES}group g 2 A B C\nquorum g\n"


def cosigned(*signers: note.NoteSigner, now: int = NOW) -> str:
    return note.sign_note(HEAD.text(), [LOG, *signers], now)


def read(text: str):
    return parse_policy(text.encode())


@pytest.mark.requirement("R74")
def test_two_of_three_are_a_quorum():
    policy = read(TWO_OF_THREE)

    assert open_witnessed(cosigned(*WITNESSES[:2]), policy) == HEAD
    assert open_witnessed(cosigned(*WITNESSES), policy) == HEAD
    assert open_witnessed(cosigned(WITNESSES[0]), policy) is None
    assert open_witnessed(cosigned(), policy) is None
    assert policy.logs[0].url == "https://log.example/"


@pytest.mark.parametrize(
    ("rule", "enough", "short"),
    [
        ("quorum A", [0], [1, 2]),
        ("group g all A B\nquorum g", [0, 1], [0, 2]),
        ("group g any A B\nquorum g", [1], [2]),
        ("group g any A B\ngroup h all g C\nquorum h", [1, 2], [0, 1]),
        ("group h 1 A\nquorum h", [0], [2]),
    ],
)
def test_groups_count_as_they_say(rule, enough, short):
    policy = read(f"{LINES}{rule}\n")

    assert policy.met_by([WITNESSES[n].vkey for n in enough])
    assert not policy.met_by([WITNESSES[n].vkey for n in short])


def test_none_asks_for_nobody():
    policy = read("# a comment\n\t\nquorum none\n")

    assert (policy.quorum, policy.keys) == (None, ())
    assert open_witnessed(cosigned(), policy) == HEAD


def test_a_witness_after_quantum_computers_counts_too():
    policy = read(f"witness Q {QUANTUM.vkey}\nquorum Q\n")

    assert cosigners_of(cosigned(QUANTUM), policy) == {QUANTUM.vkey}


def test_what_decides_has_one_digest():
    bare = read(f"{LINES}group g 2 A B C\nquorum g\n")
    dressed = read(TWO_OF_THREE.replace("\nwitness A", "\n# ours\n \twitness \t A"))
    other = read(TWO_OF_THREE.replace("group g 2", "group g 1"))

    assert bare.digest == dressed.digest != other.digest
    assert parse_policy(bare.normal).normal == bare.normal


@pytest.mark.requirement("R74")
def test_a_wrong_line_of_a_known_witness_spoils_the_note():
    altered = cosigned(*WITNESSES).replace(f"\n{HEAD.size}\n", "\n6\n")

    with pytest.raises(VerificationError, match="note-signature"):
        open_witnessed(altered, read(TWO_OF_THREE))


@pytest.mark.requirement("R74")
def test_a_replayed_line_counts_for_its_own_head_only():
    line = cosigned(WITNESSES[0]).splitlines(keepends=True)[-1]
    other = note.sign_note(HEAD.text().replace("\n5\n", "\n6\n"), [LOG])

    with pytest.raises(VerificationError, match="note-signature"):
        cosigners_of(other + line, read(TWO_OF_THREE))


def test_a_line_without_time_is_no_witness():
    policy = read(f"witness Q {QUANTUM.vkey}\nquorum Q\n")

    assert cosigners_of(cosigned(QUANTUM, now=0), policy) == frozenset()


def test_a_log_is_no_witness_of_itself():
    own = note.MldsaSigner(ORIGIN, MLDSA44PrivateKey.generate())
    policy = read(f"witness self {own.vkey}\nquorum self\n")

    assert open_witnessed(cosigned(own), policy) is None


def test_one_line_twice_is_never_two_witnesses():
    policy = read(TWO_OF_THREE)
    doubled = cosigned(WITNESSES[0]) + cosigned(WITNESSES[0]).splitlines(keepends=True)[-1]

    with pytest.raises(VerificationError, match="note-malformed"):
        open_witnessed(doubled, policy)


def test_names_are_octets():
    policy = parse_policy(b"witness \xff\xfe " + str(W0).encode() + b"\nquorum \xff\xfe\n")

    assert policy.met_by([W0])
    assert parse_policy(policy.normal) == policy


PLAIN = note.VerifierKey("witness.example/w0", note.ED25519, W0.public)
RENAMED = note.VerifierKey("other.example", note.ED25519_COSIGNATURE, W0.public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "quorum none",
        "quorum none\nquorum none\n",
        "quorum\n",
        "quorum A\n",
        f"quorum A\n{LINES}",
        f"{LINES}quorum A B\n",
        f"{LINES}",
        f"{LINES}group g 0 A\nquorum g\n",
        f"{LINES}group g 3 A B\nquorum g\n",
        f"{LINES}group g 02 A B\nquorum g\n",
        f"{LINES}group g +1 A B\nquorum g\n",
        f"{LINES}group g ２ A B\nquorum g\n",
        f"{LINES}group g all\nquorum g\n",
        f"{LINES}group g\nquorum g\n",
        f"{LINES}group\nquorum A\n",
        f"{LINES}group g most A B\nquorum g\n",
        f"{LINES}group g any A A\nquorum g\n",
        f"{LINES}group g any A\ngroup h any A\nquorum g\n",
        f"{LINES}group g any none\nquorum g\n",
        f"{LINES}group g any g\nquorum g\n",
        f"{LINES}group g any h\ngroup h any A\nquorum g\n",
        f"{LINES}group A any B\nquorum A\n",
        f"{LINES}witness A {QUANTUM.vkey}\nquorum A\n",
        f"witness none {W0}\nquorum none\n",
        f"witness A {W0}\nwitness B {W0}\nquorum A\n",
        f"witness A {W0}\nwitness B {RENAMED}\nquorum A\n",
        f"witness A {PLAIN}\nquorum A\n",
        f"log {W0}\nquorum none\n",
        f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n",
        "log\nquorum none\n",
        f"log {LOG.vkey} u v\nquorum none\n",
        f"witness A\nwitness B {W1}\nquorum B\n",
        f"witness A {W0} u v\nquorum A\n",
        f"witness A {str(W0)[:-4]}AAAA\nquorum A\n",
        "Quorum none\n",
        "quorum none\r\n",
        "quorum none\x00\n",
        "quorum\x0bnone\n",
        "quorum none\x7f\n",
        "quorum none # nobody\n",
        "#" * (1 << 20) + "\nquorum none\n",
        "".join(f"group g{n} any A\n" for n in range(2)) + "quorum none\n",
    ],
    ids=itertools.count(),
)
def test_what_is_no_policy_is_refused(text):
    with pytest.raises(VerificationError) as refused:
        read(text)

    assert refused.value.code == "policy-malformed"


def test_no_more_witnesses_than_a_note_has_lines_for():
    def many(count: int) -> str:
        keys = (Ed25519PrivateKey.generate() for _ in range(count))
        made = [note.Ed25519Cosigner(f"w{n}", key).vkey for n, key in enumerate(keys)]
        return "".join(f"witness w{n} {key}\n" for n, key in enumerate(made)) + "quorum w0\n"

    assert len(read(many(32)).keys) == 32
    with pytest.raises(VerificationError, match="policy-malformed"):
        read(many(33))


@given(st.binary(max_size=80))
def test_nothing_but_a_refusal_comes_out_of_noise(octets):
    with suppress(VerificationError):
        parse_policy(octets)
