"""Whom a file is about, by the same rule as its pseudonym: register row, record number, or name.

What the log holds of whom something is about are commitments under one salt per subject: entries
of two projects can't be compared without it, and whoever may ask finds all that is about one
subject with it. It stands under the subject's key, and goes with it.

Source: docs/spec/evidence.md, clause 7.
"""

from crypto.canonical import encode
from crypto.commitments import commit
from sandbox.dataset_keys import DatasetKeys, subject_salt_name
from sandbox.deid.forms import Register
from sandbox.deid.subjects import identity
from sandbox.errors import Malformed
from sandbox.formats.dicom_file import looks_like_dicom, open_dicom

_PATIENT_ID = 0x00100020


def salt_of(keys: DatasetKeys, subject: str) -> bytes:
    """The salt of all commitments about a subject, made when there is none.

    Raises:
        KeyDestroyed: the subject was erased.
    """
    return keys.made(subject_salt_name(subject), subject)


def bound_to(salt: bytes, kind: str, name: str) -> bytes:
    """The commitment that says: this item (or name) is about the subject whose salt it is."""
    return commit(salt, encode({"what": "subject-of", kind: name}))


def identity_of(data: bytes, said: str | None, register: Register, fallback: str) -> str:
    """The identity by which the vault looks the subject up; never leaves the worker.

    Args:
        data: the file's bytes.
        said: the subject as the inner manifest names it, or None.
        register: the hospital's register.
        fallback: stands for the subject of a file that names nobody.
    """
    found = identity(register, said, patient_id(data))
    return f"unnamed:{fallback}" if found is None else f"named:{found}"


def patient_id(data: bytes) -> str | None:
    """(0010,0020) PatientID of a DICOM file, or None."""
    if not looks_like_dicom(data):
        return None
    try:
        elements = open_dicom(data).dataset
    except Malformed:
        return None  # the engine says what is wrong with it
    value = next((e.value for e in elements if e.tag == _PATIENT_ID), None)
    if not isinstance(value, bytes | memoryview):
        return None
    return bytes(value).decode("utf-8", "surrogateescape").strip(" \x00") or None
