"""Whose pseudonym an item gets: one rule for all kinds of file."""

from sandbox.deid.forms import Register


def identity(register: Register, subject: str | None, mrn: str | None) -> str | None:
    """What a subject's pseudonym and date shift are derived from; None if nothing is known.

    The record number where one is known, so that a report and an image of one subject meet,
    whichever of them came with a register row.

    Args:
        register: what the hospital told.
        subject: id or record number of the register's row that the item was deposited under.
        mrn: the record number that the item itself bears.
    """
    row = None
    if subject:
        row = next((row for row in register.rows if row.id == subject), None)
        row = row or register.by_mrn(subject)
    if row is None and mrn:
        row = register.by_mrn(mrn)
    if row is not None:
        return row.mrn or row.id
    return mrn or subject
