"""The identifier scan of texts that people type or that would leave: any find refuses the text."""

from collections.abc import Sequence

from sandbox.deid.forms import Register
from sandbox.deid.residue import find_residue

_NOBODY = Register()


def identifiers_in(text: str) -> Sequence[str]:
    """Kinds of identifiers found in `text`; empty when it is clean."""
    return find_residue(text, _NOBODY)
