"""Words planted in the input, and the search for them in whatever form they might lie about."""

import base64
import io
import json
import urllib.parse
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LATIN = "Quwozyx"
CHINESE = "宓旻翀"
ID_NUMBER = "370102197705238812"
MRN = "MX88417702"
PHONE = "13864107239"
FILE_NAME = "Vykkoreth"
CANARIES = (LATIN, CHINESE, ID_NUMBER, MRN, PHONE, FILE_NAME)


def forms(word: str) -> frozenset[bytes]:
    """Every way of writing a word that a careless program might leave."""
    found = set()
    for spelled in {word, word.upper(), word.lower()}:
        found |= {spelled.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")}
        found.add(json.dumps(spelled)[1:-1].encode())
        found.add(urllib.parse.quote(spelled).encode())
    for octets in tuple(found):
        found |= {octets.hex().encode(), octets.hex().upper().encode(), *_base64_forms(octets)}
    return frozenset(found)


def _base64_forms(octets: bytes) -> Iterator[bytes]:
    """What of the octets does not depend on their neighbours, at each of three alignments."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + octets)
        start = (0, 2, 3)[before]
        rest = (before + len(octets)) % 3
        yield text[start : len(text) - (0, 3, 2)[rest]]


@dataclass
class Search:
    """Looks for all canaries in octets and remembers where they were found."""

    wanted: dict[str, frozenset[bytes]] = field(
        default_factory=lambda: {word: forms(word) for word in CANARIES}
    )
    found: list[tuple[str, str]] = field(default_factory=list)
    looked_at: int = 0

    def octets(self, where: str, octets: bytes) -> None:
        self.looked_at += 1
        for word, written in self.wanted.items():
            if any(form in octets for form in written):
                self.found.append((where, word))
        if octets.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(octets)) as archive:
                for name in archive.namelist():
                    self.octets(f"{where}!{name}", archive.read(name))

    def below(self, folder: Path, *, but: Path | None = None) -> None:
        """Every file below a folder, its name too; not what lies below `but`."""
        for path in sorted(folder.rglob("*")):
            if but is not None and path.is_relative_to(but):
                continue
            self.octets(f"name of {path}", str(path.relative_to(folder)).encode())
            if path.is_file():
                self.octets(str(path), path.read_bytes())
