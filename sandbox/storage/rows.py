"""Which rows the platform's ledger keeps, and which a hospital's."""

import types
from collections.abc import Mapping
from enum import StrEnum

from sandbox.acts import PLATFORM
from sandbox.records.deposits import Approval, Dataset, Deposit, IntakeKey, Item
from sandbox.records.erasures import Erasure, KeyEpoch, LegalHold
from sandbox.records.labels import Label, Lease, Project, ProjectItem, Review, Task
from sandbox.records.people import (
    Account,
    Acknowledged,
    Epoch,
    Hospital,
    LoginDelay,
    Membership,
    Pseudonym,
    Session,
    UsedNonce,
)
from sandbox.records.permits import Permit, Training
from sandbox.records.policies import PolicyInForce, PolicyVersion
from sandbox.records.port import Row
from sandbox.records.releases import Release, Vote

# What the gate itself keeps, in every ledger.
_GATE_ROWS: tuple[type[Row], ...] = (
    Membership,
    Training,
    Pseudonym,
    UsedNonce,
    Acknowledged,
    Epoch,
)

PLATFORM_ROWS: tuple[type[Row], ...] = (
    *_GATE_ROWS,
    Account,
    Session,
    LoginDelay,
    Hospital,
    PolicyVersion,
    PolicyInForce,
)

HOSPITAL_ROWS: tuple[type[Row], ...] = (
    *_GATE_ROWS,
    Permit,
    Dataset,
    IntakeKey,
    Deposit,
    Item,
    Approval,
    Project,
    ProjectItem,
    Task,
    Lease,
    Label,
    Review,
    Release,
    Vote,
    Erasure,
    KeyEpoch,
    LegalHold,
)


class LedgerKind(StrEnum):
    """Whose ledger it is."""

    PLATFORM = "platform"
    HOSPITAL = "hospital"


ROWS_OF: Mapping[LedgerKind, tuple[type[Row], ...]] = types.MappingProxyType(
    {LedgerKind.PLATFORM: PLATFORM_ROWS, LedgerKind.HOSPITAL: HOSPITAL_ROWS}
)


def kind_of(ledger: str) -> LedgerKind:
    """The kind of the ledger with this id."""
    return LedgerKind.PLATFORM if ledger == PLATFORM else LedgerKind.HOSPITAL
