"""Where a dataset stands: the facts that every act on it gives to policy."""

from datetime import datetime

from policies.ruling import Fact
from sandbox.records.deposits import Dataset


def dataset_facts(dataset: Dataset, now: datetime) -> dict[str, Fact]:
    """Grade, category, state, and whether contract and ethics approval still hold at `now`."""
    return {
        "grade": int(dataset.grade),
        "category": str(dataset.category),
        "dataset_state": str(dataset.state),
        "contract_valid": contract_valid(dataset, now),
    }


def contract_valid(dataset: Dataset, now: datetime) -> bool:
    """Whether the contract and the ethics approval both run at `now`."""
    return now < min(dataset.contract_expires_at, dataset.ethics_expires_at)
