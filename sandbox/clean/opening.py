"""Opening what a hospital sealed, after checking everything that can be checked first.

1. The deposit's outer manifest is the one its depositor signed: verified in the log.
2. The inner manifest opens under the intake key, for this deposit, and names this deposit.
3. Header and body are those of the object's manifest row; the database row is not believed.
4. The body opens in its place only: dataset, object id and row are part of its context.
5. The content is the one whose digest and size the inner manifest promises (R18).

Every failure is a stable code; nothing of the content or its name stands in an error.

Memory: a body is read and checked in pieces. Content up to a limit is then held as a whole, once;
longer content passes all the same checks and is held nowhere.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, Final

from crypto import chunked, padding
from crypto.sealing import object_context
from policies.vocabulary import Action, Role
from sandbox.clean.inner_parts import inner_key_name, kept_inner
from sandbox.custody import translated
from sandbox.dataset_keys import DatasetKeys
from sandbox.deid.forms import Register
from sandbox.enclave import Enclave
from sandbox.errors import DigestMismatch, Malformed, NotFound, Unavailable, VerificationFailed
from sandbox.exchange import header_name
from sandbox.manifests import (
    MAX_INNER_BYTES,
    InnerManifest,
    ObjectRow,
    OuterManifest,
    parse_inner,
    parse_outer,
)
from sandbox.records.deposits import Deposit, Item

DEPOSITING = (Role.DEPOSITOR, Role.STEWARD)
MOST_BYTES: Final = 512 * 2**20
_KEPT_DEPOSITS: Final = 4
_PIECE: Final = 2**20


@dataclass(frozen=True)
class OpenedDeposit:
    """Both parts of a deposit's manifest, verified."""

    outer: OuterManifest
    inner: InnerManifest


@dataclass(frozen=True)
class OpenedItem:
    """The content of one item, and what its hospital says of it.

    `unread` content is longer than the limit: it is the promised one, and `data` is empty.
    """

    data: bytes
    unread: bool
    name: str
    subject: str | None
    register: Register
    file_key: bytes


@dataclass(frozen=True)
class Content:
    """What was sealed; `data` is None where it is longer than what may be held."""

    size: int
    sha256: str
    data: bytes | None


