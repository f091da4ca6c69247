"""A hospital's register as a deposit takes it along: read by the reader that `clean` uses, too."""

from dataclasses import asdict
from pathlib import Path

from sandbox.clean.register import read_register_file


def rows_of(path: Path) -> list[dict[str, object]]:
    """The rows of a register: UTF-8 CSV with the columns `id,name,id_number,mrn,phone`.

    Raises:
        Unacceptable: `register-unreadable`.
        Malformed: `register-malformed`; a line is told, no value.
        TooLarge: `register-too-large`.
    """
    return [asdict(row) for row in read_register_file(path).rows]
