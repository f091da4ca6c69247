"""Chunked encryption: any message, any range, and nothing but authenticated bytes."""

import io
import secrets

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from hypothesis import given
from hypothesis import strategies as st

from crypto import chunked
from crypto.errors import VerificationError

KEY, CONTEXT = secrets.token_bytes(32), b"dataset, object"
MESSAGE = secrets.token_bytes(5 * chunked.CHUNK_SIZE + 777)
SEALED = chunked.seal(KEY, CONTEXT, MESSAGE)
EDGES = [0, 1, 15, 16_383, 16_384, 16_385, 32_768, 7 * 16_384, 40_000, 600_000]


class Watched(io.BytesIO):
    """A source that remembers what was asked of it."""

    def __init__(self, octets):
        super().__init__(octets)
        self.spans = []

    def readinto(self, buffer):
        start = self.tell()
        count = super().readinto(buffer)
        self.spans.append((start, start + count))
        return count


class Trickle:
    """A source without `readinto` that gives a few bytes at a time."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def seek(self, offset):
        self.at = offset

    def read(self, size):
        piece = self.octets[self.at : self.at + min(size, 999)]
        self.at += len(piece)
        return piece


def reader_of(sealed, key=KEY, context=CONTEXT):
    return chunked.Reader(io.BytesIO(sealed), len(sealed), key, context)


def code_of(act, *arguments):
    with pytest.raises(VerificationError) as refused:
        act(*arguments)
    return refused.value.code


@pytest.mark.parametrize("size", EDGES)
def test_message_of_any_length_comes_back(size):
    message = secrets.token_bytes(size)

    sealed = chunked.seal(KEY, CONTEXT, message)

    assert chunked.open_all(KEY, CONTEXT, sealed) == message
    assert chunked.ciphertext_size(size) == len(sealed)
    assert chunked.plaintext_size(len(sealed)) == size


@pytest.mark.parametrize("size", EDGES)
def test_another_implementation_opens_what_we_seal_and_we_open_its_seals(size):
    message = secrets.token_bytes(size)
    theirs = Cobblestone256Encryptor(KEY, CONTEXT)
    opening = Cobblestone256Decryptor(KEY, CONTEXT)

    sealed = theirs.update(message) + theirs.finalize()
    opened = opening.update(chunked.seal(KEY, CONTEXT, message)) + opening.finalize()

    assert chunked.open_all(KEY, CONTEXT, sealed) == message
    assert opened == message


@given(st.lists(st.integers(0, 50_000), max_size=8))
def test_pieces_of_any_size_make_one_message(sizes):
    pieces = [secrets.token_bytes(size) for size in sizes]
    sink = io.BytesIO()
    writer = chunked.Writer(sink, KEY, CONTEXT)

    for piece in pieces:
        writer.write(bytearray(piece))
    writer.close()
    writer.close()

    assert chunked.open_all(KEY, CONTEXT, sink.getvalue()) == b"".join(pieces)


@given(st.integers(0, len(MESSAGE) + 50_000), st.integers(0, len(MESSAGE) + 50_000))
def test_any_range_is_that_slice_of_the_message(offset, size):
    reader = reader_of(SEALED)

    assert reader.read_at(offset, size) == MESSAGE[offset : offset + size]


@given(st.integers(0, len(MESSAGE)), st.integers(1, 60_000))
def test_range_touches_only_the_chunks_that_hold_it(offset, size):
    source = Watched(SEALED)
    reader = chunked.Reader(source, len(SEALED), KEY, CONTEXT)
    size = min(size, len(MESSAGE) - offset)
    source.spans.clear()

    reader.read_at(offset, size)

    first, last = offset // chunked.CHUNK_SIZE, (offset + size - 1) // chunked.CHUNK_SIZE
    allowed = range(56 + first * 16_400, min(56 + (last + 1) * 16_400, len(SEALED)) + 1)
    assert all(start in allowed and stop in allowed for start, stop in source.spans)
    assert sum(stop - start for start, stop in source.spans) <= (last - first + 1) * 16_400


def test_half_a_mebibyte_is_one_read():
    message = secrets.token_bytes(1 << 20)
    sealed = chunked.seal(KEY, CONTEXT, message)
    source = Watched(sealed)
    reader = chunked.Reader(source, len(sealed), KEY, CONTEXT)
    source.spans.clear()

    assert reader.read_at(5_000, 1 << 19) == message[5_000 : 5_000 + (1 << 19)]

    assert len(source.spans) == 1


def test_size_authenticates_the_last_chunk_and_only_once():
    source = Watched(SEALED)
    reader = chunked.Reader(source, len(SEALED), KEY, CONTEXT)
    source.spans.clear()

    assert (reader.size, reader.size) == (len(MESSAGE), len(MESSAGE))

    assert source.spans == [(56 + 5 * 16_400, len(SEALED))]


def test_read_past_the_end_authenticates_the_end_before_anything_else():
    source = Watched(SEALED)
    reader = chunked.Reader(source, len(SEALED), KEY, CONTEXT)
    source.spans.clear()

    assert reader.read_at(0, len(MESSAGE) + 1) == MESSAGE

    assert source.spans[0] == (56 + 5 * 16_400, len(SEALED))


def test_cut_at_a_chunk_with_a_forged_end_gives_no_size_and_no_tail():
    # Four whole chunks and the head of the fifth: the length is one that a message can have.
    cut = SEALED[: 56 + 4 * 16_400 + 300]
    reader = reader_of(cut)

    assert code_of(lambda: reader.size) == "chunk-altered"
    assert code_of(reader.read_at, 0, len(MESSAGE)) == "chunk-altered"
    assert reader.read_at(0, 100) == MESSAGE[:100]


@given(st.data())
def test_flipping_any_bit_is_noticed(data):
    sealed = bytearray(SEALED)
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))

    code = code_of(chunked.open_all, KEY, CONTEXT, bytes(sealed))

    assert code == ("context-mismatch" if at < 56 else "chunk-altered")


def test_altered_chunk_spoils_the_ranges_that_touch_it_and_no_others():
    sealed = bytearray(SEALED)
    sealed[56 + 2 * 16_400 + 5] ^= 1
    reader = reader_of(bytes(sealed))

    assert reader.read_at(0, 2 * 16_384) == MESSAGE[: 2 * 16_384]
    assert code_of(reader.read_at, 2 * 16_384 - 1, 2) == "chunk-altered"
    assert code_of(reader.read_at, 2 * 16_384, 16_384) == "chunk-altered"
    assert reader.read_at(3 * 16_384, 9) == MESSAGE[3 * 16_384 : 3 * 16_384 + 9]


@pytest.mark.parametrize("length", [-1, 0, 55, 56, 57, 71, 56 + 16_400, 56 + 16_400 + 15, 2**63])
def test_length_that_no_message_has_is_refused_before_reading(length):
    assert code_of(chunked.Reader, io.BytesIO(), length, KEY, CONTEXT) == "length-invalid"


def test_message_too_long_to_be_sealed_has_no_length():
    longest = chunked.MAX_CHUNKS * chunked.CHUNK_SIZE - 1

    assert chunked.plaintext_size(chunked.ciphertext_size(longest)) == longest
    assert code_of(chunked.ciphertext_size, longest + 1) == "length-invalid"
    assert code_of(chunked.ciphertext_size, -1) == "length-invalid"
    cipher = chunked._Cipher(KEY, bytes(24), b"")
    out = memoryview(bytearray(16))
    assert code_of(cipher.seal, chunked.MAX_CHUNKS + 1, memoryview(b""), out) == "length-invalid"


def test_source_that_is_shorter_than_said_is_refused():
    for length in (0, 20, 56, 1_000):
        source = io.BytesIO(SEALED[:length])
        assert code_of(short_read, source) == "length-invalid"


def short_read(source):
    chunked.Reader(source, len(SEALED), KEY, CONTEXT).read_at(0, 10)


def test_source_that_trickles_is_read_to_the_end():
    reader = chunked.Reader(Trickle(SEALED), len(SEALED), KEY, CONTEXT)

    assert reader.read_at(0, reader.size) == MESSAGE


def test_source_that_dries_up_is_refused():
    reader = chunked.Reader(Trickle(SEALED[:-1]), len(SEALED), KEY, CONTEXT)

    assert code_of(lambda: reader.size) == "length-invalid"


@pytest.mark.parametrize(
    ("key", "context", "code"),
    [
        (bytes(32), CONTEXT, "context-mismatch"),
        (KEY, b"dataset, objecu", "context-mismatch"),
        (KEY, b"", "context-mismatch"),
        (KEY[:16], CONTEXT, "key-malformed"),
        (b"", CONTEXT, "key-malformed"),
    ],
    ids=["key", "context", "no-context", "short-key", "no-key"],
)
def test_wrong_key_or_place_opens_nothing(key, context, code):
    assert code_of(reader_of, SEALED, key, context) == code


def test_key_of_another_length_seals_nothing():
    assert code_of(chunked.seal, KEY[:31], CONTEXT, b"") == "key-malformed"


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, -1), (-5, -5)])
def test_negative_range_is_refused(offset, size):
    assert code_of(reader_of(SEALED).read_at, offset, size) == "range-invalid"


def test_read_into_fills_what_there_is_and_says_how_much():
    out = bytearray(1_000)

    count = reader_of(SEALED).read_into(len(MESSAGE) - 300, out)

    assert count == 300
    assert out[:300] == MESSAGE[-300:]
    assert not any(out[300:])


def test_ended_message_takes_no_more():
    writer = chunked.Writer(io.BytesIO(), KEY, CONTEXT)
    writer.close()

    assert code_of(writer.write, b"more") == "writer-closed"


def test_message_without_its_end_is_refused():
    sink = io.BytesIO()
    chunked.Writer(sink, KEY, CONTEXT).write(bytes(7 * 16_384))

    assert code_of(chunked.open_all, KEY, CONTEXT, sink.getvalue()) == "length-invalid"


def test_sink_may_keep_what_it_was_given():
    kept = []

    class Keeper:
        def write(self, octets):
            kept.append(octets)

    message = secrets.token_bytes(20 * 16_384)
    writer = chunked.Writer(Keeper(), KEY, CONTEXT)
    writer.write(message)
    writer.close()

    assert chunked.open_all(KEY, CONTEXT, b"".join(kept)) == message


def test_every_seal_has_its_own_salt():
    assert chunked.seal(KEY, CONTEXT, b"x")[:24] != chunked.seal(KEY, CONTEXT, b"x")[:24]
