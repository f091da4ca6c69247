"""Who an account is in one ledger: pseudonym, memberships that count, revocation epoch.

A membership counts while it runs and its holder is trained for its role: both are judged anew at
every act, so that what runs out ends by itself (R05, R13).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from policies.vocabulary import Role
from sandbox.acts import HOSPITAL_DOMAIN, PLATFORM
from sandbox.records.people import Epoch, Membership, Pseudonym
from sandbox.records.permits import Training
from sandbox.records.port import Tables
from sandbox.records.standing import counts

EPOCH: Final = "epoch"
NO_ORGANISATION: Final = "none"
MOST_KEPT: Final = 4_096

# Who founds a ledger holds these, as nobody is there yet who could grant them.
STEWARDSHIP: Final = (Role.STEWARD,)
OPERATION: Final = (Role.OPERATOR, Role.POLICY_ADMIN)


@dataclass(frozen=True)
class Standing:
    """What an account counts as for one command."""

    pseudonym: str
    memberships: tuple[Membership, ...]
    roles: tuple[Role, ...]
    organisation: str

    @property
    def granted_by(self) -> list[int]:
        """Indices of the entries that granted what counts here, in order, without doubles."""
        return sorted({membership.granted_index for membership in self.memberships})


def memberships_of(
    tables: Tables, account: str, domain: str, now: datetime
) -> tuple[Membership, ...]:
    """Memberships that count for a command in `domain` at `now`, the oldest first."""
    return _counting(_papers(tables, account), domain, now)


@dataclass(frozen=True)
class Papers:
    """Everything an account was ever granted in a ledger, and what it passed."""

    memberships: tuple[Membership, ...]
    training: tuple[Training, ...]


def _papers(tables: Tables, account: str) -> Papers:
    return Papers(
        tuple(tables.of(Membership).find(account=account)),
        tuple(tables.of(Training).find(account=account)),
    )


def _counting(papers: Papers, domain: str, now: datetime) -> tuple[Membership, ...]:
    here = (m for m in papers.memberships if m.domain in (domain, HOSPITAL_DOMAIN))
    counting = (m for m in here if counts(m, papers.training, now))
    return tuple(sorted(counting, key=lambda m: (m.granted_index, m.id)))


class Roll:
    """Who holds what in one ledger, as far as it was asked; of the ledger's one writing thread.

    - Rows are kept, never verdicts: whether a membership runs is judged at every act.
    - The revocation epoch is read in every unit. Rows are kept from one unit to the next only
      while it stands still and the number of entries shows that no other process wrote.
    - An act that changes a membership, or records training, empties the roll, and so does a unit
      that was not committed.
    """

    def __init__(self) -> None:
        self._size: int | None = None  # of the ledger when the rows were good; None: they aren't
        self._epoch: int | None = None
        self._held: dict[str, Papers] = {}
        self._pseudonyms: dict[str, str] = {}

    def begin(self, tables: Tables) -> None:
        """At the start of a unit: keep what is still good."""
        size, epoch = self._size, self._epoch
        self._size, self._epoch = None, epoch_of(tables)
        # Bounded: a ledger of very many people is looked up anew now and then.
        if (size, epoch) != (tables.size(), self._epoch) or len(self._held) > MOST_KEPT:
            self._empty()

    def keep(self, size: int) -> None:
        """The unit was committed; the ledger has `size` entries now."""
        self._size = size

    def forget(self) -> None:
        """A membership changes: epoch and rows are read again."""
        self._epoch = None
        self._empty()

    def epoch(self, tables: Tables) -> int:
        """The ledger's revocation epoch, with this unit's own changes."""
        if self._epoch is None:
            self._epoch = epoch_of(tables)
        return self._epoch

    def standing_of(
        self, tables: Tables, account: str, domain: str, now: datetime, new_id: Callable[[], str]
    ) -> Standing:
        """Where the account stands; a pseudonym is allotted at its first act in this ledger."""
        held = self._held.get(account)
        if held is None:
            held = _papers(tables, account)
            self._held[account] = held
            self._pseudonyms[account] = _pseudonym(tables, account, new_id)
        memberships = _counting(held, domain, now)
        return Standing(
            pseudonym=self._pseudonyms[account],
            memberships=memberships,
            roles=tuple(sorted({m.role for m in memberships})),
            organisation=memberships[0].organisation if memberships else NO_ORGANISATION,
        )

    def _empty(self) -> None:
        self._held.clear()
        self._pseudonyms.clear()


def founder(ledger: str, pseudonym: str) -> Standing:
    """Where the account stands that opens the ledger with its very first entry."""
    if ledger == PLATFORM:
        return Standing(pseudonym, (), OPERATION, "platform")
    return Standing(pseudonym, (), STEWARDSHIP, "hospital")


def _pseudonym(tables: Tables, account: str, new_id: Callable[[], str]) -> str:
    known = tables.of(Pseudonym).get(account)
    if known is None:
        known = Pseudonym(account, new_id())
        tables.of(Pseudonym).insert(known)
    return known.pseudonym


def enter_pseudonym(tables: Tables, account: str, pseudonym: str) -> None:
    """Keep the pseudonym that a founder chose, unless the room did so itself."""
    if tables.of(Pseudonym).get(account) is None:
        tables.of(Pseudonym).insert(Pseudonym(account, pseudonym))


def epoch_of(tables: Tables) -> int:
    """The ledger's revocation epoch; 0 before the first change of a membership."""
    row = tables.of(Epoch).get(EPOCH)
    return row.value if row else 0


def advance_epoch(tables: Tables) -> None:
    """Make every ruling that was kept for the old memberships worthless."""
    rows = tables.of(Epoch)
    row = rows.get(EPOCH)
    if row is None:
        rows.insert(Epoch(EPOCH, 1))
    else:
        rows.replace(Epoch(EPOCH, row.value + 1))
