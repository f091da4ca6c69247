"""What the demo's hospital deposits: files of real scanners, and the example reports.

DICOM comes from pydicom's own distribution; reports and register from `examples/`. The user's own
folder takes their place when one is given.
"""

import importlib.util
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.client.errors import ClientError
from api.client.folders import walk

Register = Sequence[Mapping[str, object]]
EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
_DICOM: Final = ("test_files/*.dcm", "charset_files/*.dcm", "test_files/dicomdirtests/*/*/*")


@dataclass(frozen=True)
class Material:
    """The folder to deposit, the register's rows that go with it, how many files and bytes."""

    folder: Path
    register: Register
    files: int
    size_bytes: int


def given(folder: Path, register: Register = ()) -> Material:
    """The user's own folder; a `register.csv` beside or in it is not looked for.

    Raises:
        ClientError: `input-missing`: no file is in it.
    """
    return _counted(folder, register)


def gathered(target: Path, register: Register) -> Material:
    """The demo's own files, copied into `target`.

    Raises:
        ClientError: `input-missing`.
    """
    target.mkdir(mode=0o700, parents=True)
    for source, name in _examples():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return _counted(target, register)


def _examples() -> Iterator[tuple[Path, str]]:
    found = importlib.util.find_spec("pydicom")
    if found is None or found.origin is None:
        raise ClientError("input-missing", "pydicom is not installed")
    shipped = Path(found.origin).parent / "data"
    for pattern in _DICOM:
        for path in sorted(shipped.glob(pattern)):
            if path.is_file():
                yield path, f"scans/{path.relative_to(shipped).as_posix()}"
    for path in sorted((EXAMPLES / "reports").glob("*.txt")):
        yield path, f"reports/{path.name}"


def _counted(folder: Path, register: Register) -> Material:
    # As the deposit finds them: links are not followed, and odd things are not taken.
    sizes = [found.path.lstat().st_size for found in walk(folder)]
    if not sizes:
        raise ClientError("input-missing", "there is no file to deposit")
    return Material(folder, register, len(sizes), sum(sizes))
