"""Whose word a log is: pinned keys, the keys it names, witnesses, and lines of strangers."""

import pytest
from small_hospital import SmallHospital, hospital
from small_log import TABLE, SmallLog, named
from small_platform import SmallPlatform
from verdicts import CANNOT_TELL, SOUND, assert_broken, on_file, on_log, pins_of, story

from crypto import canonical, verifier
from crypto.checkpoint import Checkpoint
from crypto.note import ED25519_COSIGNATURE, VerifierKey, signature_line


@pytest.fixture(scope="module")
def house() -> SmallHospital:
    return hospital()


# --- keys ----------------------------------------------------------------------------------------
def test_any_pinned_key_of_the_log_will_do_and_all_may_be_given(house):
    for chosen in (house.vkeys[:1], house.vkeys[1:], house.vkeys):
        assert on_log(house.files(), verifier.read_pins(chosen))[0] == SOUND
        assert on_file(house.receipt(4), verifier.read_pins(chosen))[0] == SOUND


def test_without_a_pinned_key_of_this_log_nothing_is_sound(house):
    other = SmallLog(ledger=named("other"))

    for pins in (verifier.Pins(()), pins_of(other)):
        assert on_log(house.files(), pins)[0] == CANNOT_TELL
        assert on_file(house.receipt(4), pins)[0] == CANNOT_TELL
        assert on_file(house.pack(), pins)[0] == CANNOT_TELL


def test_keys_that_the_log_does_not_name_are_no_keys_of_it(house):
    stranger = SmallLog(key_name="stranger")
    pins = verifier.read_pins([house.vkeys[0], stranger.vkeys[0]])

    assert_broken(on_log(house.files(), pins), "pinned-key-not-named-by-log")


@pytest.mark.parametrize(
    "keys",
    [
        lambda h: h.keys_file[:-1],
        lambda h: h.keys_file + b"\n",
        lambda h: h.keys_file * 2,
        lambda _: b"",
        lambda _: b"\n",
        lambda h: h.keys_file + SmallLog(ledger=named("other")).keys_file,
        lambda h: h.keys_file.replace(b"+", b"-", 1),
        lambda h: "密".encode() + h.keys_file,
    ],
)
def test_a_keys_file_has_one_form(house, keys):
    verdict = on_log({**house.files(), "keys": keys(house)}, pins_of(house))

    assert_broken(verdict, "bad-verifier-key", "not-base64")


def cosigned(house, now: int, spoil=lambda signature: signature) -> tuple[bytes, verifier.Pins]:
    """A checkpoint with a witness's Ed25519 line of that time, and the pins of log and witness."""
    private = house.person("witness").key
    vkey = VerifierKey("witness.example", ED25519_COSIGNATURE, private.public_bytes)
    text = Checkpoint(house.origin, len(house.raw), house.tree.root()).text()
    signature = private.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
    line = signature_line(vkey, spoil(now.to_bytes(8, "big") + signature))
    return (house.checkpoint() + line).encode(), verifier.read_pins([house.vkeys[0], str(vkey)])


def test_a_pinned_witness_is_checked(house):
    note, pins = cosigned(house, 1_790_000_000)

    verdict = on_log({**house.files(), "checkpoint": note}, pins)

    assert verdict[0] == SOUND
    assert verdict[1].endswith("; unwitnessed; policy unpinned")  # none is left unchecked


@pytest.mark.parametrize(
    ("now", "spoil"),
    [
        (1_790_000_000, lambda s: s[:-1] + bytes([s[-1] ^ 1])),
        (1_790_000_000, lambda s: bytes(8) + s[8:]),
        (1_790_000_000, lambda s: s[:5]),
        (2**63, lambda s: s),
    ],
)
def test_a_wrong_line_of_a_pinned_witness_is_named(house, now, spoil):
    note, pins = cosigned(house, now, spoil)

    assert_broken(on_log({**house.files(), "checkpoint": note}, pins), "signature-wrong")


@pytest.mark.parametrize(
    "lines",
    [
        "— witness.example AAAAAA==\n",
        "— witness.example AAAA\n",
        "— witness.example AAAAAAAA",
        "- witness.example AAAAAAAA\n",
        "— witness example AAAAAAAA\n",
        "— witness+example AAAAAAAA\n",
        "— wit\u00a0ness AAAAAAAA\n",
        "— witness.example AAAAAAAA\r\n",
        "\n",
        "".join(f"— w{n} AAAAAAAA\n" for n in range(63)),
    ],
)
def test_a_signature_line_has_one_form(house, lines):
    note = (house.checkpoint() + lines).encode()

    verdict = on_log({**house.files(), "checkpoint": note}, pins_of(house))

    assert_broken(verdict, "signature-line-malformed", "note-malformed", "not-base64")


def test_a_line_under_the_logs_name_by_a_key_nobody_names_is_named(house):
    name = house.origin
    line = f"— {name} {'A' * 88}\n".encode()

    verdict = on_log(
        {**house.files(), "checkpoint": house.checkpoint().encode() + line}, pins_of(house)
    )

    assert_broken(verdict, "signature-by-unnamed-key")


def test_doubled_and_missing_lines_are_named(house):
    checkpoint = house.checkpoint().encode()
    lines = checkpoint.splitlines(keepends=True)

    doubled = on_log({**house.files(), "checkpoint": checkpoint + lines[-1]}, pins_of(house))
    missing = on_log({**house.files(), "checkpoint": b"".join(lines[:-1])}, pins_of(house))

    assert_broken(doubled, "signature-line-doubled")
    assert_broken(missing, "signature-missing")


def test_a_proof_without_its_keys_can_be_told_with_all_keys_pinned_only(house):
    receipt = house.attested(4)
    lines = receipt["proof"].split("\n")
    bare = canonical.encode({**receipt, "proof": "\n".join([lines[0], *lines[2:]])})

    assert lines[1].startswith("extra ")
    assert on_file(bare, pins_of(house))[0] == CANNOT_TELL
    assert on_file(bare, verifier.read_pins(house.vkeys))[0] == SOUND


def test_the_platforms_log_is_checked_for_its_tree_and_form():
    log = SmallPlatform()
    entry = log.entries[0]
    assert story(log)[0] == SOUND
    log.take([canonical.encode({**entry, "prev": verifier.digest_of(b"else")})])

    assert_broken(story(log), "chain-broken")


@pytest.mark.parametrize(("policies", "words"), [((), "unpinned"), ((TABLE.digest,), "pinned")])
def test_the_verdict_on_logs_and_packs_says_whether_the_table_was_pinned(house, policies, words):
    pins = verifier.read_pins(house.vkeys[:1], policies)

    for verdict in (on_log(house.files(), pins), on_file(house.pack(), pins)):
        assert verdict[0] == SOUND
        assert verdict[1].endswith(f"; policy {words}")
