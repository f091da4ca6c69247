"""Issuing to a project on one core: another key's surrogates, checked, padded and sealed.

Beside it what issuing was before projects had keys: open the master, encrypt it again. Neither
counts the act at the gate (`gate_acts`) nor disks: blobs and keys lie in memory.
"""

import secrets
from hashlib import sha256
from pathlib import Path

from clean_ct import big_ct
from figures import best_of_each, record

from crypto import chunked, padding
from crypto.keytree import KeyTree, MemoryKeyStore
from crypto.roots import LocalRoot
from sandbox.clean.item import clean_item
from sandbox.clean.masters import Kept, Master, Place, keep, take, unpack_master
from sandbox.clean.recipes import recipe_named
from sandbox.clean.rekeying import rekeyed
from sandbox.dataset_keys import DatasetKeys
from sandbox.deid.forms import Register
from sandbox.exchange import issued_context
from sandbox.storage.blobs_memory import MemoryBlobs

REPORTS = Path(__file__).parent.parent / "examples" / "reports"
PROJECT, ISSUED = "1" * 32, "2" * 32


class Bench:
    """Masters of one dataset, and both ways of issuing them."""

    def __init__(self) -> None:
        tree = KeyTree(LocalRoot(secrets.token_bytes(32)), MemoryKeyStore())
        self.keys = DatasetKeys(tree, "ab" * 16, "cd" * 16)
        self.blobs = MemoryBlobs()
        self.file_key = secrets.token_bytes(32)

    def master(self, data: bytes, name: str) -> tuple[Place, Kept, str]:
        verdict = clean_item(data, name, recipe_named("basic"), self.keys.pseudonyms(), Register())
        assert verdict.data is not None
        packed = Master(verdict.data, verdict.subject, verdict.moves).packed()
        place = Place(self.keys.dataset, sha256(data).hexdigest()[:32], 1)
        kept = keep("master", place, packed, self.keys, None, self.blobs)
        return place, kept, str(verdict.kind)

    def again(self, place: Place, kept: Kept, _kind: str) -> None:
        """Open and encrypt again."""
        self._seal(take("master", place, kept, self.keys, self.blobs))

    def issue(self, place: Place, kept: Kept, kind: str) -> None:
        """Give it the project's surrogates."""
        master = unpack_master(take("master", place, kept, self.keys, self.blobs))
        both = self.keys.pseudonyms(), self.keys.project(PROJECT)
        self._seal(padding.pad(rekeyed(master, kind, both, Register())))

    def _seal(self, content: bytes) -> None:
        sealed = chunked.seal(self.file_key, issued_context(PROJECT, ISSUED), content)
        self.blobs.delete(self.blobs.put(sealed))


def run() -> None:
    bench = Bench()
    reports = [(path.read_bytes(), path.name) for path in sorted(REPORTS.glob("*.txt"))]
    for name, files in {"512 KiB CT": [(big_ct(0), "a.dcm")], "reports": reports}.items():
        masters = [bench.master(*file) for file in files]

        def all_of(way, masters=masters) -> None:
            for master in masters:
                way(*master)

        again, issue = (
            spent / len(masters)
            for spent in best_of_each([lambda: all_of(bench.again), lambda: all_of(bench.issue)])
        )
        what = f"issuing to a project, {name}"
        record("clean", what, 1 / issue, "items/s", "open and encrypt again", again / issue)
        record("clean", f"{what}: open and encrypt again", 1 / again, "items/s")
