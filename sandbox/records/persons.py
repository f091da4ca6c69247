"""Which accounts belong to one person, as far as a ledger can tell.

An account maps to one person (R02), yet nothing stops a person from being invited twice. Two
accounts that were ever granted a role under the same signing key are one person here: the key
never leaves its owner's client. Someone who uses another key for each account is not found by
this; the steward who grants the roles knows the people.
"""

from sandbox.records.people import Membership
from sandbox.records.port import Tables


def accounts_of(tables: Tables, account: str) -> frozenset[str]:
    """`account` and every other account of the same person."""
    granted = tables.of(Membership).find()
    keys = {m.signing_key for m in granted if m.account == account and m.signing_key}
    return frozenset({account} | {m.account for m in granted if m.signing_key in keys})
