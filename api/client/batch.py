"""What is to be deposited: each file read once, and named by what it is.

An object's id comes from the file's content and name, its subject, and the register that goes
with it, under the dataset's naming key. So the same file has the same id in every deposit, from
whatever machine or account, and the server can tell what it has without learning what it is.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from api.client.errors import ClientError
from api.client.folders import (
    CHANGED,
    GONE,
    TOO_LARGE,
    UNREADABLE,
    Found,
    LeftOut,
    open_regular,
    walk,
)
from api.client.manifest import MAX_NAME_CHARS, IntakeKey
from crypto.canonical import encode
from crypto.naming import object_id

MOST_BYTES: Final = 2**33 - 8
"""The longest file that a deposit takes: with its length before it, 8 GiB."""

_PIECE: Final = 2**20
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Source:
    """What is to be deposited, and about whom it is.

    Attributes:
        files: the regular files.
        register: values that must not be left in any of them.
        subjects: whom a file is about, by its name.
        subject: whom all others are about.
        left_out: what lies there and is not taken.
        again: a word of one's own, with which files that the dataset has are taken anew.
    """

    files: Sequence[Found]
    register: Sequence[Mapping[str, object]] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    subject: str | None = None
    left_out: Sequence[LeftOut] = ()
    again: str = ""

    @classmethod
    def of(
        cls,
        folder: Path,
        register: Sequence[Mapping[str, object]] = (),
        subjects: Mapping[str, str] | None = None,
        subject: str | None = None,
    ) -> "Source":
        """The regular files below a folder.

        Raises:
            ClientError: `nothing-to-deposit`.
        """
        left_out: list[LeftOut] = []
        files = list(walk(folder, left_out.append))
        if not files:
            raise ClientError("nothing-to-deposit", "the folder holds no regular file")
        return cls(files, register, subjects or {}, subject, left_out)

    def about(self, name: str) -> str | None:
        """The subject of a file, as far as the depositor says."""
        return self.subjects.get(name, self.subject)


@dataclass(frozen=True)
class Named:
    """One file as it was when it was read."""

    path: Path
    name: str
    subject: str | None
    size: int
    content_sha256: str
    object_id: str


class Namer:
    """Reads files and names them."""

    def __init__(self, source: Source, key: IntakeKey) -> None:
        if not key.naming:
            raise ClientError("naming-key-missing", "files can't be named without the naming key")
        self._source = source
        self._key = key
        self._register = sha256(encode([dict(row) for row in source.register])).hexdigest()
        self._seen: Counter[str] = Counter()

    def all(self, leave: Callable[[LeftOut], None], tell: Tell) -> Iterator[Named]:
        """Every file that can be read; `leave` is told of the others."""
        for found in self._source.files:
            named = self.one(found)
            if isinstance(named, LeftOut):
                leave(named)
                continue
            # Two names may look alike once written as text; their files must not.
            self._seen[named.object_id] += 1
            count = self._seen[named.object_id]
            yield named if count == 1 else self._numbered(named, count)
            tell(named.size)

    def one(self, found: Found) -> Named | LeftOut:
        """A file as it is now, or why it can't be taken."""
        try:
            digest, size, whole = _read(found.path)
        except FileNotFoundError:
            return LeftOut(found.name, GONE)
        except OSError:
            return LeftOut(found.name, UNREADABLE)
        if size > MOST_BYTES:
            return LeftOut(found.name, TOO_LARGE)
        if not whole:
            return LeftOut(found.name, CHANGED)
        subject = self._source.about(found.name)
        named = Named(found.path, found.name, subject, size, digest, "")
        return self._numbered(named, 1)

    def _numbered(self, named: Named, number: int) -> Named:
        words = {
            "dataset": self._key.dataset,
            "name": named.name[-MAX_NAME_CHARS:],
            "subject": named.subject,
            "sha256": named.content_sha256,
            "size": named.size,
            "register": self._register,
            "again": self._source.again,
            "number": number,
        }
        return replace(named, object_id=object_id(self._key.naming, words))


def _read(path: Path) -> tuple[str, int, bool]:
    """Digest and size of a file, and whether it had the same size from beginning to end."""
    opened, size = open_regular(path)
    hashed, left = sha256(), size
    with opened:
        while size <= MOST_BYTES and left and (piece := opened.read(min(left, _PIECE))):
            hashed.update(piece)
            left -= len(piece)
        whole = not left and not opened.read(1)
    return f"sha256:{hashed.hexdigest()}", size, whole
