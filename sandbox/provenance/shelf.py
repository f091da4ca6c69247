"""Published decision tables: one file each, named by the SHA-256 of its bytes.

Whoever replays a verdict, and whoever rules by a table that is another program's, takes the bytes
for nothing but their digest. The rows a table is made of stand beside it: a plain text for people,
from which `doctor` tells whether this program still makes the same table of them.
"""

from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from policies.changes import Policy


class TableShelf:
    """A folder of tables; processes of several users may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, policy: Policy) -> None:
        """Publish a policy's table and rows, unless they are there."""
        name = policy.table.digest.removeprefix("sha256:")
        self._keep(f"{name}.rows", policy.document)
        self._keep(f"{name}.json", policy.table.encoded)

    def table(self, digest: str) -> bytes | None:
        """The bytes of a published table; None when it is not there or not itself."""
        found = self._found(f"{digest.removeprefix('sha256:')}.json")
        return found if found and f"sha256:{sha256(found).hexdigest()}" == digest else None

    def rows(self, digest: str) -> bytes | None:
        """The document of rows that a table was made of, as far as it was published."""
        return self._found(f"{digest.removeprefix('sha256:')}.rows")

    def _found(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def _keep(self, name: str, content: bytes) -> None:
        path = self._folder / name
        if path.exists():  # by another process, under its own user
            return
        beside = path.with_name(f".{token_hex(8)}.new")
        beside.write_bytes(content)
        beside.replace(path)
