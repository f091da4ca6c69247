"""Rows and the port through which rooms keep them; no database is named here.

- A row is a frozen dataclass whose first field is its key, a `str`.
- Field types: `str`, `int`, `bool`, `bytes`, aware `datetime`, a `StrEnum`, `tuple[str, ...]`,
  and each of them or None. Storage turns a row type into a table by reading its fields.
- `INDEXED` and `UNIQUE` (class variables: tuples of field names, `UNIQUE` a tuple of tuples)
  say what storage may look up fast and what it must keep single.
- Rooms read and write rows; only the gate commits.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from sandbox.records.imprint import Written


@runtime_checkable
class Row(Protocol):
    """A frozen dataclass whose first field is its key."""

    __dataclass_fields__: ClassVar[dict[str, Any]]  # what makes a class a dataclass

    @property
    def id(self) -> str:
        """The key."""
        ...


R = TypeVar("R", bound=Row)


class Records(Protocol[R]):
    """All rows of one type in one ledger."""

    def get(self, key: str) -> R | None:
        """The row, or None."""
        ...

    def require(self, key: str) -> R:
        """The row.

        Raises:
            NotFound: there is none.
        """
        ...

    def insert(self, row: R) -> None:
        """Add a row.

        Raises:
            Conflict: its key or a unique combination is taken.
        """
        ...

    def replace(self, row: R) -> None:
        """Put `row` in the place of the one with the same key.

        Raises:
            NotFound: there is none.
            Conflict: a unique combination is taken.
        """
        ...

    def find(
        self, *, after: str | None = None, limit: int | None = None, **equal: object
    ) -> Sequence[R]:
        """Rows whose fields equal `equal`, in the order of their keys, from behind `after`."""
        ...

    def count(self, **equal: object) -> int:
        """How many rows `find` would give."""
        ...


class Tables(Protocol):
    """Everything one ledger keeps, inside a unit of work or a read-only snapshot."""

    @property
    def ledger(self) -> str:
        """Id of the ledger; `platform` for the platform's own."""
        ...

    def of(self, row_type: type[R]) -> Records[R]:
        """The rows of a type."""
        ...

    def entry(self, index: int) -> bytes:
        """The entry at `index`, exact bytes; this unit's own appended entries are found too.

        Raises:
            NotFound: there is none.
        """
        ...

    def size(self) -> int:
        """How many entries the ledger has, those of this unit not counted."""
        ...


class Unit(Protocol):
    """A unit of work: what is done in it becomes durable as a whole, or not at all."""

    @property
    def tables(self) -> Tables:
        """What the ledger keeps, with this unit's own changes."""
        ...

    def attempt(self) -> AbstractContextManager[None]:
        """A savepoint: when the body raises, its rows and entries are undone, the rest stays."""
        ...

    @property
    def written(self) -> Sequence[Written]:
        """Rows that were inserted or replaced since the last `append`, in that order."""
        ...

    def append(self, index: int, entry: bytes, leaf_hash: bytes, imprint: bytes = b"") -> None:
        """Add the entry at `index`, with its act's imprint; written as late as `commit`, maybe.

        Raises:
            Conflict: `index` is not the next one.
        """
        ...

    def commit(self) -> None:
        """Make everything durable; once, as the last thing done in the unit.

        Raises:
            LedgerUnavailable: it could not be made durable, so nothing was done.
        """
        ...


class LedgerStore(Protocol):
    """One ledger: its rows and its entries. May be shared by threads and by processes."""

    @property
    def ledger(self) -> str:
        """Id of the ledger; `platform` for the platform's own."""
        ...

    def unit(self) -> AbstractContextManager[Unit]:
        """A unit of work; it holds the ledger's write lock, and is undone unless committed.

        Raises:
            LedgerUnavailable: the write lock was not to be had in time, or the store fails.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Tables]:
        """What was committed by now, unmoved by later commits; writing to it is refused."""
        ...

    def size(self) -> int:
        """How many entries are committed."""
        ...

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Committed entries `start` <= index < `stop`, as far as there are any."""
        ...

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Leaf hashes of the committed entries `start` <= index < `stop`."""
        ...


class Ledgers(Protocol):
    """All ledgers of this house."""

    def open(self, ledger: str) -> LedgerStore:
        """The store of an existing ledger; the same object for the same id.

        Raises:
            NotFound: there is none.
        """
        ...

    def create(self, ledger: str) -> LedgerStore:
        """The store of a ledger, made when there is none yet.

        Raises:
            NotFound: `ledger` is neither `platform` nor 32 lowercase hex digits.
        """
        ...

    def names(self) -> list[str]:
        """Ids of all ledgers, sorted."""
        ...

    def close(self) -> None:
        """Let go of files and connections; stores opened here are not used afterwards."""
        ...


class BlobWriter(Protocol):
    """A ciphertext on its way into the store; without `commit` nothing of it stays."""

    def write(self, data: bytes, /) -> int:
        """Take the next bytes.

        Raises:
            Unavailable: they can't be kept (disk full, say).
        """
        ...

    def commit(self) -> str:
        """Make the blob durable and return its SHA-256, 64 hex digits without a prefix.

        Raises:
            Unavailable: it could not be made durable; nobody may rely on it.
        """
        ...

    def abort(self) -> None:
        """Drop what was written; harmless after `commit` or a second time."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...


class BlobBatch(Protocol):
    """Ciphertexts that become durable together; without `commit` nothing of them stays."""

    def writer(self) -> BlobWriter:
        """A writer for one more; it is not committed by itself.

        Raises:
            Unavailable: no more can be kept.
        """
        ...

    def commit(self) -> list[str]:
        """Make all durable and return their digests, in the order of their writers.

        Raises:
            Unavailable: not all of them could be made durable; nobody may rely on any.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...


class BlobStore(Protocol):
    """Ciphertexts by the SHA-256 of their bytes: 64 lowercase hex digits without a prefix."""

    def writer(self) -> BlobWriter:
        """A writer for one blob of any size."""
        ...

    def batch(self) -> BlobBatch:
        """Writers for blobs that end together."""
        ...

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest; keeping it twice is once.

        Raises:
            Unavailable: it could not be made durable.
        """
        ...

    def open(self, digest: str) -> BinaryIO:
        """The blob as a seekable file, **not** re-hashed: for authenticated chunks only.

        Raises:
            NotFound: there is none.
        """
        ...

    def read(self, digest: str) -> bytes:
        """The whole blob, hashed again.

        Raises:
            NotFound: there is none.
            VerificationFailed: its bytes are not those of its digest (`blob-altered`).
        """
        ...

    def size(self, digest: str) -> int:
        """Length in bytes.

        Raises:
            NotFound: there is none.
        """
        ...

    def exists(self, digest: str) -> bool:
        """Whether there is such a blob."""
        ...

    def delete(self, digest: str) -> None:
        """Remove the blob; harmless when there is none."""
        ...

    def digests(self) -> Iterator[str]:
        """Digests of all blobs, sorted."""
        ...
