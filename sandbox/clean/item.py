"""Cleans one file of any kind: what it is, what the recipe says, which engine does it.

Never raises for what is in the file: bad input gets a code. Used by the worker on sealed deposits
and by `anbiao clean` on a folder.
"""

from sandbox.deid.dicom import clean_dicom
from sandbox.deid.forms import FileKind, Register, Result, Verdict
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.recipe import Recipe
from sandbox.deid.residue import find_residue
from sandbox.errors import Malformed
from sandbox.formats.dicom_file import is_executable, looks_like_dicom
from sandbox.formats.encodings import decode_text
from sandbox.formats.sniff import sniff

MAX_BYTES = 1 << 30
"""Size up to which a file is cleaned."""

MAX_TEXT_BYTES = 1 << 23
"""The same for what is no DICOM: a text takes a hundred times its size while it is searched."""

HEAD = 1 << 16
"""So many first bytes tell what a file that is too large is."""

_DICOM_SUFFIXES = (".dcm", ".dicom", ".dic")


def clean_item(
    data: bytes,
    name: str,
    recipe: Recipe,
    pseudonyms: Pseudonyms,
    register: Register,
    subject: str | None = None,
) -> Verdict:
    """Clean one file, or hold or quarantine it with a code.

    Args:
        data: the whole file.
        name: its name, for what the bytes leave open; nothing of it is kept.
        recipe: what is to be done.
        pseudonyms: under whose key surrogates are made.
        register: values that must not be left.
        subject: id or record number of the register's row it was deposited under, if known.
    """
    kind = FileKind.UNKNOWN
    if too_large(data[:HEAD], len(data)):
        return refused_unread(data[:HEAD], name, recipe)
    reason = _refusal(data)
    if reason is None:
        kind = sniff(data, name)
        reason = _kind_refusal(kind, name, recipe)
    if reason is not None:
        return Verdict(Result.QUARANTINED, kind, reason)
    if kind is FileKind.DICOM and recipe.dicom is not None:
        return clean_dicom(data, recipe.dicom, pseudonyms, register, subject)
    return _clean_text_file(data, pseudonyms, register, subject)


def too_large(head: bytes, size: int) -> bool:
    """Whether a file of `size` bytes that begins with `head` is over the limit of its kind."""
    return size > MAX_BYTES or (size > MAX_TEXT_BYTES and not looks_like_dicom(head))


def refused_unread(head: bytes, name: str, recipe: Recipe) -> Verdict:
    """The verdict on a file that is too large, by its first bytes."""
    kind = sniff(head, name)
    reason = _refusal(head) or _kind_refusal(kind, name, recipe) or "too-large"
    return Verdict(Result.QUARANTINED, kind, reason)


def _refusal(data: bytes) -> str | None:
    """Why a file is not looked into at all."""
    if not data:
        return "empty-file"
    if is_executable(data) and data[128:132] != b"DICM":
        return "executable"
    return None


def _kind_refusal(kind: FileKind, name: str, recipe: Recipe) -> str | None:
    """Why a file of this kind is not cleaned."""
    if kind in recipe.kinds:
        named_dicom = name.casefold().endswith(_DICOM_SUFFIXES)
        return "not-dicom" if named_dicom and kind is not FileKind.DICOM else None
    if kind is not FileKind.DICOM and name.casefold().endswith(_DICOM_SUFFIXES):
        return "not-dicom"
    return "kind-unsupported"


def _clean_text_file(
    data: bytes, pseudonyms: Pseudonyms, register: Register, subject: str | None
) -> Verdict:
    try:
        text = decode_text(data)
    except Malformed as error:
        return Verdict(Result.QUARANTINED, FileKind.TEXT, error.code)
    # Read in with the first text: a folder of images never waits for its patterns to compile.
    from sandbox.deid.text import clean_text  # noqa: PLC0415

    cleaned = clean_text(text, pseudonyms, register, subject)
    if find_residue(cleaned.text, register):
        return Verdict(Result.HELD, FileKind.TEXT, "residue-found")
    removed = {kind: cleaned.removed[kind] for kind in sorted(cleaned.removed)}
    actions = {"replace": sum(removed.values())} if removed else {}
    octets = (cleaned.text.encode("utf_8"),)
    return Verdict(
        Result.CLEANED,
        FileKind.TEXT,
        None,
        octets,
        actions=actions,
        removed=removed,
        subject=cleaned.subject,
        moves=cleaned.moves,
    )
