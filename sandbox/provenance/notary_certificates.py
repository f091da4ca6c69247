"""Makes the certificates of a notary on another machine, and the authority they come from.

The authority lives as long as this call: its private key is never written and signs nothing else.
New certificates come from a new authority, for all processes at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.layout import Process
from sandbox.provenance.notary_tls import AUTHORITY, CERTIFICATE, KEY, PEERS, pin_of

_SLACK: Final = timedelta(hours=1)
"""How far the clocks of two machines may differ at the beginning."""


@dataclass(frozen=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pin(self) -> str:
        return pin_of(self.certificate.public_bytes(serialization.Encoding.DER))


def make(now: datetime, lasting: timedelta) -> Mapping[Process, Mapping[str, bytes]]:
    """The files that each process gets, by name: authority, certificate, key, pinned peers."""
    authority = _issued("anbiao notary authority", now, lasting, None)
    made = {one: _issued(f"anbiao {one}", now, lasting, authority, one) for one in Process}
    clients = [one for one in Process if one != Process.NOTARY]
    return {
        one: {
            AUTHORITY: authority.certificate.public_bytes(serialization.Encoding.PEM),
            CERTIFICATE: made[one].certificate.public_bytes(serialization.Encoding.PEM),
            KEY: made[one].key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            PEERS: "".join(
                f"{made[peer].pin}\n"
                for peer in (clients if one == Process.NOTARY else [Process.NOTARY])
            ).encode(),
        }
        for one in Process
    }


def _issued(
    name: str,
    now: datetime,
    lasting: timedelta,
    authority: _Issued | None,
    process: Process | None = None,
) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = authority.key if authority else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + lasting)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(_usage(signs=authority is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if process is not None:
        listens = process == Process.NOTARY
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if listens else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    return _Issued(builder.sign(signer, hashes.SHA256()), key)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
