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
from collections.abc import Callable
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
# Chunks handed to a sink at a time: below 128 KiB the allocator gives memory that it has, in
# place of fresh pages, and the chunks stay in the processor's cache.
_WRITE_BATCH: Final = 7
# Chunks fetched from a source at a time: half a MiB from any place on is one call.
_READ_BATCH: Final = 33


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

    def seal(self, number: int, plain: memoryview, out: memoryview) -> int:
        """Seal chunks from `number` on into `out` and return how many bytes they take there.

        `plain` is either whole chunks or one shorter chunk.
        """
        if number + len(plain) // CHUNK_SIZE > MAX_CHUNKS:
            raise VerificationError("length-invalid")
        base, encrypt = self._base, self._aead.encrypt_into
        to = 0
        for at in range(0, len(plain) or 1, CHUNK_SIZE):
            nonce = (base ^ number).to_bytes(_NONCE_SIZE, "big")
            chunk = plain[at : at + CHUNK_SIZE]
            to += encrypt(nonce, chunk, None, out[to : to + len(chunk) + TAG_SIZE])
            number += 1
        return to

    def open(self, number: int, sealed: memoryview, out: memoryview) -> int:
        """Open chunks from `number` on into `out` and return how many bytes they give.

        `sealed` is either whole chunks or one shorter chunk.
        """
        base, decrypt = self._base, self._aead.decrypt_into
        to = 0
        try:
            for at in range(0, len(sealed), SEALED_CHUNK_SIZE):
                nonce = (base ^ number).to_bytes(_NONCE_SIZE, "big")
                chunk = sealed[at : at + SEALED_CHUNK_SIZE]
                to += decrypt(nonce, chunk, None, out[to : to + len(chunk) - TAG_SIZE])
                number += 1
        except InvalidTag as error:
            raise VerificationError("chunk-altered") from error
        return to


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
        self._pending = memoryview(bytearray(CHUNK_SIZE))
        self._pending_size = 0
        self._sealed = memoryview(bytearray(_WRITE_BATCH * SEALED_CHUNK_SIZE))
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
        whole = at + (len(view) - at) // CHUNK_SIZE * CHUNK_SIZE
        while at < whole:
            room = (len(self._sealed) - self._sealed_size) // SEALED_CHUNK_SIZE * CHUNK_SIZE
            stop = min(whole, at + room)
            self._put(view[at:stop])
            at = stop
        if at < len(view):
            self._pending_size = len(view) - at
            self._pending[: self._pending_size] = view[at:]

    def close(self) -> None:
        """Seal the last chunk and hand everything to the sink; a second call does nothing."""
        if self._closed:
            return
        self._put(self._pending[: self._pending_size])
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

    def _put(self, plain: memoryview) -> None:
        self._sealed_size += self._cipher.seal(
            self._number, plain, self._sealed[self._sealed_size :]
        )
        self._number += len(plain) // CHUNK_SIZE
        if self._sealed_size == len(self._sealed):
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
        # Every plain file and BytesIO has it; it spares a copy.
        self._read_into: Callable[[memoryview], int | None] | None = getattr(
            source, "readinto", None
        )
        self._fetched = bytearray()
        header = bytes(self._fetch(0, HEADER_SIZE))
        self._cipher = _Cipher(key, header[:SALT_SIZE], context)
        if not hmac.compare_digest(self._cipher.commitment, header[SALT_SIZE:]):
            raise VerificationError("context-mismatch")
        self._scratch = memoryview(bytearray(CHUNK_SIZE))
        self._answer = bytearray()
        self._end_checked = False

    @property
    def size(self) -> int:
        """Bytes of the message, after its last chunk was authenticated.

        Raises:
            VerificationError: `chunk-altered`, `length-invalid`.
        """
        if not self._end_checked:
            number = self._claimed_size // CHUNK_SIZE
            last = self._fetch(*self._place(number, 1))
            self._cipher.open(number, last, self._scratch)
            self._end_checked = True
        return self._claimed_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on; fewer only where the message ends.

        Raises:
            VerificationError: `range-invalid` for a negative offset or size, `chunk-altered`,
                `length-invalid` when the source is shorter than it was said to be.
        """
        size = self._clip(offset, size)
        if size > len(self._answer):
            self._answer = bytearray(size)
        view = memoryview(self._answer)[:size]
        self.read_into(offset, view)
        return bytes(view)

    def read_into(self, offset: int, out: bytearray | memoryview) -> int:
        """Fill `out` from `offset` on and return how many bytes there were.

        After an error, `out` may hold authenticated bytes of earlier chunks.

        Raises:
            VerificationError: as `read_at`.
        """
        view = memoryview(out).cast("B")
        size = self._clip(offset, len(view))
        last = (offset + size - 1) // CHUNK_SIZE
        done = 0
        while done < size:
            number, skip = divmod(offset + done, CHUNK_SIZE)
            batch = self._fetch(*self._place(number, min(last - number + 1, _READ_BATCH)))
            done += self._deliver(number, skip, batch, view[done:size])
        return size

    def _deliver(self, number: int, skip: int, sealed: memoryview, out: memoryview) -> int:
        """Open adjacent chunks and fill `out` with what follows the first `skip` bytes."""
        done = 0
        if skip:
            done = self._deliver_part(number, skip, sealed[:SEALED_CHUNK_SIZE], out)
            number, sealed = number + 1, sealed[SEALED_CHUNK_SIZE:]
        whole = min(len(sealed) // SEALED_CHUNK_SIZE, (len(out) - done) // CHUNK_SIZE)
        # Straight to its place; only what is not whole goes by way of the scratch chunk.
        done += self._cipher.open(number, sealed[: whole * SEALED_CHUNK_SIZE], out[done:])
        sealed = sealed[whole * SEALED_CHUNK_SIZE :]
        if sealed:
            done += self._deliver_part(number + whole, 0, sealed, out[done:])
        return done

    def _deliver_part(self, number: int, skip: int, sealed: memoryview, out: memoryview) -> int:
        size = self._cipher.open(number, sealed, self._scratch)
        taken = min(size - skip, len(out))
        out[:taken] = self._scratch[skip : skip + taken]
        return taken

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

    def _fetch(self, offset: int, size: int) -> memoryview:
        """Bytes of the source; valid until the next call."""
        if size > len(self._fetched):
            self._fetched = bytearray(size)
        view = memoryview(self._fetched)[:size]
        self._source.seek(offset)
        done = 0
        while done < size:
            count = self._take(view[done:])
            if not count:
                raise VerificationError("length-invalid", "the source ends too early")
            done += count
        return view

    def _take(self, view: memoryview) -> int:
        if self._read_into is not None:
            return self._read_into(view) or 0
        octets = self._source.read(len(view))
        view[: len(octets)] = octets
        return len(octets)


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
