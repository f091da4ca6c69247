"""A time-stamp authority of OpenSSL's own, and a real HTTP door before it."""

import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384
accuracy = secs:1
ess_cert_id_alg = {ess}
"""


RSA = rsa.generate_private_key(65537, 2048)


def openssl(*words: object, given: bytes | None = None) -> bytes:
    done = subprocess.run(
        ["openssl", *map(str, words)], input=given, capture_output=True, check=True
    )
    return done.stdout


class Authority:
    """`openssl ts -reply` under a key and certificate of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        kind: str = "rsa",
        uses: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.TIME_STAMPING,),
        critical: bool = True,
        since: timedelta = timedelta(days=1),
        ess: str = "sha256",
    ) -> None:
        folder.mkdir()
        self.folder, self.certificate = folder, folder / "tsa.pem"
        self.key = folder / "tsa.key"
        self.config = folder / "tsa.cnf"
        self.config.write_text(CONFIG.format(folder=folder, ess=ess))
        (folder / "serial").write_text("01\n")
        key = RSA if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
        plain = serialization.NoEncryption()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self.key.write_bytes(key.private_bytes(pem, pkcs8, plain))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        start = datetime.now(UTC) - since
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=2))
            .add_extension(x509.ExtendedKeyUsage(uses), critical=critical)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(made.public_bytes(pem))

    def sign(self, info: bytes) -> bytes:
        """A token over whatever TSTInfo, by a tool that doesn't ask what the key is for."""
        (self.folder / "info").write_bytes(info)
        return openssl(
            *(
                "cms",
                "-sign",
                "-cades",
                "-nodetach",
                "-binary",
                "-nosmimecap",
                "-nocerts",
                "-md",
                "sha256",
            ),
            *("-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", self.folder / "info"),
            *("-signer", self.certificate, "-inkey", self.key, "-outform", "DER"),
        )

    def answer(self, query: bytes) -> bytes:
        path = self.folder / "query"
        path.write_bytes(query)
        words = ("-inkey", self.key, "-signer", self.certificate)
        return openssl("ts", "-reply", "-config", self.config, "-queryfile", path, *words)


class Door:
    """Where an authority is asked; `change` is done to each answer."""

    def __init__(self, authority: Authority) -> None:
        door = self
        self.change = lambda octets: octets
        self.asked: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                door.asked.append(query)
                octets = door.change(authority.answer(query))
                self.send_response(200)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tsr"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
