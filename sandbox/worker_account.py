"""The worker's service account: kept in its own folder, told by hand."""

import re
from pathlib import Path
from typing import Final

from sandbox.acts import PLATFORM, Actor
from sandbox.errors import Unacceptable, VerificationFailed
from sandbox.records.people import Account
from sandbox.records.port import Ledgers

FILE: Final = "account"
_ACCOUNT: Final = re.compile(r"[0-9a-f]{32}")


def keep(folder: Path, account: str) -> None:
    """Tell the worker its service account.

    Raises:
        Unacceptable: it is no account id.
    """
    if not _ACCOUNT.fullmatch(account):
        raise Unacceptable("account-malformed", "an account id has 32 hex digits", field="account")
    path = folder / FILE
    path.write_text(f"{account}\n", encoding="ascii")
    path.chmod(0o600)


def kept(folder: Path) -> str:
    """The account that was told.

    Raises:
        VerificationFailed: `account-missing`, `account-malformed`.
    """
    try:
        account = (folder / FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise VerificationFailed("account-missing", f"{FILE} is not there") from error
    if not _ACCOUNT.fullmatch(account):
        raise VerificationFailed("account-malformed", "the worker's account is no account id")
    return account


def actor_of(ledgers: Ledgers, account: str) -> Actor:
    """The account with the purposes that it is enrolled for."""
    with ledgers.open(PLATFORM).snapshot() as tables:
        row = tables.of(Account).get(account)
    return Actor(account, purposes=row.purposes if row else ())
