"""State machines as literal tables: from each state, the states that may follow.

`docs/states.md` is drawn from these tables and compared in the docs tests. A transition that
is not listed is refused by the room that owns the record (`illegal-transition`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from policies.vocabulary import DatasetState as D
from policies.vocabulary import ErasureState as E
from policies.vocabulary import ItemState as I
from policies.vocabulary import ReleaseState as R
from policies.vocabulary import TaskState as T

DATASET: Mapping[D, frozenset[D]] = MappingProxyType(
    {
        D.DRAFT: frozenset({D.RECEIVING, D.CLOSED}),
        D.RECEIVING: frozenset({D.CLEANING, D.CLOSED}),
        D.CLEANING: frozenset({D.AWAITING_APPROVAL, D.CLOSED}),
        D.AWAITING_APPROVAL: frozenset({D.READY, D.CLEANING, D.CLOSED}),
        D.READY: frozenset({D.CLEANING, D.SUSPENDED, D.CLOSED}),
        D.SUSPENDED: frozenset({D.READY, D.CLOSED}),
        D.CLOSED: frozenset({D.ERASED}),
        D.ERASED: frozenset(),
    }
)

ITEM: Mapping[I, frozenset[I]] = MappingProxyType(
    {
        I.SEALED: frozenset({I.CLEANED, I.HELD, I.QUARANTINED, I.ERASED}),
        I.CLEANED: frozenset({I.APPROVED, I.SEALED, I.ERASED}),
        I.HELD: frozenset({I.SEALED, I.QUARANTINED, I.ERASED}),
        I.QUARANTINED: frozenset({I.SEALED, I.ERASED}),
        I.APPROVED: frozenset({I.SEALED, I.RECALLED, I.ERASED}),
        I.RECALLED: frozenset({I.SEALED, I.ERASED}),
        I.ERASED: frozenset(),
    }
)

PROJECT_ITEM: Mapping[I, frozenset[I]] = MappingProxyType(
    {
        I.ISSUED: frozenset({I.RECALLED, I.ERASED}),
        I.RECALLED: frozenset({I.ERASED}),
        I.ERASED: frozenset(),
    }
)

TASK: Mapping[T, frozenset[T]] = MappingProxyType(
    {
        T.OPEN: frozenset({T.LEASED, T.CANCELLED}),
        T.LEASED: frozenset({T.OPEN, T.SUBMITTED, T.RETURNED, T.CANCELLED}),
        T.SUBMITTED: frozenset({T.IN_REVIEW, T.ADJUDICATION, T.CANCELLED}),
        T.IN_REVIEW: frozenset(
            {T.ACCEPTED, T.RETURNED, T.ADJUDICATION, T.SUBMITTED, T.SET_ASIDE, T.CANCELLED}
        ),
        T.RETURNED: frozenset({T.LEASED, T.CANCELLED}),
        T.ADJUDICATION: frozenset({T.ACCEPTED, T.SET_ASIDE, T.CANCELLED}),
        T.SET_ASIDE: frozenset({T.IN_REVIEW, T.CANCELLED}),
        T.ACCEPTED: frozenset({T.LOCKED, T.CANCELLED}),
        T.LOCKED: frozenset({T.IN_REVIEW, T.CANCELLED}),
        T.CANCELLED: frozenset(),
    }
)

RELEASE: Mapping[R, frozenset[R]] = MappingProxyType(
    {
        R.DRAFT: frozenset({R.SUBMITTED, R.WITHDRAWN}),
        R.SUBMITTED: frozenset({R.SCREENING}),
        R.SCREENING: frozenset({R.BLOCKED, R.INDEPENDENT_REVIEW, R.FAILED}),
        R.BLOCKED: frozenset({R.DRAFT}),
        R.INDEPENDENT_REVIEW: frozenset({R.CONSOLIDATION, R.FAILED}),
        R.CONSOLIDATION: frozenset({R.RETURNED, R.REJECTED, R.APPROVED, R.FAILED}),
        R.RETURNED: frozenset({R.SUBMITTED, R.WITHDRAWN}),
        R.REJECTED: frozenset(),
        R.APPROVED: frozenset({R.SEALING, R.FAILED}),
        R.SEALING: frozenset({R.RELEASED, R.FAILED}),
        R.RELEASED: frozenset({R.RECALLED, R.EXPIRED}),
        R.RECALLED: frozenset(),
        R.EXPIRED: frozenset(),
        R.WITHDRAWN: frozenset(),
        R.FAILED: frozenset(),
    }
)

ERASURE: Mapping[E, frozenset[E]] = MappingProxyType(
    {
        E.ORDERED: frozenset({E.BEGUN}),
        E.BEGUN: frozenset({E.ERASED}),
        E.ERASED: frozenset({E.FINAL}),
        E.FINAL: frozenset(),
    }
)

MACHINES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        name: MappingProxyType(
            {str(state): frozenset(map(str, follow)) for state, follow in table.items()}
        )
        for name, table in (
            ("dataset", DATASET),
            ("item", ITEM),
            ("project item", PROJECT_ITEM),
            ("task", TASK),
            ("release", RELEASE),
            ("erasure", ERASURE),
        )
    }
)
