"""Rows of permits and training: what a hospital allows a project, and what its people passed."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class Permit:
    """The hospital's permit for one project (`id`) on one dataset; the newest signed one.

    Outside of the window nothing is done with the project's data, whether or not anybody acts.
    `index` is the entry that carries the steward's signature.
    """

    id: str
    dataset: str
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None
    index: int


@dataclass(frozen=True)
class Training:
    """One course passed by one account; `record` is the signed act that says so.

    Rows are added and never changed: what somebody passed stays passed until it runs out.
    """

    INDEXED: ClassVar[tuple[str, ...]] = ("account",)

    id: str
    record: str
    account: str
    pseudonym: str
    course: str
    passed_at: datetime
    expires_at: datetime
    index: int
