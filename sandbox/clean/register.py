"""Reads a hospital's register: UTF-8 CSV with the columns `id,name,id_number,mrn,phone`.

Messages name a line, never a value.
"""

import csv
import io
from pathlib import Path

from sandbox.deid.forms import Register, RegisterRow
from sandbox.errors import Malformed, TooLarge, Unacceptable

COLUMNS = ("id", "name", "id_number", "mrn", "phone")
MAX_BYTES = 1 << 27


def read_register_file(file: Path) -> Register:
    """The register in a CSV file.

    Raises:
        Unacceptable: `register-unreadable`.
        TooLarge: `register-too-large`.
        Malformed: what `read_register` raises.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError:
        raise Unacceptable("register-unreadable", "The register can't be read.") from None
    if len(data) > MAX_BYTES:
        raise TooLarge("register-too-large", "The register is larger than 128 MiB.")
    return read_register(data)


def read_register(data: bytes) -> Register:
    """The register in a CSV file's bytes.

    Raises:
        Malformed: `register-malformed`: not UTF-8, other columns, a row of another length,
            without an id, or with an id or a record number that another row has.
    """
    try:
        text = data.decode("utf_8_sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Malformed("register-malformed", "The register is no UTF-8 CSV.") from None
    if not lines or sorted(map(str.strip, lines[0])) != sorted(COLUMNS):
        raise Malformed("register-malformed", "The columns are " + ",".join(COLUMNS) + ".")
    header = [column.strip() for column in lines[0]]
    rows: dict[str, RegisterRow] = {}
    numbers: set[str] = set()
    for number, line in enumerate(lines[1:], start=2):
        row = _row(header, line)
        if row is not None and row.id in rows:
            raise Malformed("register-malformed", f"Line {number} repeats an id.")
        if row is None and line:
            raise Malformed("register-malformed", f"Line {number} has no id or another length.")
        if row is not None and row.mrn in numbers:
            # Two subjects of one number would share a pseudonym, or an image get the wrong one.
            raise Malformed("register-malformed", f"Line {number} repeats a record number.")
        if row is not None:
            rows[row.id] = row
            numbers.update({row.mrn} if row.mrn else ())
    return Register(tuple(rows.values()))


def _row(header: list[str], line: list[str]) -> RegisterRow | None:
    if len(line) != len(header):
        return None
    values = {column: value.strip() or None for column, value in zip(header, line, strict=True)}
    subject = values.pop("id")
    return RegisterRow(subject, **values) if subject else None
