"""The notary on another machine: mutual TLS between certificates that pin one another.

- TLS 1.3 and nothing older, with client certificates; both from one authority that was made for
  these connections. No other authority, of the system say, is trusted.
- A good signature is not enough: each side holds the SHA-256 of the certificates it talks to
  (`peers`). Names in certificates are not looked at; the pin says more.
- Listened on and connected to are loopback and private addresses only.
- A stranger is hung up on before a byte of theirs is read as a request; only so many may be on the
  threshold at once, each for a few seconds.

It does not renew: certificates are made anew (`anbiao keys notary`), the processes started again.
"""

import hashlib
import re
import socket
import ssl
import stat
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from sandbox.errors import Unacceptable, Unavailable
from sandbox.provenance.notary_doors import shut
from sandbox.settings import is_near, is_number, split_address

FOLDER: Final = "notary-tls"
"""In each process's own folder: what it proves itself with, and whom it believes."""

AUTHORITY: Final = "authority.pem"
CERTIFICATE: Final = "certificate.pem"
KEY: Final = "key.pem"
PEERS: Final = "peers"

_HANDSHAKE_S: Final = 5.0
_THRESHOLD: Final = 32
_MOST_PINS: Final = 64
_PIN = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Identity:
    """One side's certificate and key, its authority, and the peers that it pins."""

    folder: Path
    peers: frozenset[str]

    def context(self, *, listening: bool) -> ssl.SSLContext:
        """What a handshake of this side demands.

        Raises:
            Unacceptable: `notary-tls-malformed`: no certificates, or key and certificate differ.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if listening else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        if listening:
            context.num_tickets = 0  # a resumed session would not show its certificate anew
        try:
            context.load_verify_locations(self.folder / AUTHORITY)
            context.load_cert_chain(self.folder / CERTIFICATE, self.folder / KEY)
        except OSError as error:
            raise _malformed("certificate, key and authority don't belong together") from error
        return context

    def believe(self, peer: ssl.SSLSocket) -> None:
        """Go on only with a peer that is pinned.

        Raises:
            PermissionError: it has another certificate, or none.
        """
        if pin_of(peer.getpeercert(binary_form=True) or b"") not in self.peers:
            raise PermissionError


class TlsDoor:
    """A TCP address that only pinned certificates get past.

    Raises:
        Unacceptable: as `Identity.context`.
        Unavailable: `notary-address-public`, or `socket-refused`.
    """

    def __init__(self, address: str, identity: Identity) -> None:
        self._identity = identity
        self._context = identity.context(listening=True)
        self._threshold = threading.BoundedSemaphore(_THRESHOLD)
        family, place = _place(address)
        try:
            self.listening = socket.create_server(place, family=family)
        except OSError as error:
            raise Unavailable("socket-refused", "the notary's address can't be had") from error

    @property
    def address(self) -> str:
        """Where it listens, as `HOST:PORT`."""
        host, port = self.listening.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def admit(self, peer: socket.socket) -> socket.socket:
        """The conversation with a pinned peer, encrypted.

        Raises:
            OSError: no TLS, no certificate, another authority's, expired, or one not pinned.
        """
        if not self._threshold.acquire(blocking=False):
            raise BlockingIOError
        try:
            peer.settimeout(_HANDSHAKE_S)
            return _secured(self._context, peer, self._identity)
        finally:
            self._threshold.release()

    def close(self) -> None:
        """Listen no more."""
        shut(self.listening)
        self.listening.close()


class TlsWay:
    """The way to a `TlsDoor`.

    Raises:
        Unacceptable: as `Identity.context`.
    """

    def __init__(self, address: str, identity: Identity) -> None:
        self._address = address
        self._identity = identity
        self._context = identity.context(listening=False)

    def reached(self, timeout_s: float) -> socket.socket:
        """As `notary_doors.Way.reached`.

        Raises:
            Unavailable: `notary-address-public`; `notary-foreign`: another certificate.
        """
        family, place = _place(self._address)
        peer = socket.socket(family, socket.SOCK_STREAM)
        try:
            peer.settimeout(timeout_s)
            peer.connect(place)
            return _secured(self._context, peer, self._identity, timeout_s)
        except (PermissionError, ssl.SSLCertVerificationError) as error:
            peer.close()
            raise Unavailable("notary-foreign", "another answers in the notary's place") from error
        except OSError:
            peer.close()
            raise


def identity(own: Path) -> Identity:
    """What a process was given to prove itself with, in its own folder.

    Raises:
        Unacceptable: `notary-tls-missing`, `notary-tls-exposed` or `notary-tls-malformed`.
    """
    folder = own / FOLDER
    if not is_complete(own):
        raise Unacceptable("notary-tls-missing", f"{own.name}/{FOLDER}/ lacks certificate or pins")
    lines = (folder / PEERS).read_text(encoding="utf-8", errors="replace").split()
    if stat.S_IMODE((folder / KEY).stat().st_mode) & 0o077:
        raise Unacceptable("notary-tls-exposed", f"others have rights to {own.name}/{FOLDER}/{KEY}")
    if not 0 < len(lines) <= _MOST_PINS or not all(map(_PIN.fullmatch, lines)):
        raise _malformed(f"{own.name}/{FOLDER}/{PEERS} holds lines sha256:<hex>")
    return Identity(folder, frozenset(lines))


def is_complete(own: Path) -> bool:
    """Whether a process has all that it needs in its own folder."""
    return all((own / FOLDER / name).is_file() for name in (AUTHORITY, CERTIFICATE, KEY, PEERS))


def ends_at(own: Path) -> datetime:
    """When this process's certificate, or its authority's, ends; the sooner.

    Raises:
        Unacceptable: `notary-tls-malformed`.
    """
    try:
        found = [
            x509.load_pem_x509_certificate((own / FOLDER / name).read_bytes())
            for name in (CERTIFICATE, AUTHORITY)
        ]
    except (OSError, ValueError) as error:
        raise _malformed(f"{own.name}/{FOLDER}/ holds no certificate") from error
    return min(each.not_valid_after_utc for each in found).astimezone(UTC)


def pin_of(certificate: bytes) -> str:
    """What pins a certificate: `sha256:<hex>` of its DER form."""
    return f"sha256:{hashlib.sha256(certificate).hexdigest()}"


def _place(address: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Family and numeric address of where the notary is.

    Raises:
        Unavailable: `notary-address-public`, or `notary-unavailable` for an unknown name.
    """
    host, port = split_address(address) or ("", 0)
    if is_number(host) and not is_near(host):
        raise _public()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable("notary-unavailable", "the notary's name isn't known") from error
    # All of a name's addresses are looked at: whichever were taken could be the stranger's.
    if not found or not all(is_near(str(place[0])) for *_, place in found):
        raise _public()
    family, *_, place = found[0]
    return family, (str(place[0]), int(place[1]))


def _secured(
    context: ssl.SSLContext,
    peer: socket.socket,
    own: Identity,
    timeout_s: float | None = None,
) -> ssl.SSLSocket:
    """The encrypted conversation; the plain socket is this function's and closed with a refusal."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    secured = context.wrap_socket(peer, server_side=context.protocol == ssl.PROTOCOL_TLS_SERVER)
    with ExitStack() as refusal:
        refusal.callback(secured.close)
        own.believe(secured)
        secured.settimeout(timeout_s)
        refusal.pop_all()
    return secured


def _public() -> Unavailable:
    return Unavailable("notary-address-public", "the notary's address is not a private one")


def _malformed(said: str) -> Unacceptable:
    return Unacceptable("notary-tls-malformed", said)
