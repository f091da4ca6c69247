"""The name that an account bears in a ledger's entries: one, and another in every ledger."""

from sandbox.errors import Conflict
from sandbox.records.people import Membership, Pseudonym
from sandbox.records.permits import Training
from sandbox.records.port import Tables


def bear(tables: Tables, account: str, pseudonym: str) -> None:
    """Tie a pseudonym to an account, once and for all in this ledger.

    An account that was refused here before anybody signed anything about it was entered under a
    pseudonym that nobody signed: that one gives way.

    Raises:
        Conflict: `pseudonym-differs`: somebody signed another one.
    """
    known = tables.of(Pseudonym).get(account)
    if known is None:
        tables.of(Pseudonym).insert(Pseudonym(account, pseudonym))
    elif known.pseudonym != pseudonym:
        signed = tables.of(Membership).count(account=account)
        if signed or tables.of(Training).count(account=account):
            raise Conflict("pseudonym-differs", "this account bears another pseudonym here")
        tables.of(Pseudonym).replace(Pseudonym(account, pseudonym))
