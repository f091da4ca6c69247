"""Reads a hospital's register: UTF-8 CSV with the columns `id,name,id_number,mrn,phone`.

Messages name a line, never a value.
"""

import csv
import io

from sandbox.deid.forms import Register, RegisterRow
from sandbox.errors import Malformed

COLUMNS = ("id", "name", "id_number", "mrn", "phone")
MAX_BYTES = 1 << 27


def read_register(data: bytes) -> Register:
    """The register in a CSV file's bytes.

    Raises:
        Malformed: `register-malformed`: not UTF-8, other columns, a row of another length,
            without an id, or with an id that another row has.
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
    for number, line in enumerate(lines[1:], start=2):
        row = _row(header, line)
        if row is not None and row.id in rows:
            raise Malformed("register-malformed", f"Line {number} repeats an id.")
        if row is None and line:
            raise Malformed("register-malformed", f"Line {number} has no id or another length.")
        if row is not None:
            rows[row.id] = row
    return Register(tuple(rows.values()))


def _row(header: list[str], line: list[str]) -> RegisterRow | None:
    if len(line) != len(header):
        return None
    values = {column: value.strip() or None for column, value in zip(header, line, strict=True)}
    subject = values.pop("id")
    return RegisterRow(subject, **values) if subject else None
