"""R74: policies of witnesses, and what of a log and its releases they vouch for."""

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from small_hospital import RELEASE, SmallHospital, before_release
from small_log import seed
from verdicts import CANNOT_TELL, SOUND, assert_broken, on_file, on_log

from crypto import verifier
from crypto.errors import VerificationError
from crypto.note import Ed25519Cosigner, MldsaSigner, signature_line
from crypto.tlogpolicy import cosigners_of, parse_policy

pytestmark = pytest.mark.requirement("R74")

ED = [
    Ed25519Cosigner(f"w{n}.example", Ed25519PrivateKey.from_private_bytes(seed(f"w{n}")))
    for n in range(2)
]
PQ = MldsaSigner("w2.example", MLDSA44PrivateKey.from_seed_bytes(seed("w2")))
SIGNERS = [*ED, PQ]
LINES = "".join(f"witness w{n} {s.vkey} https://w{n}.example\n" for n, s in enumerate(SIGNERS))
TWO = f"# two of three\n{LINES}group two 2 w0 w1 w2\nquorum two\n"
DIGEST = parse_policy(TWO.encode()).digest


def cosigning(*numbers: int, now: int = 1_790_000_000):
    """What a log's maker puts under each head."""
    return [lambda text, s=SIGNERS[n]: signature_line(s.vkey, s.sign(text, now)) for n in numbers]


@pytest.fixture
def policy(tmp_path) -> Path:
    path = tmp_path / "policy"
    path.write_text(TWO)
    return path


def require(house: SmallHospital, digest: str = DIGEST, **more):
    return house.add("steward", "witness.require", {}, terms={"policy": digest}, **more)


def released(*numbers: int, digest: str | None = DIGEST, **seal) -> SmallHospital:
    """A hospital that asks for witnesses, and a release under cosigned heads."""
    house = before_release()
    if digest is not None:
        require(house, digest)
    house.request()
    house.screen(witness=digest or "unwitnessed")
    house.vote("steward")
    house.vote("checker")
    house.witnesses = cosigning(*numbers)
    said = {"codes": {"witness": digest or "unwitnessed"}} | seal
    house.seal(change=lambda entry: entry["outcome"].update(said))
    return house


def pinned(house: SmallHospital, policy: Path) -> verifier.Pins:
    return verifier.read_pins(house.vkeys, (), str(policy))


def test_a_quorum_vouches_for_log_and_release(policy):
    house = released(0, 2)
    pins = pinned(house, policy)

    code, said = on_log(house.files(), pins)

    assert (code, f"witnessed up to {len(house.raw)}; " in said) == (SOUND, True)
    assert on_file(house.passports[RELEASE], pins)[1].endswith(f", witnessed by {DIGEST}")


@pytest.mark.parametrize("numbers", [(), (0,), (2,)])
def test_less_than_a_quorum_is_none(policy, numbers):
    house = released(*numbers)
    pins = pinned(house, policy)

    assert_broken(on_log(house.files(), pins), "release-without-quorum")
    assert_broken(on_file(house.passports[RELEASE], pins), "release-without-quorum")


def test_without_a_pinned_policy_it_is_said_who_was_not_checked():
    house = released(0, 2)
    pins = verifier.read_pins(house.vkeys)

    assert "2 cosignatures not checked" in on_log(house.files(), pins)[1]
    assert on_file(house.passports[RELEASE], pins)[1].endswith(f", witnesses {DIGEST} not checked")


def test_what_left_unwitnessed_is_not_sound_to_who_pins_witnesses(policy):
    house = released(0, 1, digest=None)
    pins = pinned(house, policy)

    assert_broken(on_file(house.passports[RELEASE], pins), "release-unwitnessed")
    assert on_log(house.files(), pins)[0] == SOUND  # the log itself is vouched for


def test_the_file_beside_the_head_may_vouch(policy):
    house = released(0, 1)
    files = {"witnessed": house.checkpoint(len(house.raw) - 1).encode()}
    house.witnesses = []
    pins = pinned(house, policy)

    code, said = on_log(house.files() | files, pins)

    assert code == SOUND
    assert f"witnessed up to {len(house.raw) - 1}; " in said
    assert on_log(house.files() | files, verifier.read_pins(house.vkeys))[0] == SOUND


def test_a_head_before_the_votes_vouches_for_no_release(policy):
    house = released(0, 1)
    votes = max(entry["index"] for entry in house.entries if entry["action"] == "release.vote")
    files = {"witnessed": house.checkpoint(votes).encode()}
    house.witnesses = []

    assert_broken(on_log(house.files() | files, pinned(house, policy)), "release-without-quorum")


@pytest.mark.parametrize(
    ("spoil", "codes"),
    [
        (lambda note: note.replace("\n\n", "\n", 1), ("note-malformed",)),
        (lambda note: note.replace("w0.example", "w1.example"), ()),
        (lambda note: note.split("— w0")[0].rpartition("— ")[0], ("signature-missing",)),
        (lambda note: note.replace("anbiao.test", "anbiao.else"), ()),
    ],
)
def test_a_spoilt_file_beside_the_head_is_found(policy, spoil, codes):
    house = released(0, 1)
    files = house.files() | {"witnessed": spoil(house.checkpoint()).encode()}

    code, said = on_log(files, pinned(house, policy))

    assert code in {verifier.BROKEN, CANNOT_TELL} or "witnessed up to" in said
    assert not codes or any(one in said for one in codes)


def test_a_fork_beside_the_head_is_found(policy):
    house, other = released(0, 1), released(0, 1)
    other.take([*other.raw[:3], b"{}", *other.raw[4:]])
    files = house.files() | {"witnessed": other.checkpoint().encode()}

    assert_broken(on_log(files, pinned(house, policy)), "log-forked")


