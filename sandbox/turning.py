"""How `serve` changes its key pair, so that an old copy of what was sealed to it opens nothing.

The keys of issued items lie in the exchange, sealed to `serve`. An item that was erased is gone
from there; a copy of the exchange from the day before still has its key, and `serve`'s private
half would open it. So with each rotation of a hospital's epoch `serve` turns, too:

1. worker: `ask` = a fresh key K, sealed to `serve`'s present public half, which the worker pins;
2. serve: keeps K, makes the next pair under an epoch of its own at its provider, and offers the
   public half under a MAC by K: only who has the present private half could make it;
3. worker: pins the offered half, seals everything that still counts to it, and says so (`moved`);
4. serve: destroys the former private half, at the provider as well, and says so (`ended`);
5. worker: checks that, and destroys K.

Each step leaves something in the exchange by which the next one is found; each may be repeated.
Whoever can write to the exchange can hold all of this up, or have `serve` lose what it was given
there, as by deleting it; nothing opens to them.
"""

import hmac
from hashlib import sha256

_LABEL = b"anbiao-serve-turn-v1\n"
MAC_BYTES = 32


def turn_name(number: int, what: str) -> str:
    """Where a step of the turn to pair `number` stands: `ask`, `offer`, `moved` or `ended`."""
    return f"turn:{number:06d}:{what}"


def number_of(name: str) -> int:
    """The number of the pair that a step's name is about."""
    return int(name.split(":")[1])


def proved(key: bytes, name: str, content: bytes = b"") -> bytes:
    """`content` under a MAC that binds it to `name`."""
    return hmac.digest(key, _LABEL + name.encode() + b"\n" + content, sha256) + content


def content_of(key: bytes, name: str, offered: bytes | None) -> bytes | None:
    """What was proved under `name`; None when it was not, or by another key."""
    if offered is None:
        return None
    content = offered[MAC_BYTES:]
    same = hmac.compare_digest(offered, proved(key, name, content))
    return content if same else None
