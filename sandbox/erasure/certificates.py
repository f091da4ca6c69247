"""The certificate of an erasure: the entries that prove it, each with its proof.

Everything in it is signed already: the order by the steward, begin, completion and rotation by the
worker, each entry's place by the log. So nothing is made here that would have to be believed.

Source: docs/spec/erasure.md, section 5.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from policies.vocabulary import ErasureState
from sandbox.errors import Conflict
from sandbox.provenance.evidence import receipts_in
from sandbox.records.erasures import Erasure
from sandbox.records.port import Ledgers

WHAT: Final = "anbiao-erasure-certificate"
VERSION: Final = 1


class Published(Protocol):
    """Published logs, as far as they are read here."""

    def reading(self, ledger: str) -> AbstractContextManager[Path]:
        """A ledger's folder, standing still meanwhile."""
        ...


@dataclass(frozen=True)
class Certificates:
    """Puts certificates together from rows and the published log."""

    ledgers: Ledgers
    published: Published

    def of(self, ledger: str, erasure: str) -> dict[str, Any]:
        """The certificate of an erasure that is final.

        Raises:
            NotFound: there is no such erasure, or nothing is published.
            Conflict: `erasure-not-final`: the former keys are not destroyed yet.
            VerificationFailed: the published log is not the signed one.
        """
        with self.ledgers.open(ledger).snapshot() as tables:
            row = tables.of(Erasure).require(erasure)
            named = (row.ordered_index, row.begun_index, row.completed_index, row.rotated_index)
            indices = [index for index in named if index is not None]
            if row.state is not ErasureState.FINAL or len(indices) < len(named):
                raise Conflict("erasure-not-final", "the former keys are not destroyed yet")
            wanted = _with_grants(tables.entry, indices)
        with self.published.reading(ledger) as log:
            evidence = receipts_in(log, wanted)
        return {
            "v": VERSION,
            "what": WHAT,
            "ledger": ledger,
            "dataset": row.dataset,
            "erasure": row.id,
            "evidence": evidence,
        }


class _Entry(Protocol):
    def __call__(self, index: int) -> bytes: ...


def _with_grants(entry: _Entry, indices: Sequence[int]) -> list[int]:
    """These entries, those that granted their actors' roles, and so on up to the first one."""
    found: set[int] = set()
    waiting = [0, *indices]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            said: Mapping[str, Any] = json.loads(entry(index))
            waiting += said["granted_by"]
    return sorted(found)
