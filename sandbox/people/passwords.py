"""Passwords as Argon2id PHC strings, with a bound on concurrent hashing.

- Hashing costs about 100 ms and 64 MiB, so at most `at_once` run together; who would wait too
  long is told to come again instead of filling the memory.
- An unknown account costs one verification against a decoy: the answer's time says nothing.
- Never called inside a unit of work: a held write lock must not wait for a hash.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sandbox.errors import TooManyRequests, Unacceptable

MIN_CHARACTERS = 12
MAX_BYTES = 1024
_WAIT_S = 5.0
_LANES = 1


class Hasher:
    """Hashes and checks passwords.

    Attributes:
        work: how many Argon2id computations were done; tests compare known with unknown names.
    """

    def __init__(self, memory_kib: int = 65_536, passes: int = 2, at_once: int = 2) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        self._slots = threading.BoundedSemaphore(at_once)
        self._counting = threading.Lock()  # guards `work`
        self.work = 0
        self._decoy = self._derivation().derive_phc_encoded(os.urandom(32))

    def hash(self, password: str) -> str:
        """The PHC string to keep for a password.

        Raises:
            Unacceptable: the password is too short or absurdly long.
            TooManyRequests: too many hashes are under way.
        """
        secret = acceptable(password)
        with self._slot():
            return self._derivation().derive_phc_encoded(secret)

    def verify(self, password: str, kept: str | None) -> bool:
        """Whether `password` is the one kept; None (an unknown account) costs the same and fails.

        Raises:
            TooManyRequests: too many hashes are under way.
        """
        secret = password.encode()[:MAX_BYTES]
        with self._slot():
            try:
                Argon2id.verify_phc_encoded(secret, kept or self._decoy)
            except InvalidKey:
                return False
        return kept is not None

    def _derivation(self) -> Argon2id:
        return Argon2id(
            salt=os.urandom(16),
            length=32,
            iterations=self._passes,
            lanes=_LANES,
            memory_cost=self._memory_kib,
        )

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=_WAIT_S):
            raise TooManyRequests("hashing-busy", "too many logins at once; try again")
        try:
            with self._counting:
                self.work += 1
            yield
        finally:
            self._slots.release()


def acceptable(password: str) -> bytes:
    """The bytes of a password that may be set.

    Length is the only rule: composition rules make passwords worse.

    Raises:
        Unacceptable: shorter than 12 characters or longer than 1,024 bytes.

    Source: NIST SP 800-63B-4, 3.1.1.2.
    """
    secret = password.encode()
    if len(password) < MIN_CHARACTERS:
        raise Unacceptable("password-too-short", "use 12 characters or more", field="password")
    if len(secret) > MAX_BYTES:
        raise Unacceptable("password-too-long", "use 1,024 bytes or fewer", field="password")
    return secret