class Opener:
    """Opens deposits and items; keeps the last few deposits' manifests."""

    def __init__(self, enclave: Enclave, most_bytes: int = MOST_BYTES) -> None:
        self._enclave = enclave
        self._most_bytes = most_bytes
        self._opened: OrderedDict[tuple[str, str], OpenedDeposit] = OrderedDict()

    def item(self, ledger: str, item: Item, deposit: Deposit) -> OpenedItem:
        """The content of a sealed item.

        Raises:
            InputError: the manifest is not in its form, or the content is not the promised one.
            CustodyError: a signature, seal, tag or digest is wrong, or a key was destroyed.
            Unavailable: a store can't be read now.
        """
        opened = self.deposit(ledger, deposit)
        row = opened.outer.row(item.object_id)
        file = opened.inner.files.get(item.object_id)
        if row is None or file is None or item.dataset != opened.outer.dataset:
            raise Malformed("manifest-mismatch", "the manifest does not list the object")
        key = self._file_key(ledger, opened.outer, row, f"source:{item.id}")
        content = self._content(opened.outer.dataset, row, key, self._most_bytes)
        if (content.size, content.sha256) != (file.size, file.sha256):
            raise DigestMismatch("digest-mismatch", "the content is not the one promised")
        unread = content.data is None
        return OpenedItem(
            content.data or b"", unread, file.name, file.subject, opened.inner.register, key
        )

    def deposit(self, ledger: str, deposit: Deposit) -> OpenedDeposit:
        """Both parts of a deposit's manifest.

        Raises:
            InputError: a part is not in its form, or names another deposit.
            CustodyError: signature, seal, tag or digest is wrong, or the key was destroyed.
        """
        found = self._opened.get((ledger, deposit.id))
        if found is None:
            found = self._open_deposit(ledger, deposit)
            self._opened[ledger, deposit.id] = found
            while len(self._opened) > _KEPT_DEPOSITS:
                self._opened.popitem(last=False)
        return found

    def lose(self, ledger: str, deposit: str) -> None:
        """Open a deposit's manifest anew the next time."""
        self._opened.pop((ledger, deposit), None)

    def _open_deposit(self, ledger: str, deposit: Deposit) -> OpenedDeposit:
        self._check_signed(ledger, deposit)
        outer = parse_outer(deposit.manifest)
        if (outer.ledger, outer.dataset, outer.deposit) != (ledger, deposit.dataset, deposit.id):
            raise Malformed("manifest-mismatch", "the manifest names another deposit")
        keys = self._keys(ledger, outer.dataset)
        kept = kept_inner(keys, deposit.id, self._enclave.blobs)
        if kept is not None:
            return OpenedDeposit(outer, kept)
        name = inner_key_name(deposit.id)
        key = self._file_key(ledger, outer, outer.inner, name)
        content = self._content(outer.dataset, outer.inner, key, MAX_INNER_BYTES)
        inner = parse_inner(content.data or b"")
        if (inner.dataset, inner.deposit) != (outer.dataset, outer.deposit):
            raise Malformed("manifest-mismatch", "the inner manifest names another deposit")
        keys.taken(name, key)
        # From here the vault alone opens it, and an erasure there is an erasure.
        self._enclave.exchange.destroy(header_name(ledger, deposit.id, deposit.id))
        return OpenedDeposit(outer, inner)

    def _check_signed(self, ledger: str, deposit: Deposit) -> None:
        # A past that does not verify at all is no fault of the item: that goes up as it is.
        history = self._enclave.history(ledger)
        try:
            entry = history.signed_act(deposit.opened_index, Action.DEPOSIT_OPEN, DEPOSITING)
        except VerificationFailed as error:
            raise VerificationFailed("manifest-not-signed", error.code) from error
        signed = entry["signed"]
        digest = f"sha256:{sha256(deposit.manifest).hexdigest()}"
        objects = {"dataset": deposit.dataset, "deposit": deposit.id}
        if signed["terms"].get("manifest") != digest or signed["objects"] != objects:
            raise VerificationFailed("manifest-not-signed", "another manifest was signed")

    def _file_key(self, ledger: str, outer: OuterManifest, row: ObjectRow, name: str) -> bytes:
        keys = self._keys(ledger, outer.dataset)
        if keys.has(name):
            return keys.key(name)
        header = self._enclave.exchange.get(header_name(ledger, outer.deposit, row.object_id))
        if header is None:
            raise VerificationFailed("header-missing", "the object's header is not there")
        if f"sha256:{sha256(header).hexdigest()}" != row.header_sha256:
            raise VerificationFailed("header-altered", "the header is not the one announced")
        return self._enclave.vault.open_header(
            ledger, outer.dataset, outer.deposit, outer.intake_key, header
        )

    def _content(self, dataset: str, row: ObjectRow, key: bytes, most: int) -> Content:
        blob = row.body_sha256.removeprefix("sha256:")
        try:
            body = self._enclave.blobs.open(blob)
        except NotFound as error:
            raise VerificationFailed("source-missing", "the sealed object is not there") from error
        with body:
            size = _checked_size(body, blob)
            digest = f"sha256:{sha256(row.head).hexdigest()}"
            context = object_context(dataset, row.object_id, digest)
            with translated():
                reader = chunked.Reader(body, size, key, context)
                if reader.size != row.padded_size:
                    raise VerificationFailed("length-invalid")
                return _unpadded(reader, most)

    def _keys(self, ledger: str, dataset: str) -> DatasetKeys:
        return self._enclave.vault.keys(ledger, dataset)


def _checked_size(body: BinaryIO, blob: str) -> int:
    """Octets of a blob, once all of them are those of its digest."""
    hashed, size = sha256(), 0
    try:
        while piece := body.read(_PIECE):
            hashed.update(piece)
            size += len(piece)
    except OSError as error:
        raise Unavailable("blob-store-unavailable", "the blob can't be read") from error
    if hashed.hexdigest() != blob:
        raise VerificationFailed("blob-altered", f"blob {blob} was altered")
    return size


def _unpadded(reader: chunked.Reader, most: int) -> Content:
    """The content of a padded message; every chunk of it is authenticated."""
    size = padding.content_size(reader.read_at(0, padding.PREFIX_SIZE), reader.size)
    stop = padding.PREFIX_SIZE + size
    for at in range(stop, reader.size, _PIECE):
        rest = reader.read_at(at, _PIECE)
        if rest.count(0) != len(rest):
            # A second form of the same content, and a place to hide something.
            raise VerificationFailed("padding-invalid")
    if size <= most:
        data = reader.read_at(padding.PREFIX_SIZE, size)
        return Content(size, f"sha256:{sha256(data).hexdigest()}", data)
    hashed = sha256()
    for at in range(padding.PREFIX_SIZE, stop, _PIECE):
        hashed.update(reader.read_at(at, min(_PIECE, stop - at)))
    return Content(size, f"sha256:{hashed.hexdigest()}", None)
