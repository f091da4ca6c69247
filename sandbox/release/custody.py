"""How packages are kept and sealed: for inspection inside, and for the recipient outside.

- Under inspection: chunked ciphertext in the blobs; its key in the vault, and sealed to `serve`
  in the exchange. Context: the release and the request that it was built for.
- For the recipient: header || body, one file; the header carries the file key sealed by HPKE to
  the recipient's enrolled key. Header and body bind ledger, release and package digest, so that
  neither counts for another release.
"""

import secrets

from crypto import chunked
from crypto.canonical import encode
from crypto.sealing import seal_header
from sandbox.custody import translated

FILE_KEY_BYTES = 32
_DELIVERY = "anbiao-release-v1"
_INSPECTION = "anbiao-release-inspection-v1"


def inspection_context(ledger: str, release: str) -> bytes:
    """Context of a package under inspection."""
    return encode({"what": _INSPECTION, "ledger": ledger, "release": release})


def delivery_context(ledger: str, release: str, package: str) -> bytes:
    """Context and `info` of a package sealed to its recipient; `package` is its digest."""
    return encode({"what": _DELIVERY, "ledger": ledger, "release": release, "package": package})


def seal_for_inspection(key: bytes, ledger: str, release: str, data: bytes) -> bytes:
    """The package's ciphertext."""
    with translated():
        return chunked.seal(key, inspection_context(ledger, release), data)


def open_for_inspection(key: bytes, ledger: str, release: str, data: bytes) -> bytes:
    """The package.

    Raises:
        VerificationFailed: it is altered, or another release's.
    """
    with translated():
        return chunked.open_all(key, inspection_context(ledger, release), data)


def seal_for_recipient(public: bytes, context: bytes, data: bytes) -> bytes:
    """The package sealed to the recipient's key: header and body.

    Raises:
        VerificationFailed: the key is none.
    """
    key = secrets.token_bytes(FILE_KEY_BYTES)
    with translated():
        return seal_header(public, context, key) + chunked.seal(key, context, data)
