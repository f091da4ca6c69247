"""The keys of one dataset in the vault, by name, and their places in the tree.

Root -> hospital epoch -> dataset -> subject -> file keys. A hospital's epoch is a secret of its own
at the root's provider; a dataset's key is made anew with an epoch in which something of the dataset
was erased. Both names end in the number of the epoch.
"""

from dataclasses import dataclass
from typing import Final

from crypto.keytree import KeyTree
from sandbox.custody import translated
from sandbox.deid.pseudonyms import Pseudonyms, fold
from sandbox.errors import KeyDestroyed, VerificationFailed

FIRST_EPOCH: Final = 1


@dataclass(frozen=True)
class DatasetKeys:
    """The keys of one dataset, by name.

    Names say what a key is for and hold random ids or HMACs only. A name, once destroyed, never
    comes back, so whatever may be made anew carries a version.
    """

    tree: KeyTree
    ledger: str
    dataset: str

    @property
    def name(self) -> str:
        """What the names of all keys below the dataset's own begin with."""
        return f"dataset:{self.ledger}:{self.dataset}"

    def made(self, name: str, subject: str | None = None) -> bytes:
        """The key `name` below the dataset or one of its subjects, made when there is none.

        Raises:
            KeyDestroyed: it, or one above it, was destroyed.
            VerificationFailed: a wrapped key was altered.
        """
        full = f"{self.name}:{name}"
        with translated():
            if self.tree.exists(full):
                return self.tree.key(full)
            parent = self._parent(subject)
            if self.tree.was_made(full):
                raise KeyDestroyed  # no name comes back
            return self.tree.create(full, parent)

    def taken(self, name: str, key: bytes, subject: str | None = None) -> None:
        """Keep a key that came from outside; harmless when it is kept already.

        Raises:
            KeyDestroyed: one above it was destroyed.
            VerificationFailed: another key has the name.
        """
        with translated():
            full = f"{self.name}:{name}"
            if not self.tree.exists(full):
                self.tree.adopt(full, self._parent(subject), key)
            elif self.tree.key(full) != key:
                raise VerificationFailed("key-exists")

    def has(self, name: str) -> bool:
        """Whether there is such a key, not destroyed."""
        return self.tree.exists(f"{self.name}:{name}")

    def latest(self, prefix: str) -> str | None:
        """The last name of a living key that begins with `prefix`; None when there is none."""
        names = self.tree.names(f"{self.name}:{prefix}")
        return max((name.removeprefix(f"{self.name}:") for name in names), default=None)

    def key(self, name: str) -> bytes:
        """The key of that name.

        Raises:
            KeyDestroyed: it, or one above it, was destroyed.
            VerificationFailed: there is none, or it was altered.
        """
        with translated():
            return self.tree.key(f"{self.name}:{name}")

    def destroy(self, name: str) -> None:
        """Destroy a key; harmless when there is none."""
        if self.has(name):
            with translated():
                self.tree.destroy(f"{self.name}:{name}")

    def pseudonyms(self) -> Pseudonyms:
        """The dataset's own pseudonyms."""
        return Pseudonyms(self.made("pseudonyms"))

    def project(self, project: str) -> Pseudonyms:
        """A project's own pseudonyms, under a key that no other project of the dataset has."""
        return Pseudonyms(self.made(f"project:{project}"))

    def subject(self, identity: str) -> str:
        """The random id of a subject, allotted at first sight.

        What is kept is found by an HMAC of the identity: the store holds no identity, and a
        subject's id can't be computed from one.

        Raises:
            KeyDestroyed: the subject, or the whole dataset, was erased.
        """
        subject = self.made(self._lookup(identity))[:16].hex()
        self.made(f"subject:{subject}")
        return subject

    def subject_known(self, identity: str) -> str | None:
        """The id of a subject that was allotted one before, erased or not; None if none was.

        Raises:
            KeyDestroyed: the dataset was erased.
        """
        if not self.has("lookup"):
            return None
        name = self._lookup(identity)
        if not self.tree.was_made(f"{self.name}:{name}"):
            return None
        return self.key(name)[:16].hex()

    def erase_subject(self, subject: str) -> int:
        """Destroy a subject's key and all below it; how many keys. May be repeated.

        The lookup of its id stays, so that what comes in of the same person later is known to be
        of somebody who was erased. It is an HMAC, and gives an id that nothing else tells of.
        """
        name = f"{self.name}:subject:{subject}"
        with translated():
            if not self.tree.was_made(name):
                # Nothing is below it: but from now on nothing can be.
                self.tree.create(name, self._own())
            return self.tree.prune(name, f"{self.name}:")

    def erase(self) -> int:
        """Destroy the dataset's key and all below it; how many keys. May be repeated."""
        with translated():
            # One that has no key yet gets one first: from then on it can have no other.
            return self.tree.prune(self._own(), f"{self.name}:")

    def is_erased(self, subject: str | None = None) -> bool:
        """Whether the key of the dataset, or of one of its subjects, was destroyed."""
        own = self.tree.latest(self._generations)
        if own is not None and not self.tree.exists(own):
            return True
        name = f"{self.name}:subject:{subject}"
        return subject is not None and self.tree.was_made(name) and not self.tree.exists(name)

    def renew(self, epoch: int) -> int:
        """Give the dataset another key, of this epoch, and destroy the one before.

        Only then does a copy of the store from before an erasure open nothing of what was erased,
        though who holds it has the store of today as well. May be repeated, and goes on where it
        stopped.

        Returns:
            How many keys were re-wrapped.
        """
        with translated():
            found, fresh = list(self.tree.names(self._generations)), self._generation(epoch)
            old = [name for name in found if name != fresh]
            return sum(self.tree.rotate(name, fresh, f"{self.name}:") for name in old)

    @property
    def _generations(self) -> str:
        return f"dataset-key:{self.ledger}:{self.dataset}:"

    def _generation(self, epoch: int) -> str:
        return f"{self._generations}{epoch:06d}"

    def _lookup(self, identity: str) -> str:
        found = Pseudonyms(self.made("lookup")).digest("subject", fold(identity)).hex()
        return f"subject-of:{found}"

    def _own(self) -> str:
        """Name of the dataset's own key; it is made with the first thing below it."""
        found = self.tree.latest(self._generations)
        if found is not None:
            return found  # one that was destroyed takes nothing more
        hospital = current_epoch(self.tree, self.ledger)
        name = self._generation(FIRST_EPOCH)
        self.tree.create(name, hospital)
        return name

    def _parent(self, subject: str | None) -> str:
        own = self._own()
        if subject is None:
            return own
        name = f"{self.name}:subject:{subject}"
        if not self.tree.was_made(name):
            self.tree.create(name, own)
        return name


def issued_key_name(project_item: str) -> str:
    """Name of a project item's file key, below its subject's."""
    return f"issued:{project_item}"


def subject_salt_name(subject: str) -> str:
    """What the log's commitments to whom something is about are made with."""
    return f"subject-salt:{subject}"


def record_key_name(project_item: str) -> str:
    """Name of the key of what is said of a project item, below its subject's."""
    return f"record-key:{project_item}"


def package_key_name(release: str, request_index: int) -> str:
    """Name of a package's key, below the dataset's; a request sent again gets another."""
    return f"release:{release}:{request_index}"


def current_epoch(tree: KeyTree, ledger: str) -> str:
    """Name of a hospital's key of the newest epoch; the first is made when there is none."""
    found = tree.latest(f"hospital:{ledger}:")
    if found is None:
        found = epoch_name(ledger, FIRST_EPOCH)
        tree.begin_epoch(found)
    return found


def epoch_name(ledger: str, epoch: int) -> str:
    """Name of a hospital's key of an epoch."""
    return f"hospital:{ledger}:{epoch:06d}"
