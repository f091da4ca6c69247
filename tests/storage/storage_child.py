"""A process of its own over the stores: `storage_child.py WORK FOLDER [COUNT]`.

Prints a line per thing that was acknowledged to it. `act` and `blob` go on until killed; `full`
and `full-blob` may write files of 256 KiB at most until the first refusal, and then go on once.
"""

import hashlib
import resource
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from sandbox.errors import Unavailable
from sandbox.records.people import Epoch, UsedNonce
from sandbox.records.port import LedgerStore
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.keystore import SqliteKeyStore
from sandbox.storage.sqlite import SqliteLedgers

LEDGER = "a" * 32


def act(store: LedgerStore, size: int) -> int:
    """One act: a counter read and set, a row and an entry more; returns the entry's index."""
    with store.unit() as unit:
        index = unit.tables.size()
        with unit.attempt():
            counters = unit.tables.of(Epoch)
            counter = counters.get("counter")
            if counter is None:
                counters.insert(Epoch("counter", 1))
            else:
                counters.replace(replace(counter, value=counter.value + 1))
            unit.tables.of(UsedNonce).insert(UsedNonce(secrets.token_hex(16), index))
        entry = secrets.token_bytes(size)
        unit.append(index, entry, hashlib.sha256(b"\0" + entry).digest())
        unit.commit()
    return index


def tell(word: object) -> None:
    print(word, flush=True)  # noqa: T201 - how a child speaks


def acts(folder: Path, count: int) -> None:
    store = SqliteLedgers(folder, busy_timeout_s=60.0).create(LEDGER)
    while count:
        tell(act(store, 500))
        count -= 1


def acts_until_full(folder: Path) -> None:
    store = SqliteLedgers(folder).create(LEDGER)
    limit_file_size()
    try:
        while True:
            tell(act(store, 50_000))
    except Unavailable as refusal:
        tell(refusal.code)
    lift_file_size()
    tell(act(store, 50_000))


def blobs_for_ever(folder: Path) -> None:
    store = FileBlobs(folder)
    while True:
        with store.writer() as writer:
            for _ in range(16):
                writer.write(secrets.token_bytes(20_000))
            tell(writer.commit())


def blob_until_full(folder: Path) -> None:
    store = FileBlobs(folder)
    limit_file_size()
    try:
        store.put(secrets.token_bytes(1 << 20))
    except Unavailable as refusal:
        tell(refusal.code)
    tell(store.put(b"still room for a small one"))


def keys(folder: Path, count: int) -> None:
    store = SqliteKeyStore(folder / "keys.sqlite")
    for number in range(count):
        name = f"object:{secrets.token_hex(8)}:{number}"
        store.add(name, secrets.token_bytes(60))
        store.put("shared", secrets.token_bytes(60))
        tell(name)


def limit_file_size() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, hard))


def lift_file_size() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def main() -> None:
    work, folder = sys.argv[1], Path(sys.argv[2])
    if work == "act":
        acts(folder, int(sys.argv[3]))
    elif work == "keys":
        keys(folder, int(sys.argv[3]))
    else:
        {"full": acts_until_full, "blob": blobs_for_ever, "full-blob": blob_until_full}[work](
            folder
        )


if __name__ == "__main__":
    main()