def test_a_quorum_of_a_log_in_which_nothing_left_may_be_awaited(policy):
    house = before_release()

    assert on_log(house.files(), pinned(house, policy))[0] == CANNOT_TELL
    house.witnesses = cosigning(0, 1)
    assert on_log(house.files(), pinned(house, policy))[0] == SOUND


def test_a_claim_without_time_is_none(policy):
    house = released(0)
    house.witnesses = [*cosigning(0), *cosigning(2, now=0)]

    assert_broken(on_log(house.files(), pinned(house, policy)), "release-without-quorum")


def test_a_log_vouches_for_nothing_of_its_own(tmp_path):
    house = before_release()
    own = MldsaSigner(house.origin, MLDSA44PrivateKey.from_seed_bytes(seed("log pq")))
    path = tmp_path / "policy"
    path.write_text(f"witness self {own.vkey}\nquorum self\n")

    assert on_log(house.files(), pinned(house, path))[0] == CANNOT_TELL


# --- what the hospital asks for -----------------------------------------------------------------
def test_a_release_says_what_was_asked_for_when_it_was_requested():
    house = released(0, 1, codes={"witness": "unwitnessed"})

    assert_broken(on_log(house.files(), verifier.read_pins(house.vkeys)), "release-witness-differs")


def test_a_statement_that_says_otherwise_is_found():
    house = before_release()
    require(house)
    house.request()
    house.screen()
    house.vote("steward")
    house.vote("checker")
    house.seal()

    for verdict in (
        on_log(house.files(), verifier.read_pins(house.vkeys)),
        on_file(house.passports[RELEASE], verifier.read_pins(house.vkeys)),
    ):
        assert_broken(verdict, "release-witness-differs")


def test_only_a_steward_asks_for_witnesses():
    house = before_release()

    def allowed(entry):
        entry["ruling"] = {**entry["ruling"], "allowed": True}
        entry["signed"]["signature"] = ""

    house.add("checker", "witness.require", {}, terms={"policy": DIGEST}, change=allowed)

    assert_broken(
        on_log(house.files(), verifier.read_pins(house.vkeys)), "witnesses-asked-by-no-steward"
    )


@pytest.mark.parametrize("digest", ["sha256:00", "nobody", "sha256:" + "G" * 64])
def test_what_is_asked_for_is_a_digest_or_none(digest):
    house = before_release()
    require(house, digest)

    assert_broken(
        on_log(house.files(), verifier.read_pins(house.vkeys)), "witness-policy-malformed"
    )


def test_nobody_is_asked_for_again():
    house = before_release()
    require(house)
    require(house, "none")
    house.request()
    house.screen()
    house.vote("steward")
    house.vote("checker")
    house.seal()

    assert on_log(house.files(), verifier.read_pins(house.vkeys))[0] == SOUND


# --- both readers of policies say the same --------------------------------------------------------
def read_by_both(octets: bytes) -> tuple[str | None, str | None]:
    try:
        ours: str | None = parse_policy(octets).digest
    except VerificationError:
        ours = None
    try:
        theirs: str | None = verifier.parse_quorum(octets, "policy").digest
    except verifier.Broken:
        theirs = None
    return ours, theirs


def test_both_readers_agree_on_mutated_policies():
    chance = random.Random(74)  # noqa: S311 - the same cases every time
    sound = 0
    for _ in range(3_000):
        octets = bytearray(TWO.encode())
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(octets))
            match chance.randrange(4):
                case 0:
                    octets[at] ^= 1 << chance.randrange(8)
                case 1:
                    del octets[at : at + chance.randrange(1, 40)]
                case 2:
                    octets[at:at] = chance.choice(
                        [b"\n", b" ", b"\t", b"#", b"quorum none\n", b"w0"]
                    )
                case _:
                    lines = octets.split(b"\n")
                    chance.shuffle(lines)
                    octets = bytearray(b"\n".join(lines))
        ours, theirs = read_by_both(bytes(octets))
        assert ours == theirs, bytes(octets)
        sound += ours is not None
    assert 300 < sound < 2_900


def test_both_readers_agree_on_whom_to_count():
    chance = random.Random(47)  # noqa: S311 - the same cases every time
    house = SmallHospital()
    house.found()
    policies = [
        f"{LINES}{rule}\n"
        for rule in (
            "quorum w0", "quorum none", "group g all w0 w1 w2\nquorum g",
            "group g any w0 w1\ngroup h all g w2\nquorum h", "group g 2 w0 w1 w2\nquorum g",
        )
    ]  # fmt: skip
    for text in policies:
        ours, theirs = parse_policy(text.encode()), verifier.parse_quorum(text.encode(), "policy")
        for _ in range(8):
            house.witnesses = cosigning(*chance.sample(range(3), chance.randrange(4)))
            note = house.checkpoint()
            read = verifier.parse_note(note.encode(), "checkpoint")
            assert ours.met_by(cosigners_of(note, ours)) == theirs.met_by(read)


@pytest.mark.parametrize("numbers", [(0, 2), (0, 1)])
def test_witnesses_answer_whether_the_log_was_rewritten(policy, numbers, tmp_path):
    house = released(*numbers)
    for name, octets in house.files().items():
        (tmp_path / "log" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / name).write_bytes(octets)

    told = [
        verifier.inquire(str(tmp_path / "log"), pins)[1].answers()[5]
        for pins in (pinned(house, policy), verifier.read_pins(house.vkeys))
    ]

    assert [one.verdict for one in told] == ["no", "cannot-tell"]
    assert [one.checks[-1][0].startswith("cosigned by") for one in told] == [True, False]
