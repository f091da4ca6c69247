"""Reads a hospital's register: UTF-8 CSV with the columns `id,name,id_number,mrn,phone`.

The one reader: of `clean`, of a deposit and of the demo, with the same limits. They are those of a
deposit's manifest, so that whatever cleans a folder offline can be deposited, too. Messages name
a line, never a value.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from sandbox.deid.forms import MAX_REGISTER_CHARS, MAX_REGISTER_ROWS, Register, RegisterRow
from sandbox.errors import Malformed, TooLarge, Unacceptable

COLUMNS = ("id", "name", "id_number", "mrn", "phone")
MAX_BYTES = 1 << 26
"""What a manifest's inner part may hold."""


def read_register_file(file: Path) -> Register:
    """The register in a CSV file.

    Raises:
        Unacceptable: `register-unreadable`.
        TooLarge: what `read_register` raises.
        Malformed: what `read_register` raises.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError:
        raise Unacceptable("register-unreadable", "The register can't be read.") from None
    return read_register(data)


def read_register(data: bytes) -> Register:
    """The register in a CSV file's bytes.

    Raises:
        TooLarge: `register-too-large`: over 64 MiB, 500,000 rows, or 1,024 characters of a value.
        Malformed: `register-malformed`: not UTF-8, other columns, a row of another length,
            without an id, or with an id or a record number that another row has.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge("register-too-large", f"The register is larger than {MAX_BYTES >> 20} MiB.")
    try:
        return Register(tuple(_rows(data.decode("utf_8_sig"))))
    except (UnicodeDecodeError, csv.Error):
        raise Malformed("register-malformed", "The register is no UTF-8 CSV.") from None


def _rows(text: str) -> Iterator[RegisterRow]:
    """Row by row, so that one too many is noticed before the rest is made."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [column.strip() for column in next(lines, [])]
    if sorted(header) != sorted(COLUMNS):
        raise Malformed("register-malformed", "The columns are " + ",".join(COLUMNS) + ".")
    ids: set[str] = set()
    numbers: set[str] = set()
    for line in filter(None, lines):
        number = lines.line_num
        row = _row(header, line, number)
        if row.id in ids:
            raise Malformed("register-malformed", f"Line {number} repeats an id.")
        if row.mrn in numbers:
            # Two subjects of one number would share a pseudonym, or an image get the wrong one.
            raise Malformed("register-malformed", f"Line {number} repeats a record number.")
        if len(ids) == MAX_REGISTER_ROWS:
            raise TooLarge("register-too-large", f"It has more than {MAX_REGISTER_ROWS:,} rows.")
        ids.add(row.id)
        numbers.update({row.mrn} if row.mrn else ())
        yield row


def _row(header: list[str], line: list[str], number: int) -> RegisterRow:
    values = {column: value.strip() or None for column, value in zip(header, line, strict=False)}
    subject = values.pop("id", None)
    if len(line) != len(header) or not subject:
        raise Malformed("register-malformed", f"Line {number} has no id or another length.")
    if max(map(len, line)) > MAX_REGISTER_CHARS:
        raise TooLarge("register-too-large", f"A value in line {number} is too long.")
    return RegisterRow(subject, **values)
