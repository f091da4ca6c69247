"""People's keys and signed acts."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import signing
from crypto.errors import VerificationError

KEY = signing.PersonKey.generate()
ACT = ("ab" * 16, "release.vote", {"release": "cd" * 16}, {"verdict": "approve"}, "ef" * 16)
SIGNATURE = signing.sign_act(KEY, *ACT)
PRIME = 2**255 - 19
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME


def code_of(act, *arguments):
    with pytest.raises(VerificationError) as refused:
        act(*arguments)
    return refused.value.code


def test_signed_bytes_are_spelled_out():
    assert signing.act_bytes(*ACT) == (
        b"anbiao-act-v1\n"
        b'{"action":"release.vote","ledger":"' + b"ab" * 16 + b'","nonce":"' + b"ef" * 16 + b'",'
        b'"objects":{"release":"' + b"cd" * 16 + b'"},"terms":{"verdict":"approve"}}'
    )


@pytest.mark.requirement("R59")
def test_signed_act_verifies():
    signing.verify_act(KEY.public_bytes, *ACT, SIGNATURE)


@pytest.mark.requirement("R59")
@pytest.mark.parametrize("place", range(5))
def test_signature_is_bound_to_every_member_of_the_act(place):
    other = ("00" * 16, "release.recall", {}, {"verdict": "reject"}, "11" * 16)
    changed = [*ACT[:place], other[place], *ACT[place + 1 :]]

    assert code_of(signing.verify_act, KEY.public_bytes, *changed, SIGNATURE) == "signature-invalid"


@given(st.integers(0, 63), st.integers(0, 7))
def test_flipping_any_bit_of_a_signature_is_noticed(at, bit):
    signature = bytearray(SIGNATURE)
    signature[at] ^= 1 << bit

    code = code_of(signing.verify_act, KEY.public_bytes, *ACT, bytes(signature))

    assert code == "signature-invalid"


@pytest.mark.parametrize("size", [0, 63, 65])
def test_signature_of_another_length_is_refused(size):
    code = code_of(signing.verify, KEY.public_bytes, b"message", bytes(size))

    assert code == "signature-invalid"


@pytest.mark.parametrize("nonce", ["", "ef" * 15, "EF" * 16, "ef" * 16 + "\n", "e٣" * 16])
def test_nonce_of_another_form_is_refused(nonce):
    assert code_of(signing.sign_act, KEY, *ACT[:4], nonce) == "act-malformed"


def test_only_words_are_signed():
    assert code_of(signing.act_bytes, *ACT[:3], {"grade": 3}, ACT[4]) == "act-malformed"
    assert code_of(signing.act_bytes, ACT[0], ACT[1], {3: "a"}, {}, ACT[4]) == "act-malformed"
    assert code_of(signing.act_bytes, *ACT[:3], {"a": "\ud800"}, ACT[4]) == "value-unsupported"


def test_key_comes_back_from_its_file(tmp_path):
    path = tmp_path / "me.key"
    KEY.save(path)

    assert signing.PersonKey.load(path).public_bytes == KEY.public_bytes
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_key_file_is_never_written_over(tmp_path):
    path = tmp_path / "me.key"
    KEY.save(path)

    assert code_of(signing.PersonKey.generate().save, path) == "key-exists"
    assert signing.PersonKey.load(path).public_bytes == KEY.public_bytes


@pytest.mark.parametrize(
    "content",
    [b"", b"anbiao-signing-key-v1 \n", b"anbiao-signing-key-v1 " + b"0" * 63 + b"\n", b"\xff" * 87,
     b"anbiao-signing-key-v1 " + b"0" * 64, b"anbiao-signing-key-v2 " + b"0" * 64 + b"\n"],
)  # fmt: skip
def test_file_of_another_form_is_no_key(tmp_path, content):
    path = tmp_path / "me.key"
    path.write_bytes(content)
    path.chmod(0o600)

    assert code_of(signing.PersonKey.load, path) == "key-malformed"


def test_exposed_key_file_is_refused(tmp_path):
    path = tmp_path / "me.key"
    KEY.save(path)
    path.chmod(0o640)

    assert code_of(signing.PersonKey.load, path) == "file-exposed"


def test_fingerprint_is_the_digest_of_the_public_key():
    assert KEY.fingerprint == signing.fingerprint(KEY.public_bytes)
    assert signing.fingerprint(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_refused_points_are_exactly_those_of_small_order():
    small = {y for y in signing._SMALL_ORDER if times_eight_is_neutral(y)}

    assert small == signing._SMALL_ORDER
    assert len(small) == 5


def times_eight_is_neutral(y):
    point = (square_root((y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME), y)
    for _ in range(3):
        point = doubled(*point)
    return point == (0, 1)


def square_root(square):
    root = pow(square, (PRIME + 3) // 8, PRIME)
    if root * root % PRIME != square:
        root = root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert root * root % PRIME == square
    return root


def doubled(x, y):
    t = CURVE_D * x * x * y * y
    return (
        2 * x * y * pow(1 + t, -1, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - t, -1, PRIME) % PRIME,
    )


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("y", sorted(signing._SMALL_ORDER | {PRIME, PRIME + 1, 2**255 - 1}))
def test_key_under_which_anything_verifies_is_refused(y, sign):
    public = (y | sign).to_bytes(32, "little")

    assert code_of(signing.verify, public, b"message", bytes(64)) == "key-malformed"


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_length_is_refused(size):
    assert code_of(signing.check_public, bytes(size)) == "key-malformed"


def test_bytes_that_are_on_no_curve_verify_nothing():
    assert (
        code_of(signing.verify, b"\x02" + bytes(31), b"message", SIGNATURE) == "signature-invalid"
    )
