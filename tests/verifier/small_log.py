"""A small hospital's log, made with `crypto` alone: people, entries, proofs, and what is published.

Everything is derived from names, so that two runs make the same entries. The log's own key is at
hand: a test may let the operator lie (`change`) and still sign, as an operator could.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from crypto import canonical, signing, tiles, tlogproof
from crypto.checkpoint import Checkpoint, sign_checkpoint
from crypto.merkle import Tree, leaf_hash
from crypto.note import Ed25519Signer, MldsaSigner
from policies.book import read_policy
from policies.table import compile_table, evaluate
from policies.vocabulary import SIGNED_ACTIONS

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
TABLE = compile_table(read_policy())

Entry = dict[str, Any]
Change = Callable[[Entry], None]
Files = dict[str, bytes]


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def named(name: str) -> str:
    """An id of 32 hex digits."""
    return seed(name).hex()[:32]


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


LEDGER = named("ledger")
DATASET = named("dataset")
PROJECT = named("project")
ON_DATASET = {
    "grade": 3,
    "category": "general",
    "dataset_state": "READY",
    "contract_valid": True,
    "purpose": "research",
    "declared_purpose": "research",
    "permit_valid": True,
}


@dataclass
class Person:
    """Someone with a pseudonym and a key; `grants` are (role, domain, organisation, index)."""

    name: str
    key_name: str = ""
    grants: list[tuple[str, str, str, int]] = field(default_factory=list)

    @property
    def member(self) -> str:
        return named(self.name)

    @property
    def key(self) -> signing.PersonKey:
        private = Ed25519PrivateKey.from_private_bytes(seed(f"key {self.key_name or self.name}"))
        return signing.PersonKey(private)

    def held(self, domain: str) -> list[tuple[str, str, str, int]]:
        return [grant for grant in self.grants if grant[1] in {"hospital", domain}]


class SmallLog:
    """Entries, their tree, and the log's two keys."""

    def __init__(self, ledger: str = LEDGER, key_name: str = "log") -> None:
        self.ledger = ledger
        self.origin = f"anbiao.test/{ledger}"
        self.signers = [
            Ed25519Signer(self.origin, Ed25519PrivateKey.from_private_bytes(seed(key_name))),
            MldsaSigner(self.origin, MLDSA44PrivateKey.from_seed_bytes(seed(f"{key_name} pq"))),
        ]
        self.raw: list[bytes] = []
        self.entries: list[Entry] = []
        self.tree = Tree()
        self.people: dict[str, Person] = {}
        self.witnesses: list[Any] = []
        self.now = START

    # --- keys and checkpoints ----------------------------------------------------------------
    @property
    def vkeys(self) -> list[str]:
        return [str(signer.vkey) for signer in self.signers]

    @property
    def keys_file(self) -> bytes:
        return "".join(f"{vkey}\n" for vkey in self.vkeys).encode()

    def checkpoint(self, size: int | None = None) -> str:
        size = len(self.raw) if size is None else size
        head = Checkpoint(self.origin, size, self.tree.root(size))
        note = sign_checkpoint(head, self.signers, self.now)
        return note + "".join(line(head.text()) for line in self.witnesses)

    def proof(self, index: int, size: int | None = None) -> str:
        size = len(self.raw) if size is None else size
        path = self.tree.inclusion(index, size)
        return tlogproof.format_proof(index, path, self.checkpoint(size), self.keys_file)

    def attested(self, index: int) -> dict[str, str]:
        return {"entry": self.raw[index].decode(), "proof": self.proof(index)}

    def receipt(self, index: int, part: Mapping[str, object] | None = None) -> bytes:
        return canonical.encode(self.attested(index) | ({"part": part} if part else {}))

    # --- entries -----------------------------------------------------------------------------
    def person(self, name: str) -> Person:
        return self.people.setdefault(name, Person(name))

    def add(
        self,
        name: str,
        action: str,
        objects: Mapping[str, str],
        *,
        facts: Mapping[str, object] | None = None,
        outcome: Mapping[str, object] | None = None,
        terms: Mapping[str, str] | None = None,
        domain: str = "hospital",
        refusal: str | None = None,
        change: Change | None = None,
    ) -> Entry:
        """Append one act by its rules, then as `change` makes it; a signature comes last."""
        who = self.person(name)
        held = who.held(domain)
        roles = sorted({grant[0] for grant in held}) if self.raw else ["steward"]
        self.now += timedelta(milliseconds=7)
        entry: Entry = {
            "v": 1,
            "ledger": self.ledger,
            "index": len(self.raw),
            "prev": "sha256:" + hashlib.sha256(self.raw[-1] if self.raw else b"").hexdigest(),
            "at": f"{self.now:%Y-%m-%dT%H:%M:%S.%f}Z",
            "clock": "system",
            "actor": who.member,
            "organisation": held[0][2] if held else "none" if self.raw else "hospital",
            "roles": roles,
            "granted_by": sorted({grant[3] for grant in held}),
            "domain": domain,
            "action": action,
            "objects": dict(objects),
            **self._ruled(roles, domain, action, facts or {}),
            "refusal": refusal,
            "outcome": {} if refusal else dict(outcome or {}),
        }
        if action in SIGNED_ACTIONS and refusal is None:
            self._sign(entry, who, terms or {})
        if change is not None:
            change(entry)
            signed = entry.get("signed")
            if isinstance(signed, dict) and signed.get("signature") == "":
                self._seal_act(entry, who)
        self._append(entry)
        return entry

    @staticmethod
    def _ruled(
        roles: list[str], domain: str, action: str, facts: Mapping[str, object]
    ) -> dict[str, object]:
        asked = {name: tuple(v) if isinstance(v, list) else v for name, v in facts.items()}
        decisive = {n: v for n, v in asked.items() if n in TABLE.decisive(action)}
        allowed, rule = evaluate(TABLE, roles, domain, action, decisive)
        return {
            "facts": {n: facts[n] for n in decisive},
            "ruling": {"allowed": allowed, "rule": rule, "policy": TABLE.digest},
        }

    def _sign(self, entry: Entry, who: Person, terms: Mapping[str, str]) -> None:
        entry["signed"] = {
            "key": b64(who.key.public_bytes),
            "signature": "",
            "nonce": named(f"nonce {self.ledger} {len(self.raw)}"),
            "objects": dict(entry["objects"]),
            "terms": dict(terms),
        }
        if entry["action"] == "release.vote":
            entry["signed"]["objects"].pop("project")
        self._seal_act(entry, who)

    def _seal_act(self, entry: Entry, who: Person) -> None:
        signed = entry["signed"]
        act = (entry["action"], signed["objects"], signed["terms"], signed["nonce"])
        signed["signature"] = b64(signing.sign_act(who.key, self.ledger, *act))

    def _append(self, entry: Entry) -> None:
        self.append_bytes(canonical.encode(entry))
        self.entries.append(entry)

    def append_bytes(self, octets: bytes) -> None:
        self.raw.append(octets)
        self.tree.append(leaf_hash(octets))

    def take(self, entries: Iterable[bytes]) -> None:
        """Rewrite the log: exactly these entries, under the log's own keys."""
        self.raw, self.tree = [], Tree()
        for octets in entries:
            self.append_bytes(octets)

    # --- what is published ---------------------------------------------------------------------
    def files(self, size: int | None = None) -> Files:
        """The published folder at one size."""
        size = len(self.raw) if size is None else size
        files = {"checkpoint": self.checkpoint(size).encode(), "keys": self.keys_file}
        for tile in tiles.tiles_between(0, size):
            files |= self.tile(tile.level or 0, tile.index, tile.width)
        return files

    def tile(self, level: int, index: int, width: int) -> Files:
        """One hash tile and, at level 0, the bundle beneath it."""
        hashes = tiles.hash_tile(self.tree, level, index, width)
        made = {tiles.tile_path(level, index, width): hashes}
        if level == 0:
            part = self.raw[index * tiles.WIDTH :][:width]
            made[tiles.entries_path(index, width)] = tiles.encode_bundle(part)
        return made
