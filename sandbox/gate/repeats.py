"""Asking twice: a finished request under the same key gives the same receipt again.

- The key is the caller's, within its account and the action.
- What was asked is compared, not what the house added: fields declared `compare=False` (fresh
  ids, salts, seals) are left out.
- The comparison value is keyed with the request key, which is not kept: the rows alone tell
  nobody what a short label said.
- Only acts that were done are kept. A refused one may be asked again and gets a new ruling.
"""

import dataclasses
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from crypto import canonical
from sandbox.acts import Command
from sandbox.errors import Conflict
from sandbox.records.people import Acknowledged
from sandbox.records.port import Tables

_NOT_ASKED: Final = frozenset({"request_key"})


@dataclass(frozen=True)
class Repeat:
    """An act that was done before under the same request key."""

    index: int
    reply: Mapping[str, object]


def find_repeat(tables: Tables, account: str, command: Command) -> Repeat | None:
    """What the same request led to before; None when it is new or has no key.

    Raises:
        Conflict: `idempotency-key-reused`: the key came with another request.
    """
    if command.request_key is None:
        return None
    known = tables.of(Acknowledged).get(_request_id(account, command))
    if known is None:
        return None
    if not hmac.compare_digest(known.command, _fingerprint(command)):
        raise Conflict("idempotency-key-reused", "this key was used for another request")
    return Repeat(known.index, canonical.decode(known.reply))


def keep_for_repeats(
    tables: Tables, account: str, command: Command, index: int, reply: Mapping[str, object]
) -> None:
    """Remember a done act under its request key, if it has one."""
    if command.request_key is None:
        return
    row = Acknowledged(
        _request_id(account, command), _fingerprint(command), index, canonical.encode(reply)
    )
    tables.of(Acknowledged).insert(row)


def _request_id(account: str, command: Command) -> str:
    parts = [account, str(command.ACTION), command.request_key]
    return hashlib.sha256(canonical.encode(parts)).hexdigest()


def _fingerprint(command: Command) -> str:
    key = (command.request_key or "").encode()
    return hmac.new(key, canonical.encode(_plain(command)), hashlib.sha256).hexdigest()


def _plain(value: Any) -> object:  # what a command holds is looked at here
    """`value` in the forms that canonical JSON has."""
    match value:
        case bytes():
            plain: object = {"hex": value.hex()}
        case datetime():
            plain = {"at": value.isoformat()}
        case Mapping():
            plain = {str(key): _plain(member) for key, member in value.items()}
        case tuple() | list():
            plain = [_plain(member) for member in value]
        case _ if dataclasses.is_dataclass(value):
            asked = (f.name for f in dataclasses.fields(value) if f.compare)
            plain = {name: _plain(getattr(value, name)) for name in asked if name not in _NOT_ASKED}
        case _:
            plain = value
    return plain
