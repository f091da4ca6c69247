"""A hospital's register as a deposit takes it along: read by the reader that `clean` uses, too."""

from dataclasses import asdict
from pathlib import Path

from sandbox.clean.register import MAX_BYTES, read_register
from sandbox.errors import Malformed, TooLarge
from sandbox.manifests import MAX_NAME_CHARS


def rows_of(path: Path) -> list[dict[str, object]]:
    """The rows of a register: UTF-8 CSV with the columns `id,name,id_number,mrn,phone`.

    Raises:
        Malformed: `register-malformed`; a line is told, no value.
        TooLarge: `register-too-large`.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Malformed("register-malformed", "the register can't be read") from error
    if len(octets) > MAX_BYTES:
        raise TooLarge("register-too-large", "the register is over its limit")
    rows = [asdict(row) for row in read_register(octets).rows]
    if any(len(value or "") > MAX_NAME_CHARS for row in rows for value in row.values()):
        raise TooLarge("register-too-large", "a value of the register is over its limit")
    return rows
