"""What is attacked: sound logs, checkpoints, proofs, receipts, passports, packages, and packs.

Beside the attacked log stand others whose parts an attacker has at hand: the same log at earlier
sizes, a second history under the very same keys, the log of a stranger who claims its name, and
another ledger's log. All of it is made of names alone, so that a seed gives the same attack again.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from small_hospital import RELEASE, SmallHospital, hospital
from small_log import DATASET, PROJECT, Files, named, seed

from crypto import canonical
from crypto.merkle import Tree, leaf_hash
from crypto.note import ED25519_COSIGNATURE, MldsaSigner, VerifierKey, signature_line
from sandbox.provenance.receipts import Part, receipt_document

PARTS = 5
FILE = "it"
"""The name of the one file of a thing that is a single file."""


@dataclass(frozen=True)
class Thing:
    """Files that claim something, and what their reader has beside them."""

    kind: str
    files: Files
    since: bytes | None = None  # of a log: the checkpoint kept from last time
    entry: bytes = b""  # of a proof: the entry that it is about

    @property
    def one(self) -> bytes:
        """The content of a thing that is a single file."""
        return self.files[FILE]

    def having(self, name: str, octets: bytes) -> "Thing":
        """The same with one file in the place of another, or more."""
        return replace(self, files={**self.files, name: octets})

    def without(self, name: str) -> "Thing":
        """The same with a file less."""
        return replace(self, files={n: octets for n, octets in self.files.items() if n != name})


class Witness:
    """A cosigner of checkpoints with Ed25519, type 0x04. Source: C2SP tlog-cosignature."""

    def __init__(self, name: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed(f"witness {name}"))
        public = self._private.public_key().public_bytes_raw()
        self.vkey = VerifierKey(name, ED25519_COSIGNATURE, public)

    def sign(self, text: str, now: int) -> bytes:
        message = f"cosignature/v1\ntime {now}\n{text}".encode()
        return struct.pack(">Q", now) + self._private.sign(message)


NOW = 1_782_900_000


def cosigned(log: SmallHospital, witnesses: Sequence[Witness | MldsaSigner], size: int) -> bytes:
    """The log's checkpoint at a size, with a line of each witness."""
    log.witnesses = [
        lambda text, w=one: signature_line(w.vkey, w.sign(text, NOW)) for one in witnesses
    ]
    try:
        return log.checkpoint(size).encode()
    finally:
        log.witnesses = []


class World:
    """The attacked log and all the others."""

    def __init__(self) -> None:
        self.house = hospital()
        self._issue_in_bulk(self.house)
        self.large = hospital(300)
        self.fork = hospital(grade=2)
        self._issue_in_bulk(self.fork)
        self.stranger = hospital(key_name="stranger")
        self.elsewhere = hospital(ledger=named("elsewhere"), key_name="elsewhere")
        post_quantum = MLDSA44PrivateKey.from_seed_bytes(seed("witness pq"))
        self.witnesses = [Witness("witness.one"), MldsaSigner("witness.two", post_quantum)]
        self.unpinned = Witness("witness.three")

    @staticmethod
    def _issue_in_bulk(log: SmallHospital) -> None:
        tree = Tree()
        tree.extend(map(leaf_hash, parts()))
        whole = {"root": tree.root().hex(), "count": PARTS}
        objects = {"dataset": DATASET, "project": PROJECT}
        outcome = {"parts": whole}
        log._on("worker", "item.issue", objects, outcome=outcome, stage="APPROVED", approved=True)

    @cached_property
    def others(self) -> tuple[SmallHospital, ...]:
        """Logs that are not the attacked one."""
        return self.fork, self.stranger, self.elsewhere

    @property
    def size(self) -> int:
        """How many entries the attacked log has."""
        return len(self.house.raw)

    @cached_property
    def things(self) -> dict[str, list[Thing]]:
        """All originals by kind; each is sound."""
        found: dict[str, list[Thing]] = {}
        for thing in self._made(self.house):
            found.setdefault(thing.kind, []).append(thing)
        found["log"].append(Thing("log", self.large.files()))
        return found

    @cached_property
    def foreign(self) -> dict[str, list[Thing]]:
        """The same of the other logs: where an attacker takes parts from."""
        found: dict[str, list[Thing]] = {}
        for other in self.others:
            for thing in self._made(other):
                found.setdefault(thing.kind, []).append(thing)
        return found

    def _made(self, log: SmallHospital) -> Iterator[Thing]:
        size = len(log.raw)
        for kept in (None, 1, size // 2, size - 1):
            since = None if kept is None else log.checkpoint(kept).encode()
            yield Thing("log", log.files(), since)
        for short in (2, 13):
            yield Thing("log", log.files(short))
        for at in (1, size // 2, size):
            yield Thing("checkpoint", {FILE: log.checkpoint(at).encode()})
            yield Thing("cosigned", {FILE: cosigned(log, self.witnesses, at)})
        for index in (0, 7, size // 2, size - 1):
            yield Thing("proof", {FILE: log.proof(index).encode()}, entry=log.raw[index])
            yield Thing("receipt", {FILE: log.receipt(index)})
        yield from self._parts_of(log)
        yield Thing("passport", {FILE: log.passports[RELEASE]})
        yield Thing("package", log.package())
        yield Thing("pack", log.evidence())

    def _parts_of(self, log: SmallHospital) -> Iterator[Thing]:
        bulk = next(
            (e for e in log.entries if e["outcome"].get("parts", {}).get("count") == PARTS), None
        )
        if bulk is None:
            return
        tree = Tree()
        tree.extend(map(leaf_hash, parts()))
        index = bulk["index"]
        for number, commitment in enumerate(parts()):
            part = Part(number, commitment, tree.inclusion(number))
            document = receipt_document(log.raw[index], log.proof(index), part)
            yield Thing("receipt", {FILE: canonical.encode(document)})


def parts() -> list[bytes]:
    """Commitments of a bulk act's parts."""
    return [bytes.fromhex(named(f"part {number}") * 2) for number in range(PARTS)]
