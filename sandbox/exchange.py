"""What passes between `serve` and the worker: names in the exchange and what seals bind.

- The exchange is a key store that holds only things sealed to the other side: a deposit's headers
  (to a dataset's intake key), the file and record keys of issued items (to `serve`'s key), and
  datasets' naming keys (to each depositor's own key).
- A name is part of what a seal binds, so nothing counts under another name.
- This module holds no key and opens nothing.
"""

from hashlib import sha256

from crypto.canonical import encode

SIGNATURE_BYTES = 64
ISSUED_CONTEXT = "anbiao-issued-item-v1"


def header_name(ledger: str, deposit: str, object_id: str) -> str:
    """Where a deposited object's header stands until the worker has taken its key over.

    Ledger and deposit are part of the name: object ids are chosen by depositors, and one must
    not be able to put a header in the place of another's.
    """
    return f"{headers_prefix(ledger, deposit)}{object_id}"


def headers_prefix(ledger: str, deposit: str) -> str:
    """What the names of all headers of a deposit begin with."""
    return f"deposit:{ledger}:{deposit}:"


def naming_name(ledger: str, dataset: str, sealing_key: bytes) -> str:
    """Where a dataset's naming key stands, sealed to one depositor's own key.

    The worker's signature comes first, `SIGNATURE_BYTES` long, then the seal.
    """
    return f"naming:{ledger}:{dataset}:{sha256(sealing_key).hexdigest()}"


def item_name(project_item: str) -> str:
    """Where the file key of an issued item stands, sealed to `serve`."""
    return f"item:{project_item}"


def record_name(project_item: str) -> str:
    """Where the key of an issued item's labels and reviews stands, sealed to `serve`."""
    return f"record:{project_item}"


def release_name(release: str) -> str:
    """Where the file key of a package under inspection stands, sealed to `serve`."""
    return f"release:{release}"


def mark_name(lease: str) -> str:
    """Where a process of `serve` says that it, too, shows something under a lease."""
    return f"shown-elsewhere:{lease}"


def subject_name(subject: str) -> str:
    """Where the salt of what the log commits to about a subject stands, sealed to `serve`."""
    return f"subject:{subject}"


def exchange_info(name: str) -> bytes:
    """HPKE `info` of a key sealed to `serve` under `name`."""
    return b"anbiao-exchange-v1\n" + name.encode()


def issued_context(project: str, project_item: str) -> bytes:
    """Context of an issued item's chunked ciphertext: what it is and its place."""
    return encode({"what": ISSUED_CONTEXT, "project": project, "item": project_item})
