"""The witness's HTTP door: one POST, and a GET of the last head.

TLS, or an address of this machine alone. A body is read only when its length is told and small;
who is slow is let go.
"""

import logging
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from api.witness.answers import Answer, Witness
from crypto.addcheckpoint import MAX_BYTES, PATH

TIMEOUT_S: Final = 20.0
MOST_AT_ONCE: Final = 64
_HEADS: Final = "/log/"
_HEAD: Final = "/checkpoint"
_log = logging.getLogger("anbiao.witness")


class _Server(ThreadingHTTPServer):
    """Threads that end with the process, so many at once and no more."""

    daemon_threads = True
    request_queue_size = MOST_AT_ONCE

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        self.witness = witness
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # Any: as its parent
        """As soon as there is room."""
        self._room.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # Any: as above
        """One connection, to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # Any: as its parent
        """A peer that went away or spoke no TLS: nothing to tell, and no traceback."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "anbiao-witness"
    sys_version = ""
    timeout = TIMEOUT_S

    def do_POST(self) -> None:
        """`add-checkpoint`, and nothing else."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or int(length) > MAX_BYTES:
            self.close_connection = True
            self._say(Answer(413 if length else 411, "length-refused\n"))
            return
        octets = self.rfile.read(int(length))
        if self.path != PATH:
            self._say(Answer(404, "no-such-path\n"))
            return
        try:
            answer = self.server.witness.add_checkpoint(octets)
        except Exception as error:  # noqa: BLE001 - the edge of the process: nothing was cosigned
            _log.error("no answer: %s", type(error).__qualname__)
            answer = Answer(500, "internal-error\n")
        self._say(answer)

    def do_GET(self) -> None:
        """The last cosigned head of a log: `/log/<origin, percent-encoded>/checkpoint`."""
        name = self.path.removeprefix(_HEADS).removesuffix(_HEAD)
        if self.path != f"{_HEADS}{name}{_HEAD}":
            self._say(Answer(404, "no-such-path\n"))
            return
        self._say(self.server.witness.checkpoint(unquote(name)))

    def log_message(self, *_args: object) -> None:
        """Who asked is nobody's business here."""

    def _say(self, answer: Answer) -> None:
        octets = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(octets)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(octets)


def serving(
    witness: Witness, host: str, port: int, tls: tuple[Path, Path] | None
) -> ThreadingHTTPServer:
    """A server that listens already; `tls` is the certificate chain and its private key.

    Raises:
        OSError: the address is taken, or a file of `tls` can't be read.
    """
    server = _Server((host, port), witness)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(*tls)
        except OSError:
            server.server_close()
            raise
        # The handshake is the connection's own thread's: one that stalls holds up nobody.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server
