"""A deposit's inner part after somebody in it was erased: kept anew, without that person.

The inner part names subjects and holds the hospital's register. It was sealed by the hospital as a
whole, so nothing can be cut out of it: the worker keeps what stays under a key of its own, and
destroys the part that came. From then on the vault's key says which version counts, and its digest
stands in the vault, too: no row and no blob can bring another one.
"""

import re
from dataclasses import dataclass
from typing import Final

from crypto import chunked
from crypto.canonical import encode
from sandbox.custody import translated
from sandbox.dataset_keys import DatasetKeys
from sandbox.errors import VerificationFailed
from sandbox.manifests import InnerManifest, inner_bytes, parse_inner
from sandbox.records.port import BlobStore

_VERSION: Final = re.compile(r":([0-9]{6})$")


def inner_key_name(deposit: str) -> str:
    """Name of the key of the inner part as it came."""
    return f"inner:{deposit}"


def kept_inner(keys: DatasetKeys, deposit: str, blobs: BlobStore) -> InnerManifest | None:
    """What is kept of an inner part; None while the one that came counts.

    Raises:
        KeyDestroyed: the dataset was erased.
        VerificationFailed: what is kept was altered, or is not there.
    """
    version = _newest(keys, deposit)
    if version is None:
        return None
    named = _names(deposit, version)
    blob = keys.key(named.blob).hex()
    with translated():
        content = chunked.open_all(
            keys.key(named.key), _context(deposit, version), blobs.read(blob)
        )
    return parse_inner(content)


def prepare_inner(keys: DatasetKeys, deposit: str, inner: InnerManifest, blobs: BlobStore) -> str:
    """Keep `inner` as what will count next; the blob's digest. Nothing counts otherwise yet."""
    version = (_newest(keys, deposit) or 0) + 1
    named = _names(deposit, version)
    with translated():
        context = _context(deposit, version)
        return blobs.put(chunked.seal(keys.made(named.key), context, inner_bytes(inner)))


def adopt_inner(keys: DatasetKeys, deposit: str, blob: str, blobs: BlobStore) -> None:
    """Have what was prepared count, and destroy what counted before. May be repeated.

    A row must name the blob by now: from here on it is all that there is.
    """
    version = _newest(keys, deposit)
    if version is None or keys.key(_names(deposit, version).blob).hex() != blob:
        version = (version or 0) + 1
        keys.taken(_names(deposit, version).blob, bytes.fromhex(blob))
    keys.destroy(inner_key_name(deposit))
    for old in range(1, version):
        former = _names(deposit, old)
        if keys.has(former.blob):
            blobs.delete(keys.key(former.blob).hex())
        keys.destroy(former.key)
        keys.destroy(former.blob)


@dataclass(frozen=True)
class _Named:
    """Names of one version's key and of the digest of its blob, which the vault keeps like one."""

    key: str
    blob: str


def _names(deposit: str, version: int) -> _Named:
    return _Named(f"inner-kept:{deposit}:{version:06d}", f"inner-blob:{deposit}:{version:06d}")


def _newest(keys: DatasetKeys, deposit: str) -> int | None:
    found = keys.latest(f"inner-blob:{deposit}:")
    if found is None:
        return None
    number = _VERSION.search(found)
    if number is None:
        raise VerificationFailed("manifest-malformed", "no version of an inner part")
    return int(number[1])


def _context(deposit: str, version: int) -> bytes:
    return encode({"what": "anbiao-inner-kept-v1", "deposit": deposit, "version": version})
