"""Where the notary listens on its own machine: a Unix socket, and who is let in there.

- The socket's file is its owner's, and the group's where others are admitted; the kernel's word on
  the peer (SO_PEERCRED) must name an admitted user: a file mode alone is lost when somebody
  copies a folder carelessly.
- The client asks the kernel, too: whoever could put a socket in the notary's place would else be
  taken for it.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Protocol

from sandbox.errors import Unavailable

_PROBE_S: Final = 5.0
_PEER = struct.Struct("3i")


class Door(Protocol):
    """Where a notary listens."""

    @property
    def listening(self) -> socket.socket:
        """What is accepted from."""
        ...

    def admit(self, peer: socket.socket) -> socket.socket:
        """The conversation with a peer that may come in.

        Raises:
            OSError: it may not, or is no peer of ours.
        """
        ...

    def close(self) -> None:
        """Listen no more."""
        ...


class Way(Protocol):
    """How a client gets to the notary."""

    def reached(self, timeout_s: float) -> socket.socket:
        """A new connection with the notary itself at its end.

        Raises:
            OSError: nobody answers, or nobody that is let in or believed.
            Unavailable: `notary-foreign`: another than the notary answers.
        """
        ...


class UnixDoor:
    """A socket in the file system.

    Args:
        path: the socket's file.
        uids: the users that are let in; this process's alone unless given.

    Raises:
        Unavailable: `socket-taken`: a notary answers there already; `socket-refused`.
    """

    def __init__(self, path: Path, uids: Collection[int] | None = None) -> None:
        self._path = path
        self._uids = frozenset({os.getuid()} if uids is None else uids)
        self.listening = _listen(path, 0o600 if self._uids <= {os.getuid()} else 0o660)

    def admit(self, peer: socket.socket) -> socket.socket:
        """As `Door.admit`.

        Raises:
            PermissionError: the peer is another user's.
        """
        if _uid_of(peer) not in self._uids:
            raise PermissionError
        return peer

    def close(self) -> None:
        """Remove the socket."""
        self._path.unlink(missing_ok=True)
        shut(self.listening)
        self.listening.close()


class UnixWay:
    """The way to a `UnixDoor`.

    Args:
        path: the socket's file.
        uid: the user that the notary must run as; anyone when absent.
    """

    def __init__(self, path: Path, uid: int | None = None) -> None:
        self._path = path
        self._uid = uid

    def reached(self, timeout_s: float) -> socket.socket:
        """As `Way.reached`.

        Raises:
            Unavailable: `notary-foreign`.
        """
        peer = _connect(self._path, timeout_s)
        if self._uid is not None and _uid_of(peer) != self._uid:
            peer.close()
            raise Unavailable("notary-foreign", "another user answers in the notary's place")
        return peer


def shut(end: socket.socket) -> None:
    """Wake whoever waits at this socket; one that is shut already stays so."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


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
