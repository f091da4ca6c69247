"""What a label says, sealed under the record key of its item, and what the log commits to of it.

- The log holds salted commitments only; payload and salts stand in the row, sealed with
  AES-256-GCM under the record key. Without that key nobody can test a guess against the log.
- A seal binds the row's place (`label:<project>:<id>`), so no row's content counts in another.
- The label itself, the comment and what was shown have a salt each: a release opens the first
  and leaves the other two closed.

Both the labelling desk and the worker that builds a release read these, and rooms never import
one another: so the form stands with the rows.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.canonical import decode, encode
from crypto.commitments import commit, new_salt
from crypto.errors import VerificationError
from sandbox.errors import VerificationFailed

_NONCE_BYTES = 12
_CONTEXT = b"anbiao-record-v1\n"
_SAID = ("classes", "labels")


@dataclass(frozen=True)
class Salted:
    """A text and the 32-byte salt of the commitment to it."""

    text: bytes
    salt: bytes

    @property
    def commitment(self) -> bytes:
        """What the log holds of it."""
        return commit(self.salt, self.text)


@dataclass(frozen=True)
class LabelSecret:
    """One saved label: its payload, the labeller's comment, and what had been shown."""

    label: Salted
    comment: Salted
    shown: Salted


@dataclass(frozen=True)
class LabelPayload:
    """What a label's commitment binds: what it says, and of which item and version it is.

    `value` is the canonical form of `sandbox.formats.label_value`: `classes` or `labels`.
    """

    project: str
    item: str
    version: int
    value: Mapping[str, object]

    def encoded(self) -> bytes:
        """The canonical bytes that are committed to."""
        return encode(
            {
                "v": 1,
                "project": self.project,
                "item": self.item,
                "version": self.version,
                **self.value,
            }
        )

    @classmethod
    def decoded(cls, text: bytes) -> "LabelPayload":
        """Read the bytes of `encoded`.

        Raises:
            VerificationFailed: `record-malformed`.
        """
        try:
            document = decode(text)
            said = {name: document[name] for name in _SAID if name in document}
            if document.keys() != {"v", "project", "item", "version", *said} or len(said) != 1:
                raise VerificationFailed("record-malformed", "a label has another form")
            return cls(
                str(document["project"]), str(document["item"]), int(document["version"]), said
            )
        except (VerificationError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise VerificationFailed("record-malformed", "a label has another form") from error


def salted(text: bytes) -> Salted:
    """`text` with a fresh salt."""
    return Salted(text, new_salt())


def label_place(project: str, label: str) -> str:
    """The place of a label row that its seal binds."""
    return f"label:{project}:{label}"


def review_place(project: str, review: str) -> str:
    """The place of a review row that its seal binds."""
    return f"review:{project}:{review}"


def shown_salt(key: bytes, lease: str) -> bytes:
    """The salt of the commitment to what was shown under a lease, by the item's record key."""
    return hmac.digest(key, b"anbiao-shown-v1\n" + lease.encode(), "sha256")


def seal_record(key: bytes, place: str, parts: dict[str, Salted]) -> bytes:
    """Texts and salts, sealed for one place: nonce (12) || ciphertext || tag (16)."""
    plain = encode(
        {
            name: {"text": part.text.decode(), "salt": part.salt.hex()}
            for name, part in parts.items()
        }
    )
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, _CONTEXT + place.encode())


def open_record(key: bytes, place: str, sealed: bytes) -> dict[str, Salted]:
    """What `seal_record` sealed for `place`.

    Raises:
        VerificationFailed: `record-altered` (wrong key, place or bytes), `record-malformed`.
    """
    nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        plain = AESGCM(key).decrypt(nonce, body, _CONTEXT + place.encode())
    except (InvalidTag, ValueError) as error:
        raise VerificationFailed("record-altered", "a record fails its check") from error
    try:
        return {
            name: Salted(part["text"].encode(), bytes.fromhex(part["salt"]))
            for name, part in decode(plain).items()
        }
    except (VerificationError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise VerificationFailed("record-malformed", "a record has another form") from error


def seal_label(key: bytes, project: str, label: str, secret: LabelSecret) -> bytes:
    """A label's secret, sealed for its row."""
    parts = {"label": secret.label, "comment": secret.comment, "shown": secret.shown}
    return seal_record(key, label_place(project, label), parts)


def open_label(key: bytes, project: str, label: str, sealed: bytes) -> LabelSecret:
    """What `seal_label` sealed.

    Raises:
        VerificationFailed: `record-altered`, `record-malformed`.
    """
    parts = open_record(key, label_place(project, label), sealed)
    try:
        return LabelSecret(parts["label"], parts["comment"], parts["shown"])
    except KeyError as error:
        raise VerificationFailed("record-malformed", "a label has another form") from error
