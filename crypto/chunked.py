"""Chunked encryption, Cobblestone-256: streams in, reads anywhere, one length per message.

- File = salt (24) || commitment (32) || chunks of 16 KiB plaintext and a 16-byte tag; the last
  chunk is always shorter, so a file that was cut or extended is noticed by its length or tag.
- Key, base nonce and commitment come from the input key, the salt and the context; the commitment
  is checked before any chunk, so a file opens under one key and in one place only.
- `Reader` reads and decrypts just the chunks that a range touches. What depends on the end of
  the message (its size, a read that reaches past it) authenticates the last chunk first.
- Buffers are reused: fresh memory costs more than AES. Objects here serve one thread at a time.

Source: C2SP chunked-encryption, instance Cobblestone-256 (AES-256-GCM, HKDF-Expand, SHA-512).
"""

import hmac
import io
import secrets
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from crypto.errors import VerificationError

CHUNK_SIZE: Final = 16_384
TAG_SIZE: Final = 16
SEALED_CHUNK_SIZE: Final = CHUNK_SIZE + TAG_SIZE
SALT_SIZE: Final = 24
COMMITMENT_SIZE: Final = 32
HEADER_SIZE: Final = SALT_SIZE + COMMITMENT_SIZE
KEY_SIZE: Final = 32
MAX_CHUNKS: Final = 2**38
_NONCE_SIZE: Final = 12
_INFO: Final = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
# Chunks that pass between us and a file at a time: 64 KiB stay in the processor's cache.
_BATCH: Final = 4


class Sink(Protocol):
    """Where sealed bytes go; takes all that it is given."""

    def write(self, octets: bytes, /) -> object:
        """Take the bytes."""
        ...


class Source(Protocol):
    """Where sealed bytes come from, at any place."""

    def seek(self, offset: int, /) -> object:
        """Go to a place counted from the beginning."""
        ...

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


def ciphertext_size(plaintext: int) -> int:
    """Bytes of the sealed form of so many bytes.

    Raises:
        VerificationError: `length-invalid` when there is none.
    """
    chunks = plaintext // CHUNK_SIZE + 1
    if not 0 < chunks <= MAX_CHUNKS:
        raise VerificationError("length-invalid")
    return HEADER_SIZE + plaintext + chunks * TAG_SIZE


def plaintext_size(ciphertext: int) -> int:
    """Bytes in a sealed form of so many bytes, if it is not cut or extended.

    Raises:
        VerificationError: `length-invalid` for a length that no message has.
    """
    full, last = divmod(ciphertext - HEADER_SIZE, SEALED_CHUNK_SIZE)
    if not 0 <= full < MAX_CHUNKS or last < TAG_SIZE:
        raise VerificationError("length-invalid")
    return full * CHUNK_SIZE + last - TAG_SIZE


