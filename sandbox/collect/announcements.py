"""Outer manifests of open deposits, read once: every request of a deposit asks for them."""

import threading
from collections import OrderedDict
from typing import Final

from sandbox.manifests import OuterManifest, parse_outer
from sandbox.records.deposits import Deposit

_MOST_KEPT: Final = 8


class Announcements:
    """The last few manifests; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards `_read`
        self._read: OrderedDict[tuple[str, str], OuterManifest] = OrderedDict()

    def of(self, deposit: Deposit) -> OuterManifest:
        """What a deposit announced."""
        key = (deposit.id, deposit.manifest_digest)
        with self._lock:
            found = self._read.get(key)
        if found is None:
            found = parse_outer(deposit.manifest)
        with self._lock:
            self._read[key] = found
            self._read.move_to_end(key)
            while len(self._read) > _MOST_KEPT:
                self._read.popitem(last=False)
        return found
