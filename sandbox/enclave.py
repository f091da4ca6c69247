"""What the worker's steps stand on: gate, stores, vault, and a verified view of each ledger.

State columns only say where to look. Before a step opens, issues or seals anything it asks
`history` for the signed act that allows it; what is asked there was checked against the notary's
signed checkpoint and against keys pinned on this side.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from crypto.keytree import KeyStore
from crypto.tlogpolicy import WitnessPolicy
from policies.vocabulary import Action, Role
from sandbox.acts import Actor, Command, Receipt
from sandbox.provenance.receipts import WitnessedHead
from sandbox.records.port import BlobStore, Ledgers
from sandbox.trust import Holding
from sandbox.vault import Vault


class Performer(Protocol):
    """The gate, as far as the worker needs it."""

    def perform(self, actor: Actor, command: Command) -> Receipt:
        """Carry out `command` or refuse it; either way exactly one entry joins the ledger."""
        ...

    def finish_tails(self) -> None:
        """Have every ledger signed and published up to its end.

        Raises:
            Unavailable: one of them can't be now.
        """
        ...


class History(Protocol):
    """One ledger's verified past."""

    def signed_act(self, index: int, action: Action, roles: Collection[Role]) -> Mapping[str, Any]:
        """The entry at `index`: done, signed, by someone who held one of `roles` then.

        Raises:
            VerificationFailed: it is not in the log, not that act, or not so signed.
        """
        ...

    def entries(self) -> Sequence[Mapping[str, Any]]:
        """All verified entries, parsed, in order, as of when this past was verified."""
        ...

    def since(self, index: int) -> Sequence[Mapping[str, Any]]:
        """Verified entries from `index` on, parsed, in order."""
        ...

    def holder(self, pseudonym: str, at_index: int | None = None) -> Sequence[Holding]:
        """What a pseudonym held at an entry, by grants that stewards signed; at the end if absent.

        Raises:
            VerificationFailed: the log is not verified that far.
        """
        ...

    def receipt(self, index: int, under: str | None = None) -> Mapping[str, str]:
        """The exact entry and its tlog-proof, `{"entry", "proof"}`, as receipts hold them.

        Args:
            index: of the entry.
            under: the note of a head that `witnessed` gave; the last head when absent.

        Raises:
            VerificationFailed: it is not in the log, or not under that head.
        """
        ...

    def witnessed(self, policy: WitnessPolicy) -> WitnessedHead | None:
        """The largest head of this past that is known to be cosigned by a quorum; None so far.

        Raises:
            VerificationFailed: `log-forked`: witnesses cosigned another past.
        """
        ...


def nobody_known(_digest: str) -> WitnessPolicy | None:
    """Knows no policy of witnesses."""
    return None


Step = tuple[str, Callable[[], None]]
"""One thing to do: a name that stays the same until it is done, and how it is done."""


@dataclass(frozen=True)
class Enclave:
    """Everything the worker's steps may touch."""

    gate: Performer
    ledgers: Ledgers
    blobs: BlobStore
    exchange: KeyStore
    vault: Vault
    history: Callable[[str], History]
    actor: Actor
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    witness_policies: Callable[[str], WitnessPolicy | None] = nobody_known
