"""Sealing and opening against raw AES-256-GCM, and a read from the middle."""

import secrets
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from figures import best_of, best_of_each, record

from crypto import chunked

MESSAGE = 8 << 20
RANGE = 512 << 10
RATIO_GOAL = 0.5
RANGE_GOAL_US = 150.0


class Nowhere:
    """Takes what it is given, so that the disk is not what is measured."""

    def write(self, octets: bytes) -> int:
        return len(octets)


def run() -> None:
    key, context = secrets.token_bytes(32), b"bench"
    message = secrets.token_bytes(MESSAGE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sealed"
        path.write_bytes(chunked.seal(key, context, message))
        with path.open("rb", buffering=0) as file:
            reader = chunked.Reader(file, path.stat().st_size, key, context)
            measure_stream(key, message, reader)
            measure_range(reader)


def measure_stream(key: bytes, message: bytes, reader: chunked.Reader) -> None:
    out = bytearray(MESSAGE)
    raw_seal, raw_open = raw(key, message)

    def seal() -> None:
        writer = chunked.Writer(Nowhere(), key, b"bench")
        writer.write(message)
        writer.close()

    def open_message() -> None:
        assert reader.read_into(0, out) == MESSAGE

    sealing, raw_sealing, opening, raw_opening = best_of_each(
        [seal, raw_seal, open_message, raw_open]
    )
    for name, ours, theirs in (
        ("seal", sealing, raw_sealing),
        ("open", opening, raw_opening),
    ):
        ratio = theirs / ours
        peer, goal = "raw AES-256-GCM, 16 KiB", f">= {RATIO_GOAL}"
        rate = MESSAGE / ours / 1e9
        record("crypto", f"chunked_{name}", rate, "GB/s", peer, ratio, goal, ratio >= RATIO_GOAL)
    assert out == message


def raw(key: bytes, message: bytes) -> tuple:
    """AES-256-GCM over the same 16 KiB pieces with reused buffers: what no format can beat."""
    aead, nonce, view = AESGCM(key), bytes(12), memoryview(message)
    sealed = [aead.encrypt(nonce, view[at : at + 16384], None) for at in range(0, MESSAGE, 16384)]
    out, back = bytearray(16400), bytearray(16384)

    def seal() -> None:
        for at in range(0, MESSAGE, 16384):
            aead.encrypt_into(nonce, view[at : at + 16384], None, out)

    def open_all() -> None:
        for piece in sealed:
            aead.decrypt_into(nonce, piece, None, back)

    return seal, open_all


def measure_range(reader: chunked.Reader) -> None:
    places = [(at * 1_234_567) % (MESSAGE - RANGE) for at in range(1, 50)]
    out = bytearray(RANGE)

    def into_buffer() -> None:
        for place in places:
            reader.read_into(place, out)

    def to_bytes() -> None:
        for place in places:
            reader.read_at(place, RANGE)

    for name, act in (("range_512k", to_bytes), ("range_512k_into_buffer", into_buffer)):
        us = best_of(act) / len(places) * 1e6
        goal = f"<= {RANGE_GOAL_US:g} us"
        record("crypto", name, us, "us", None, None, goal, us <= RANGE_GOAL_US)
