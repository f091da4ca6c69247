"""Where the notary of a house is: at a socket of its machine, or at an address of another's."""

import socket
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from sandbox.errors import Unavailable
from sandbox.layout import OWN, RUN, Process, owners
from sandbox.provenance.notary_doors import Door, UnixDoor, UnixWay, Way
from sandbox.provenance.notary_tls import TlsDoor, TlsWay, identity
from sandbox.settings import Settings, split_address

_WAIT_S: Final = 5.0


def door(settings: Settings, uids: Collection[int]) -> Door:
    """Where the notary listens.

    Args:
        settings: of the house.
        uids: users that are let in at the socket; over TLS certificates decide.

    Raises:
        Unacceptable: `notary-tls-missing`, `notary-tls-exposed`, `notary-tls-malformed`.
        Unavailable: `socket-taken`, `socket-refused`, `notary-address-public`.
    """
    if settings.notary_address is None:
        return UnixDoor(_socket(settings), uids)
    return TlsDoor(settings.notary_address, identity(settings.dir / OWN[Process.NOTARY]))


def way(settings: Settings, process: Process) -> Way:
    """How a process gets to the notary.

    Raises:
        Unacceptable: as `door`.
    """
    if settings.notary_address is None:
        return UnixWay(_socket(settings), owners(settings.dir).get(Process.NOTARY))
    return TlsWay(settings.notary_address, identity(settings.dir / OWN[process]))


def require_listening(settings: Settings) -> None:
    """Let pass where something listens in the notary's place; who it is, is not asked.

    Raises:
        Unavailable: `not-running`.
    """
    try:
        if settings.notary_address is not None:
            place = split_address(settings.notary_address)
            with closing(socket.create_connection(place or ("", 0), timeout=_WAIT_S)):
                return
        if _socket(settings).is_socket():
            return
    except OSError:
        pass
    raise Unavailable("not-running", "nothing listens in the notary's place")


def _socket(settings: Settings) -> Path:
    return settings.dir / RUN / "notary.sock"
