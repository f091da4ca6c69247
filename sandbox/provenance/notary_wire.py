"""The notary at the end of a Unix socket: frames, server and client.

- One frame = U32 length || canonical JSON. A request is `{"do": "extend", "ledger", "leaves",
  "start"}` (leaves: hex, joined) or `{"do": "keys", "ledger"}`; an answer is
  `{"checkpoint": text}`, `{"keys": [...]}` or `{"refused": code, "halted": bool}`.
- The socket's file is its owner's, and the group's where others are admitted; the kernel's word on
  the peer (SO_PEERCRED) must name an admitted user: a file mode alone is lost when somebody
  copies a folder carelessly.
- The client asks the kernel, too: whoever could put a socket in the notary's place would else be
  taken for it.
- The client keeps one connection, and makes a new one when it broke. Asking twice is harmless:
  the notary answers an extension that it knows with the checkpoint it has.
"""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from crypto import canonical
from crypto.errors import VerificationError
from crypto.merkle import HASH_SIZE
from sandbox.errors import LedgerHalted, Malformed, SandboxError, Unavailable
from sandbox.provenance.notary import Notary

MAX_FRAME_BYTES: Final = 1 << 20
LEAVES_PER_REQUEST: Final = 8_192
_PROBE_S: Final = 5.0
_PEER = struct.Struct("3i")
_LENGTH = struct.Struct(">I")


class NotaryServer:
    """Answers the processes of admitted users; one thread per connection.

    Raises:
        Unavailable: `socket-taken`: a notary answers there already.
    """

    def __init__(self, path: Path, notary: Notary, uids: Collection[int] | None = None) -> None:
        self._notary = notary
        self._uids = frozenset({os.getuid()} if uids is None else uids)
        self._path = path
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()  # guarded by _lock
        self._lock = threading.Lock()
        self._socket = _listen(path, 0o600 if self._uids <= {os.getuid()} else 0o660)

    def serve_forever(self) -> None:
        """Answer until `close`."""
        while not self._stopping.is_set():
            try:
                peer, _ = self._socket.accept()
            except OSError:
                continue  # closed, or the peer went away before it was taken up
            with self._lock:
                self._open.add(peer)
            threading.Thread(target=self._converse, args=(peer,), daemon=True).start()

    def start(self) -> threading.Thread:
        """Answer in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, name="notary", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Stop answering and remove the socket."""
        self._stopping.set()
        self._path.unlink(missing_ok=True)
        with self._lock:
            peers = list(self._open)
        for each in (self._socket, *peers):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _converse(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError, Malformed):
            if _uid_of(peer) in self._uids:
                for request in _frames(peer):
                    _send(peer, self._answer(request))
        with self._lock:
            self._open.discard(peer)

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
        path: the socket.
        timeout_s: longest wait for one answer.
        uid: the user that the notary must run as; anyone when absent.
    """

    def __init__(self, path: Path, timeout_s: float = 5.0, uid: int | None = None) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._uid = uid
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
            self._socket = self._reached()
        _send(self._socket, request)
        for answer in _frames(self._socket):
            return answer
        raise ConnectionResetError

    def _reached(self) -> socket.socket:
        peer = _connect(self._path, self._timeout_s)
        if self._uid is not None and _uid_of(peer) != self._uid:
            peer.close()
            raise Unavailable("notary-foreign", "another user answers in the notary's place")
        return peer

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


def _uid_of(peer: socket.socket) -> int:
    _pid, uid, _gid = _PEER.unpack(
        peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    )
    return int(uid)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of `path` that fits into sockaddr_un, which ends at 108 bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _listen(path: Path, mode: int) -> socket.socket:
    with contextlib.suppress(OSError), _connect(path, _PROBE_S) as other:
        # A stranger who sits here is no notary: their socket is removed.
        if _uid_of(other) == os.getuid():
            raise Unavailable("socket-taken", "a notary answers at this socket already")
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The mode of the socket becomes the mode of its file: at no moment is it wider.
        os.fchmod(server.fileno(), mode)
        with _short(path) as name:
            server.bind(name)
        server.listen()
    except OSError as error:
        server.close()
        raise Unavailable("socket-refused", "the notary's socket can't be made") from error
    return server


def _connect(path: Path, timeout_s: float) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.settimeout(timeout_s)
        with _short(path) as name:
            peer.connect(name)
    except OSError:
        peer.close()
        raise
    return peer
