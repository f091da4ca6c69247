"""Time-stamps of checkpoints: a real authority's hold, and every other one is told apart."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response
from small_files import zipped
from small_hospital import hospital
from stamp_authority import Authority

from api.cli.main import run as run_cli
from crypto import canonical
from crypto.verifier import (
    Broken,
    CannotTell,
    Pins,
    check_stamp,
    main,
    read_authorities,
    read_pins,
    verify_evidence,
)
from sandbox.provenance.stamps import stamp_of

STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


class Stamping:
    """A log, an authority, and what a verifying person pinned."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.log = hospital()
        self.note = self.log.checkpoint().encode()
        self.pins = replace(
            read_pins(self.log.vkeys),  # both: a stamp alone has no list of the log's keys
            authorities=read_authorities([str(authority.certificate)]),
        )

    def token(
        self,
        note: bytes | None = None,
        authority: Authority | None = None,
        *,
        with_certificate=False,
    ):
        builder = TimestampRequestBuilder().hash_algorithm(HashAlgorithm.SHA256)
        builder = builder.nonce(nonce=True).cert_request(cert_request=with_certificate)
        request = builder.data(note or self.note).build()
        answer = (authority or self.authority).answer(request.as_bytes())
        return request.nonce, decode_timestamp_response(answer).time_stamp_token()

    def info(self) -> tuple[int, bytes]:
        """A nonce and the TSTInfo of a real answer, to be signed by somebody else."""
        nonce, token = self.token()
        start = token.index(bytes.fromhex("060b2a864886f70d0109100104")) + 13
        size = token[start + 3]
        assert (token[start], token[start + 2]) == (0xA0, 0x04)
        return nonce, token[start + 4 : start + 4 + size]

    def broken(self, stamp: bytes, pins: Pins | None = None) -> str:
        with pytest.raises(Broken) as caught:
            check_stamp(stamp, pins or self.pins, "stamp")
        return caught.value.code


@pytest.fixture
def stamping(authority) -> Stamping:
    return Stamping(authority)


@pytest.mark.requirement("R67")
def test_a_real_authoritys_stamp_holds(stamping):
    nonce, token = stamping.token()

    stamp = check_stamp(stamp_of(stamping.note, nonce, token), stamping.pins, "stamp")

    at = datetime.fromisoformat(stamp.at)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert stamp.note.size == len(stamping.log.raw)


@pytest.mark.parametrize("kind", ["ec"])
def test_other_kinds_of_keys_hold(stamping, tmp_path, kind):
    other = Authority(tmp_path / kind, kind=kind)
    pins = replace(stamping.pins, authorities=read_authorities([str(other.certificate)]))
    nonce, token = stamping.token(authority=other)

    assert check_stamp(stamp_of(stamping.note, nonce, token), pins, "stamp").at


def test_a_stamp_of_another_authority_is_refused(stamping, tmp_path):
    nonce, token = stamping.token(authority=Authority(tmp_path / "other"))

    code = stamping.broken(stamp_of(stamping.note, nonce, token))

    assert code == "stamp-by-other-authority"


def test_a_stamp_replayed_for_another_checkpoint_is_refused(stamping):
    nonce, token = stamping.token(b"another checkpoint")

    code = stamping.broken(stamp_of(stamping.note, nonce, token))

    assert code == "stamp-of-another-checkpoint"


def test_a_stamp_with_another_nonce_is_refused(stamping):
    nonce, token = stamping.token()

    code = stamping.broken(stamp_of(stamping.note, nonce + 1, token))

    assert code == "stamp-of-another-request"


