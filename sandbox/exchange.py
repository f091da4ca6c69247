"""What passes between `serve` and the worker: names in the exchange and what seals bind.

- The exchange is a key store that holds only things sealed to the other side: a deposit's headers
  (to a dataset's intake key) and the file and record keys of issued items (to `serve`'s key).
- A name is part of what a seal binds, so nothing counts under another name.
- This module holds no key and opens nothing.
"""

from crypto.canonical import encode

ISSUED_CONTEXT = "anbiao-issued-item-v1"


def header_name(ledger: str, deposit: str, object_id: str) -> str:
    """Where a deposited object's header stands until the worker has taken its key over.

    Ledger and deposit are part of the name: object ids are chosen by depositors, and one must
    not be able to put a header in the place of another's.
    """
    return f"deposit:{ledger}:{deposit}:{object_id}"


def item_name(project_item: str) -> str:
    """Where the file key of an issued item stands, sealed to `serve`."""
    return f"item:{project_item}"


def record_name(project: str) -> str:
    """Where a project's record key stands, sealed to `serve`."""
    return f"record:{project}"


def release_name(release: str) -> str:
    """Where the file key of a package under inspection stands, sealed to `serve`."""
    return f"release:{release}"


def exchange_info(name: str) -> bytes:
    """HPKE `info` of a key sealed to `serve` under `name`."""
    return b"anbiao-exchange-v1\n" + name.encode()


def issued_context(project: str, project_item: str) -> bytes:
    """Context of an issued item's chunked ciphertext: what it is and its place."""
    return encode({"what": ISSUED_CONTEXT, "project": project, "item": project_item})
