"""Which policy a house adopted, as its published log alone tells, and whether it can be read here.

For who looks at a house from outside of its processes: no database is opened, and the log is
checked by the stand-alone verifier, under the keys that it names itself.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final

from crypto import verifier
from policies.changes import policy_from
from policies.errors import PolicyInvalid
from sandbox.provenance.shelf import TableShelf


class Adoption(StrEnum):
    """What the platform's log says of the policy."""

    NO_LOG = "policy-awaited"
    NONE = "policy-not-adopted"
    READABLE = "policy"
    UNREADABLE = "policy-unreadable"
    UNPROVED = "policy-unproved"


_PLATFORM: Final = "platform"


def adoption_in(log: Path, tables: Path) -> Adoption:
    """What the log in the published folder `log` says, beside the folder of decision tables."""
    folder = log / _PLATFORM
    if not (folder / "checkpoint").is_file():
        return Adoption.NO_LOG
    try:
        pins = verifier.read_pins([str(folder / "keys")])
        story = verifier.read_story(verifier.verify_log(verifier.Folder(folder), pins), pins)
    except (verifier.Broken, verifier.CannotTell, OSError, ValueError):
        return Adoption.UNPROVED
    if not story.policies.in_force:
        return Adoption.NONE
    digest = story.policies.in_force[-1].table
    try:
        policy = policy_from(TableShelf(tables).rows(digest) or b"")
    except PolicyInvalid:
        return Adoption.UNREADABLE
    return Adoption.READABLE if policy.table.digest == digest else Adoption.UNREADABLE