UNFIT = {
    "more uses": ({"uses": (STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)}, "stamp-authority-unfit"),
    "other use": ({"uses": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "stamp-authority-unfit"),
    "not critical": ({"critical": False}, "stamp-authority-unfit"),
    "expired": ({"since": timedelta(days=9)}, "stamp-authority-expired"),
    "not yet valid": ({"since": timedelta(days=-1)}, "stamp-authority-expired"),
}


@pytest.mark.parametrize("how", UNFIT)
def test_a_certificate_that_may_not_stamp_is_refused(stamping, tmp_path, how):
    given, expected = UNFIT[how]
    unfit = Authority(tmp_path / "unfit", **given)
    nonce, info = stamping.info()
    pins = replace(stamping.pins, authorities=read_authorities([str(unfit.certificate)]))

    code = stamping.broken(stamp_of(stamping.note, nonce, unfit.sign(info)), pins)

    assert code == expected


def test_every_cut_and_every_flipped_bit_is_refused(stamping):
    nonce, token = stamping.token()
    for at in range(0, len(token), 7):
        assert stamping.broken(stamp_of(stamping.note, nonce, token[:at]))
    accepted = 0
    for at in range(len(token)):
        changed = bytearray(token)
        changed[at] ^= 1 << at % 8
        try:
            stamp = check_stamp(stamp_of(stamping.note, nonce, bytes(changed)), stamping.pins, "s")
        except Broken:
            continue
        # Only what proves nothing may differ (10.2): version, list of digests, signer's name.
        accepted += 1
        assert stamp == check_stamp(stamp_of(stamping.note, nonce, token), stamping.pins, "s")
    assert accepted < len(token) // 4


def test_a_token_that_brings_certificates_is_refused(stamping):
    nonce, token = stamping.token(with_certificate=True)

    assert stamping.broken(stamp_of(stamping.note, nonce, token)) == "stamp-malformed"


def test_a_stamp_signed_without_a_named_certificate_or_of_sha1_is_refused(stamping, tmp_path):
    old = Authority(tmp_path / "old", ess="sha1")
    pins = replace(stamping.pins, authorities=read_authorities([str(old.certificate)]))
    nonce, token = stamping.token(authority=old)

    assert stamping.broken(stamp_of(stamping.note, nonce, token), pins) == (
        "stamp-names-no-certificate"
    )


FORMS = {
    "not canonical": lambda record: json.dumps(record).encode(),
    "a member more": lambda record: canonical.encode({**record, "more": 1}),
    "a nonce in words": lambda record: canonical.encode({**record, "nonce": "-1"}),
    "no base64": lambda record: canonical.encode({**record, "token": "*"}),
    "another checkpoint": lambda record: canonical.encode(
        {**record, "checkpoint": record["checkpoint"].replace("\n", "\n\n", 1)}
    ),
}


@pytest.mark.parametrize("how", FORMS)
def test_another_form_is_refused(stamping, how):
    nonce, token = stamping.token()
    record = json.loads(stamp_of(stamping.note, nonce, token))

    assert stamping.broken(FORMS[how](record))


def test_without_a_pinned_authority_or_key_nothing_is_told(stamping):
    nonce, token = stamping.token()
    stamp = stamp_of(stamping.note, nonce, token)

    for pins in (replace(stamping.pins, authorities=()), replace(stamping.pins, keys=())):
        with pytest.raises(CannotTell):
            check_stamp(stamp, pins, "stamp")


def test_the_program_tells_of_a_stamp(stamping, tmp_path, capsys):
    nonce, token = stamping.token()
    path = tmp_path / "stamp.json"
    path.write_bytes(stamp_of(stamping.note, nonce, token))
    words = [str(path), *(word for key in stamping.log.vkeys for word in ("--key", key))]

    assert main([*words, "--authority", str(stamping.authority.certificate)]) == 0
    assert "entries at 20" in capsys.readouterr().out
    assert main(words) == 2
    assert main([*words, "--authority", str(path)]) == 64


# in evidence packs


def packed(stamping: Stamping, stamp: bytes, name: str | None = None) -> bytes:
    name = name or f"stamps/{len(stamping.log.raw)}.json"
    return zipped(stamping.log.evidence(lambda files: files.update({name: stamp})))


def test_a_pack_tells_when_its_log_was_stamped(stamping):
    nonce, token = stamping.token()
    pack = packed(stamping, stamp_of(stamping.note, nonce, token))

    assert "stamped at 20" in verify_evidence(pack, stamping.pins)
    unpinned = replace(stamping.pins, authorities=())
    assert "1 time-stamps not checked" in verify_evidence(pack, unpinned)


def test_a_pack_with_a_stamp_of_another_history_is_broken(stamping):
    other = hospital(entries=len(stamping.log.raw) + 1)
    note = other.checkpoint().encode()
    nonce, token = stamping.token(note)
    pack = packed(stamping, stamp_of(note, nonce, token))

    with pytest.raises(Broken) as caught:
        verify_evidence(pack, stamping.pins)

    assert caught.value.code in {"unknown-file", "log-forked"}


# the command


@pytest.fixture
def house(tmp_path, stamping, door):
    """A data folder with one published log, and how the command asks the authority."""
    log = tmp_path / "house" / "log" / stamping.log.ledger
    log.mkdir(parents=True)
    (log / "checkpoint").write_bytes(stamping.note)
    (log / "keys").write_bytes(stamping.log.keys_file)
    certificate = str(stamping.authority.certificate)
    words = ["--authority", door.url, "--certificate", certificate]
    return tmp_path / "house", ["timestamp", "--dir", str(tmp_path / "house"), *words]


def test_the_command_has_each_head_stamped_once(stamping, door, house):
    folder, command = house
    for _ in range(2):
        assert run_cli(command) == 0

    (stamp,) = (folder / "log" / ".stamps" / stamping.log.ledger).iterdir()
    assert check_stamp(stamp.read_bytes(), stamping.pins, "stamp").note.size
    assert len(door.asked) == 1
    assert stamping.log.ledger.encode() not in door.asked[0]


BAD = {
    "nothing": lambda octets: octets[:0],
    "cut": lambda octets: octets[:-3],
    "altered": lambda octets: octets[:-9] + bytes([octets[-9] ^ 1]) + octets[-8:],
    "too long": lambda octets: octets * 99,
}


@pytest.mark.parametrize("how", BAD)
def test_an_answer_that_does_not_hold_is_not_kept(door, house, how):
    folder, command = house
    door.change = BAD[how]

    assert run_cli(command) not in {0, 70}
    assert not (folder / "log" / ".stamps").exists()


@pytest.mark.requirement("R86")
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--authority", None),
        ("--certificate", None),
        ("--authority", "file:///etc/hostname"),
        ("--authority", "authority.example"),
        ("--certificate", "nowhere.pem"),
        ("--certificate", __file__),
    ],
)
def test_nobody_is_asked_but_by_name_and_certificate(door, house, option, value):
    _, command = house
    at = command.index(option)
    command[at : at + 2] = [] if value is None else [option, value]

    assert run_cli(command) not in {0, 70}
    assert door.asked == []
