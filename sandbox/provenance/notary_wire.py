"""The notary at the far end of a socket: frames, server and client.

- One frame = U32 length || canonical JSON. A request is `{"do": "extend", "ledger", "leaves",
  "start"}` (leaves: hex, joined) or `{"do": "keys", "ledger"}`; an answer is
  `{"checkpoint": text}`, `{"keys": [...]}` or `{"refused": code, "halted": bool}`.
- Who is let in and who is believed is the door's: `notary_doors` (Unix socket), `notary_tls`.
- The client keeps one connection, and makes a new one when it broke. Asking twice is harmless:
  the notary answers an extension that it knows with the checkpoint it has.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from crypto import canonical
from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE
from sandbox.errors import LedgerHalted, Malformed, SandboxError, Unavailable
from sandbox.provenance.notary import Notary
from sandbox.provenance.notary_doors import Door, Way, shut

MAX_FRAME_BYTES: Final = 1 << 20
LEAVES_PER_REQUEST: Final = 8_192
_LENGTH = struct.Struct(">I")


class NotaryServer:
    """Answers whom its door admits; one thread per connection."""

    def __init__(self, door: Door, notary: Notary) -> None:
        self._door = door
        self._notary = notary
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()  # guarded by _lock
        self._lock = threading.Lock()

    def serve_forever(self) -> None:
        """Answer until `close`."""
        while not self._stopping.is_set():
            try:
                peer, _ = self._door.listening.accept()
            except OSError:
                continue  # closed, or the peer went away before it was taken up
            threading.Thread(target=self._converse, args=(peer,), daemon=True).start()

    def start(self) -> threading.Thread:
        """Answer in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, name="notary", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Stop answering and let go of the door."""
        self._stopping.set()
        self._door.close()
        with self._lock:
            peers = list(self._open)
        for peer in peers:
            shut(peer)

    def _converse(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError, Malformed), peer, self._door.admit(peer) as admitted:
            with self._lock:
                self._open.add(admitted)
            try:
                # Whoever was let in while this notary closed is not answered any more.
                for request in () if self._stopping.is_set() else _frames(admitted):
                    _send(admitted, self._answer(request))
            finally:
                with self._lock:
                    self._open.discard(admitted)

    def _answer(self, request: object) -> Mapping[str, object]:
        try:
            return self._carry_out(request)
        except SandboxError as error:
            return {"refused": error.code, "halted": isinstance(error, LedgerHalted)}

    def _carry_out(self, request: object) -> Mapping[str, object]:
        match request:
            case {"do": "keys", "ledger": str(ledger), **rest} if not rest:
                return {"keys": self._notary.keys(ledger)}
            case {
                "do": "extend",
                "ledger": str(ledger),
                "start": int(start),
                "leaves": str(leaves),
                **rest,
            } if not rest:
                return {"checkpoint": self._notary.extend(ledger, start, _split(leaves))}
        raise Malformed("request-malformed", "the notary knows no such request")


class NotaryClient:
    """A `Notary` at the other end of a socket; threads take turns.

    Args:
        way: how the notary is reached.
        timeout_s: longest wait for one answer.
    """

    def __init__(self, way: Way, timeout_s: float = 5.0) -> None:
        self._way = way
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None  # guarded by _lock

    def extend(self, ledger: str, start: int, leaf_hashes: Sequence[bytes]) -> str:
        """As `Notary.extend`.

        Raises:
            LedgerHalted: the notary signed another history.
            Unavailable: `notary-unavailable`, or what the notary said.
        """
        note = ""
        for at in range(0, max(1, len(leaf_hashes)), LEAVES_PER_REQUEST):
            part = leaf_hashes[at : at + LEAVES_PER_REQUEST]
            leaves = b"".join(part).hex()
            answer = self._ask(
                {"do": "extend", "ledger": ledger, "start": start + at, "leaves": leaves}
            )
            note = _text(answer.get("checkpoint"))
        return note

    def keys(self, ledger: str) -> list[str]:
        """As `Notary.keys`.

        Raises:
            Unavailable: `notary-unavailable`, or what the notary said.
        """
        keys = self._ask({"do": "keys", "ledger": ledger}).get("keys")
        if not isinstance(keys, list):
            raise Unavailable("notary-unavailable", "the notary's answer makes no sense")
        return [_text(key) for key in keys]

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _ask(self, request: Mapping[str, object]) -> Mapping[str, Any]:
        with self._lock:
            # A connection kept from before may be dead without our knowing: then once more.
            try:
                answer = self._exchange(request)
            except (OSError, Malformed):
                self._drop()
                try:
                    answer = self._exchange(request)
                except (OSError, Malformed) as error:
                    self._drop()
                    raise Unavailable("notary-unavailable", "the notary is silent") from error
        if not isinstance(answer, dict):
            raise Unavailable("notary-unavailable", "the notary's answer makes no sense")
        if "refused" in answer:
            refusal = LedgerHalted if answer.get("halted") is True else Unavailable
            raise refusal(_text(answer["refused"]), "refused by the notary")
        return answer

    def _exchange(self, request: Mapping[str, object]) -> object:
        if self._socket is None:
            self._socket = self._way.reached(self._timeout_s)
        _send(self._socket, request)
        for answer in _frames(self._socket):
            return answer
        raise ConnectionResetError

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unavailable("notary-unavailable", "the notary's answer makes no sense")
    return value


def _split(leaves: str) -> list[bytes]:
    try:
        joined = bytes.fromhex(leaves)
    except ValueError as error:
        raise Malformed("leaf-malformed") from error
    return [joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE)]


def _send(peer: socket.socket, message: object) -> None:
    body = canonical.encode(message)
    peer.sendall(_LENGTH.pack(len(body)) + body)


def _frames(peer: socket.socket) -> Iterator[object]:
    """What the peer says, frame by frame, until it hangs up."""
    while head := _receive(peer, _LENGTH.size, may_end=True):
        (size,) = _LENGTH.unpack(head)
        if size > MAX_FRAME_BYTES:
            raise Malformed("frame-too-large")
        try:
            yield canonical.decode(_receive(peer, size))
        except VerificationError as error:
            raise Malformed("frame-malformed") from error


def _receive(peer: socket.socket, size: int, *, may_end: bool = False) -> bytes:
    """Exactly `size` bytes, or nothing where the peer `may_end`."""
    parts = bytearray()
    while len(parts) < size:
        part = peer.recv(size - len(parts))
        if not part and may_end and not parts:
            return b""
        if not part:
            raise ConnectionResetError
        parts += part
    return bytes(parts)
