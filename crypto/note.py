r"""Signed notes: a text, an empty line, and one line per signature.

- `Ed25519Signer` (type 0x01) signs the text as it stands.
- `MldsaSigner` (type 0x06) signs what a checkpoint says, the signer's name and the time: a
  cosignature. A log puts one under its own name; a witness puts one under its own.
- `Ed25519Cosigner` (type 0x04) is a witness's: time and text are signed, its name is not.
- Lines by unknown keys are ignored; one bad line of a known key rejects the whole note, and so
  does a note that no known key signed.

Source: C2SP signed-note v1.0.0; C2SP tlog-cosignature.
"""

import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from crypto import strict64, treehead
from crypto.errors import VerificationError

ED25519: Final = 0x01
ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06
KEY_ID_SIZE: Final = 4
# Room for 64 post-quantum signatures of 3.2 KiB; the specification asks for 16 at least.
MAX_SIGNATURES: Final = 64
MAX_NOTE_BYTES: Final = 400_000

_KEY_SIZES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
_TIME_SIZE: Final = 8
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_MAX_NAME_BYTES: Final = 255


class NoteSigner(Protocol):
    """Who can put a line under a note."""

    @property
    def vkey(self) -> "VerifierKey":
        """The public side: name, key id and public key."""
        ...

    def sign(self, text: str, now: int) -> bytes:
        """The signature field for `text`; `now` in POSIX seconds, where the type has a time."""
        ...


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name and signature type; prints as the one-line verifier key."""

    name: str
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        sized = len(self.public) == _KEY_SIZES.get(self.algorithm)
        if not sized or not treehead.is_name(self.name):
            raise VerificationError("vkey-malformed")
        if len(self.name.encode()) > _MAX_NAME_BYTES:
            raise VerificationError("vkey-malformed", "the name is too long to be cosigned")

    @classmethod
    def parse(cls, line: str) -> "VerifierKey":
        """Read `NAME+hex(KEYID)+base64(TYPE || PUBLIC KEY)`; the key id is recomputed.

        Raises:
            VerificationError: `vkey-malformed`.
        """
        name, _, rest = line.partition("+")
        _, _, encoded = rest.partition("+")
        try:
            material = strict64.decode(encoded)
            key = cls(name, material[0] if material else 0, material[1:])
        except (VerificationError, UnicodeEncodeError) as error:
            raise VerificationError("vkey-malformed") from error
        if str(key) != line:
            raise VerificationError("vkey-malformed", "the key id is of another key")
        return key

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash over name, type and key."""
        typed = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(typed).digest()[:KEY_ID_SIZE]

    def __str__(self) -> str:
        material = strict64.encode(bytes([self.algorithm]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check a signature field over the note text.

        Returns:
            The time that the line claims, in POSIX seconds; None for a type without time, and
            for the time 0, with which a cosigner claims nothing.

        Raises:
            VerificationError: `note-signature`.
        """
        try:
            now, raw, message = self._signed(text, signature)
            if self.algorithm == MLDSA44_COSIGNATURE:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(raw, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(raw, message)
        except (InvalidSignature, ValueError, VerificationError) as error:
            raise VerificationError("note-signature") from error
        return now or None

    def _signed(self, text: str, signature: bytes) -> tuple[int, bytes, bytes]:
        """Take a signature field apart: its time, the raw signature, and the bytes signed."""
        if self.algorithm == ED25519:
            return 0, signature, text.encode()
        stamp, raw = signature[:_TIME_SIZE], signature[_TIME_SIZE:]
        now = int.from_bytes(stamp, "big")
        if len(stamp) != _TIME_SIZE or now > treehead.MAX_SIZE:
            raise VerificationError("note-signature", "no acceptable time")
        if self.algorithm == MLDSA44_COSIGNATURE:
            return now, raw, subtree_message(self.name, now, treehead.parse(text))
        return now, raw, _cosignature_message(now, text)


class Ed25519Signer:
    """Signs a note's text with Ed25519, type 0x01."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self.vkey = VerifierKey(name, ED25519, private.public_key().public_bytes_raw())
        self._private = private

    def sign(self, text: str, now: int = 0) -> bytes:  # noqa: ARG002 - this type has no time
        """The 64-byte signature over `text`."""
        return self._private.sign(text.encode())


class MldsaSigner:
    """Cosigns checkpoints with ML-DSA-44, type 0x06."""

    def __init__(self, name: str, private: MLDSA44PrivateKey) -> None:
        self.vkey = VerifierKey(name, MLDSA44_COSIGNATURE, private.public_key().public_bytes_raw())
        self._private = private

    def sign(self, text: str, now: int) -> bytes:
        """Timestamp and signature over the checkpoint that `text` is.

        Raises:
            VerificationError: `checkpoint-malformed` when it is none.
        """
        message = subtree_message(self.vkey.name, now, treehead.parse(text))
        return struct.pack(">Q", now) + self._private.sign(message)


class Ed25519Cosigner:
    """Cosigns checkpoints with Ed25519, type 0x04; the key is never shared by two names."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        public = private.public_key().public_bytes_raw()
        self.vkey = VerifierKey(name, ED25519_COSIGNATURE, public)
        self._private = private

    def sign(self, text: str, now: int) -> bytes:
        """Timestamp and signature over the checkpoint that `text` is.

        Raises:
            VerificationError: `checkpoint-malformed` when it is none.
        """
        return struct.pack(">Q", now) + self._private.sign(_cosignature_message(now, text))


@dataclass(frozen=True)
class Signature:
    """A line that was verified: whose it is and the time it claims, in POSIX seconds."""

    key: VerifierKey
    now: int | None


@dataclass(frozen=True)
class Note:
    """A text and the verified lines under it, at least one."""

    text: str
    signatures: tuple[Signature, ...]


def sign_note(text: str, signers: Sequence[NoteSigner], now: int = 0) -> str:
    """`text` with one line per signer.

    Raises:
        VerificationError: `note-malformed` when `text` can't be the text of a note.
    """
    if not _checked_text(text).endswith("\n"):
        raise VerificationError("note-malformed", "the text does not end in a newline")
    lines = [signature_line(signer.vkey, signer.sign(text, now)) for signer in signers]
    signed = f"{text}\n{''.join(lines)}"
    split_note(signed)
    return signed


def signature_line(key: VerifierKey, signature: bytes) -> str:
    """One signature line, with its newline."""
    return f"— {key.name} {strict64.encode(key.key_id + signature)}\n"


def open_note(note: str | bytes, keys: Sequence[VerifierKey]) -> Note:
    """Verify a note with the keys one trusts.

    Raises:
        VerificationError: `note-malformed`, `note-signature`, `note-unsigned`.
    """
    text, lines = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified = [
        Signature(key, key.verify(text, field))
        for name, key_id, field in lines
        if (key := known.get((name, key_id)))
    ]
    if not verified:
        raise VerificationError("note-unsigned")
    return Note(text, tuple(verified))


def split_note(note: str | bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Take a note apart without believing it: its text and (name, key id, signature) per line.

    Raises:
        VerificationError: `note-malformed`.
    """
    whole = _checked_text(note)
    text, separator, tail = whole.rpartition("\n\n")
    lines = tail.split("\n")
    if not separator or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise VerificationError("note-malformed")
    parsed = [_parse_line(line) for line in lines]
    # Which of two lines of one key counts would be each reader's own choice.
    if len({(name, key_id) for name, key_id, _ in parsed}) != len(parsed):
        raise VerificationError("note-malformed", "a key has two lines")
    return text + "\n", parsed


def _checked_text(note: str | bytes) -> str:
    try:
        octets = note.encode() if isinstance(note, str) else note
        text = octets.decode()
    except UnicodeError as error:
        raise VerificationError("note-malformed") from error
    if len(octets) > MAX_NOTE_BYTES or _CONTROL.search(text):
        raise VerificationError("note-malformed")
    return text


def _parse_line(line: str) -> tuple[str, bytes, bytes]:
    dash, name, encoded = (*line.split(" "), "", "", "")[:3]
    if dash != "—" or line.count(" ") != 2 or not treehead.is_name(name):  # noqa: PLR2004
        raise VerificationError("note-malformed", "not a signature line")
    try:
        field = strict64.decode(encoded)
    except VerificationError as error:
        raise VerificationError("note-malformed") from error
    if len(field) <= KEY_ID_SIZE:
        raise VerificationError("note-malformed", "a signature line without signature")
    return name, field[:KEY_ID_SIZE], field[KEY_ID_SIZE:]


def subtree_message(cosigner: str, now: int, head: treehead.Checkpoint) -> bytes:
    """The bytes that an ML-DSA-44 cosigner signs for a whole tree.

    Source: C2SP tlog-cosignature, "ML-DSA-44 signed message".

    Raises:
        VerificationError: `checkpoint-malformed` for an origin of more than 255 bytes.
    """
    name, origin = cosigner.encode(), head.origin.encode()
    if len(origin) > _MAX_NAME_BYTES:
        raise VerificationError("checkpoint-malformed", "the origin is too long to be cosigned")
    return (
        b"subtree/v1\n\0"
        + struct.pack(">B", len(name))
        + name
        + struct.pack(">QB", now, len(origin))
        + origin
        + struct.pack(">QQ", 0, head.size)
        + head.root
    )


def _cosignature_message(now: int, text: str) -> bytes:
    """The bytes that an Ed25519 cosigner signs; they hold no name, so no key serves two names."""
    # A cosigner speaks about a tree head: other notes can't be cosigned.
    treehead.parse(text)
    return f"cosignature/v1\ntime {now}\n{text}".encode()
