"""Rows and the port through which rooms keep them; no database is named here.

- A row is a frozen dataclass whose first field is its key, a `str`.
- Field types: `str`, `int`, `bool`, `bytes`, aware `datetime`, a `StrEnum`, `tuple[str, ...]`,
  and each of them or None. Storage turns a row type into a table by reading its fields.
- `INDEXED` and `UNIQUE` (class variables: tuples of field names, `UNIQUE` a tuple of tuples)
  say what storage may look up fast and what it must keep single.
- Rooms read and write rows; only the gate commits.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable


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
        """The entry at `index`, exact bytes.

        Raises:
            NotFound: there is none.
        """
        ...

    def size(self) -> int:
        """How many entries the ledger has, those of this unit not counted."""
        ...
