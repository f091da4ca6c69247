"""The name of the decision table that ships: what a regulator pins before anything is done."""

from policies.book import read_policy
from policies.table import compile_table


def shipped_digest() -> str:
    """The digest of the shipped table, as rulings name it."""
    return compile_table(read_policy()).digest