class _Cipher:
    """Key, base nonce and commitment of one message."""

    def __init__(self, key: bytes, salt: bytes, context: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise VerificationError("key-malformed", "a key has 32 bytes")
        length = KEY_SIZE + _NONCE_SIZE + COMMITMENT_SIZE
        made = HKDFExpand(SHA512(), length, _INFO + salt + context).derive(key)
        self.commitment = made[KEY_SIZE + _NONCE_SIZE :]
        self._base = int.from_bytes(made[KEY_SIZE : KEY_SIZE + _NONCE_SIZE], "big")
        self._aead = AESGCM(made[:KEY_SIZE])

    def seal(self, number: int, chunk: bytes | memoryview, out: memoryview) -> None:
        """Seal chunk `number` into `out`, which is a tag longer."""
        if number >= MAX_CHUNKS:
            raise VerificationError("length-invalid")
        self._aead.encrypt_into(self._nonce(number), chunk, None, out)

    def open(self, number: int, sealed: bytes | memoryview, out: memoryview) -> None:
        """Open chunk `number` into `out`, which is a tag shorter."""
        try:
            self._aead.decrypt_into(self._nonce(number), sealed, None, out)
        except InvalidTag as error:
            raise VerificationError("chunk-altered") from error

    def _nonce(self, number: int) -> bytes:
        return (self._base ^ number).to_bytes(_NONCE_SIZE, "big")


class Writer:
    """Seals a stream of unknown length into `sink`; `close` writes the end.

    Without `close` the result is a cut message, which no reader accepts. The sink stays open.
    """

    def __init__(self, sink: Sink, key: bytes, context: bytes) -> None:
        """Begin a message under a fresh salt.

        Raises:
            VerificationError: `key-malformed`.
        """
        salt = secrets.token_bytes(SALT_SIZE)
        self._cipher = _Cipher(key, salt, context)
        self._sink = sink
        self._number = 0
        self._pending = bytearray(CHUNK_SIZE)
        self._pending_size = 0
        self._sealed = memoryview(bytearray(_BATCH * SEALED_CHUNK_SIZE))
        self._sealed_size = 0
        self._closed = False
        sink.write(salt + self._cipher.commitment)

    def write(self, octets: bytes | bytearray | memoryview) -> None:
        """Seal more of the message.

        Raises:
            VerificationError: `writer-closed`; `length-invalid` past 4 PiB.
        """
        if self._closed:
            raise VerificationError("writer-closed")
        view = memoryview(octets).cast("B")
        at = self._complete_pending(view) if self._pending_size else 0
        while len(view) - at >= CHUNK_SIZE:
            self._put(view[at : at + CHUNK_SIZE])
            at += CHUNK_SIZE
        rest = len(view) - at
        if rest > 0:
            self._pending[:rest] = view[at:]
            self._pending_size = rest

    def close(self) -> None:
        """Seal the last chunk and hand everything to the sink; a second call does nothing."""
        if self._closed:
            return
        self._put(memoryview(self._pending)[: self._pending_size])
        self._flush()
        self._closed = True

    def _complete_pending(self, view: memoryview) -> int:
        """Fill up a begun chunk and return how much of `view` that took."""
        taken = min(CHUNK_SIZE - self._pending_size, len(view))
        self._pending[self._pending_size : self._pending_size + taken] = view[:taken]
        self._pending_size += taken
        if self._pending_size == CHUNK_SIZE:
            self._put(self._pending)
            self._pending_size = 0
        return taken

    def _put(self, chunk: bytes | bytearray | memoryview) -> None:
        start = self._sealed_size
        stop = start + len(chunk) + TAG_SIZE
        self._cipher.seal(self._number, memoryview(chunk), self._sealed[start:stop])
        self._number += 1
        self._sealed_size = stop
        if stop == len(self._sealed):
            self._flush()

    def _flush(self) -> None:
        # The sink gets bytes of its own: one that keeps what it is given must not see it change.
        self._sink.write(bytes(self._sealed[: self._sealed_size]))
        self._sealed_size = 0


class Reader:
    """Opens any range of a sealed message, touching only the chunks that it needs."""

    def __init__(self, source: Source, size: int, key: bytes, context: bytes) -> None:
        """Check length and commitment of a sealed message of `size` bytes.

        Raises:
            VerificationError: `length-invalid`, `key-malformed`, `context-mismatch`.
        """
        self._claimed_size = plaintext_size(size)
        self._source = source
        header = self._fetch(0, HEADER_SIZE)
        self._cipher = _Cipher(key, header[:SALT_SIZE], context)
        if not hmac.compare_digest(self._cipher.commitment, header[SALT_SIZE:]):
            raise VerificationError("context-mismatch")
        self._scratch = memoryview(bytearray(CHUNK_SIZE))
        self._end_checked = False

    @property
    def size(self) -> int:
        """Bytes of the message, after its last chunk was authenticated.

        Raises:
            VerificationError: `chunk-altered`, `length-invalid`.
        """
        if not self._end_checked:
            number = self._claimed_size // CHUNK_SIZE
            self._open_chunk(number, self._fetch(*self._place(number, 1)))
            self._end_checked = True
        return self._claimed_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer only where the message ends.

        Raises:
            VerificationError: `range-invalid` for a negative offset or size, `chunk-altered`,
                `length-invalid` when the source is shorter than it was said to be.
        """
        out = bytearray(self._clip(offset, size))
        self.read_into(offset, out)
        return bytes(out)

    def read_into(self, offset: int, out: bytearray | memoryview) -> int:
        """Fill `out` from `offset` on and return how many bytes there were.

        After an error, `out` may hold authenticated bytes of earlier chunks.

        Raises:
            VerificationError: as `read_at`.
        """
        view = memoryview(out).cast("B")
        size = self._clip(offset, len(view))
        done = 0
        while done < size:
            number = (offset + done) // CHUNK_SIZE
            last = (offset + size - 1) // CHUNK_SIZE
            count = min(last - number + 1, _BATCH)
            batch = memoryview(self._fetch(*self._place(number, count)))
            for at in range(0, len(batch), SEALED_CHUNK_SIZE):
                sealed = batch[at : at + SEALED_CHUNK_SIZE]
                done += self._deliver(sealed, offset + done, view[done:size])
        return size

    def _deliver(self, sealed: memoryview, position: int, out: memoryview) -> int:
        """Open one chunk and put what of it lies at `position` at the head of `out`."""
        number, skip = divmod(position, CHUNK_SIZE)
        length = len(sealed) - TAG_SIZE
        if skip == 0 and len(out) >= length:
            self._cipher.open(number, sealed, out[:length])
            return length
        taken = min(length - skip, len(out))
        out[:taken] = self._open_chunk(number, sealed)[skip : skip + taken]
        return taken

    def _open_chunk(self, number: int, sealed: bytes | memoryview) -> memoryview:
        out = self._scratch[: len(sealed) - TAG_SIZE]
        self._cipher.open(number, sealed, out)
        return out

    def _clip(self, offset: int, size: int) -> int:
        if offset < 0 or size < 0:
            raise VerificationError("range-invalid")
        if offset + size <= self._claimed_size:
            return size
        # The answer says where the message ends: that must be authentic.
        return max(0, self.size - offset)

    def _place(self, number: int, count: int) -> tuple[int, int]:
        """Where `count` sealed chunks lie, as offset and size; the last one is shorter."""
        start = number * CHUNK_SIZE
        plain = min(count * CHUNK_SIZE, self._claimed_size - start)
        return HEADER_SIZE + number * SEALED_CHUNK_SIZE, plain + count * TAG_SIZE

    def _fetch(self, offset: int, size: int) -> bytes:
        self._source.seek(offset)
        octets = self._source.read(size)
        while len(octets) < size:
            more = self._source.read(size - len(octets))
            if not more:
                raise VerificationError("length-invalid", "the source ends too early")
            octets += more
        return octets


def seal(key: bytes, context: bytes, plaintext: bytes) -> bytes:
    """The sealed form of a message that is at hand as a whole.

    Raises:
        VerificationError: `key-malformed`.
    """
    sink = io.BytesIO()
    writer = Writer(sink, key, context)
    writer.write(plaintext)
    writer.close()
    return sink.getvalue()


def open_all(key: bytes, context: bytes, sealed: bytes) -> bytes:
    """The whole message.

    Raises:
        VerificationError: `length-invalid`, `key-malformed`, `context-mismatch`, `chunk-altered`.
    """
    reader = Reader(io.BytesIO(sealed), len(sealed), key, context)
    return reader.read_at(0, reader.size)
