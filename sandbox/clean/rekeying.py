"""From an approved master to what a project gets: other surrogates, and nothing else changed.

1. The engine puts the project's surrogates in place of the dataset's.
2. By another way it is checked that only these changed, all of them, and each to another value:
   what an officer approved is what is issued.
3. The result is searched once more for what must not be left.

The source is not opened: what the officer saw is the only thing that anything is made from.
"""

from sandbox.clean.masters import Master
from sandbox.deid import dicom_rekey
from sandbox.deid.forms import FileKind, Register
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.residue import find_residue
from sandbox.deid.text_rekey import outline, rekey_text
from sandbox.errors import Malformed, VerificationFailed


def rekeyed(
    master: Master, kind: str, keys: tuple[Pseudonyms, Pseudonyms], register: Register
) -> bytes:
    """The master as one project gets it.

    Args:
        master: the approved master.
        kind: `dicom` or `text`, as its record says.
        keys: the dataset's pseudonyms, and the project's.
        register: values that must not be left.

    Raises:
        VerificationFailed: `master-malformed`, `issue-differs`, `issue-residue`.
    """
    try:
        if kind == FileKind.DICOM:
            return _dicom(master, keys[1], register)
        if kind == FileKind.TEXT:
            return _text(master, keys, register)
    except (Malformed, ValueError) as error:
        raise VerificationFailed("master-malformed", "the master is not in its form") from error
    raise VerificationFailed("master-malformed", "the master is of no kind that is issued")


def _dicom(master: Master, key: Pseudonyms, register: Register) -> bytes:
    issued = dicom_rekey.rekey_dicom(master.data, key)
    if not dicom_rekey.agree(master.data, issued):
        raise _differs()
    if dicom_rekey.finds_residue(issued, register):
        raise _residue()
    return issued


def _text(master: Master, keys: tuple[Pseudonyms, Pseudonyms], register: Register) -> bytes:
    text = master.data.decode("utf_8")
    issued = rekey_text(text, master.subject, master.moves, keys, register)
    if outline(text) != outline(issued):
        raise _differs()
    if find_residue(issued, register):
        raise _residue()
    return issued.encode("utf_8")


def _differs() -> VerificationFailed:
    return VerificationFailed("issue-differs", "more than surrogates would change")


def _residue() -> VerificationFailed:
    return VerificationFailed("issue-residue", "an identifier would be left in what is issued")
