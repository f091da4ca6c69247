"""Entries reordered, left out, doubled, put in and exchanged, and the tiles made anew to fit.

Each edit comes in three forms: under the honest checkpoint; signed by a stranger in the log's name;
signed by an operator who holds the pinned keys and breaks the chain, or a kept checkpoint.
"""

import hashlib
import json
import random
from collections.abc import Callable

from json_forms import rewritten
from mutations import mutation
from originals import Thing, World
from small_log import Files, SmallLog

from crypto import canonical, tiles

LOG = frozenset({"log"})
Raw = list[bytes]


def with_keys(chance: random.Random, world: World, files: Files) -> Files:
    """A stranger's log may name the pinned keys, its own, or both."""
    own, pinned = files["keys"], world.house.keys_file
    return {**files, "keys": chance.choice([own, pinned, pinned + own, own + pinned])}


def _reorder(chance: random.Random, _world: World, raw: Raw) -> Raw:
    a, b = chance.sample(range(len(raw)), 2)
    changed = raw[:]
    changed[a], changed[b] = raw[b], raw[a]
    return changed


def _rotate(chance: random.Random, _world: World, raw: Raw) -> Raw:
    at = chance.randrange(1, len(raw))
    return raw[at:] + raw[:at]


def _leave_out(chance: random.Random, _world: World, raw: Raw) -> Raw:
    at = chance.randrange(len(raw))
    return raw[:at] + raw[at + 1 :]


def _double(chance: random.Random, _world: World, raw: Raw) -> Raw:
    at = chance.randrange(len(raw))
    return [*raw[: at + 1], *raw[at:]]


def _put_in(chance: random.Random, world: World, raw: Raw) -> Raw:
    foreign = chance.choice(chance.choice(world.others).raw)
    at = chance.randint(0, len(raw))
    return [*raw[:at], foreign, *raw[at:]]


def _exchange(chance: random.Random, world: World, raw: Raw) -> Raw:
    at = chance.randrange(len(raw))
    other = chance.choice(chance.choice(world.others).raw[at : at + 1] or [b"{}"])
    return [*raw[:at], other, *raw[at + 1 :]]


def _change(chance: random.Random, _world: World, raw: Raw) -> Raw:
    at = chance.randrange(len(raw))
    changed = rewritten(chance, raw[at]) or b""
    return [*raw[:at], changed[: tiles.MAX_ENTRY_BYTES], *raw[at + 1 :]]


def _fork(chance: random.Random, world: World, raw: Raw) -> Raw:
    """One beginning, the other end."""
    at = chance.randrange(1, len(raw))
    return raw[:at] + chance.choice(world.others).raw[at : len(raw)]


EDITS: dict[str, Callable[[random.Random, World, Raw], Raw]] = {
    "entries-reordered": _reorder,
    "entries-rotated": _rotate,
    "entry-left-out": _leave_out,
    "entry-doubled": _double,
    "entry-put-in": _put_in,
    "entry-exchanged": _exchange,
    "entry-changed": _change,
    "fork": _fork,
}


def _chained(raw: Raw) -> Raw:
    """Numbers and `prev` mended, as far as these are entries at all."""
    made: Raw = []
    for index, octets in enumerate(raw):
        digest = hashlib.sha256(made[-1] if made else b"").hexdigest()
        try:
            entry = {**json.loads(octets), "index": index, "prev": f"sha256:{digest}"}
            made.append(canonical.encode(entry)[: tiles.MAX_ENTRY_BYTES])
        except (ValueError, TypeError, canonical.VerificationError):
            made.append(octets)
    return made


def log_of(raw: Raw, signer: SmallLog) -> SmallLog:
    """These entries under the name and keys of another log."""
    made = SmallLog(ledger=signer.ledger)
    made.signers = signer.signers
    made.take(raw)
    return made


def _entries_of(thing: Thing) -> Raw:
    return [
        entry
        for name in sorted(thing.files)
        if name.startswith("tile/entries/")
        for entry in tiles.decode_bundle(thing.files[name])
    ]


def _edited(name: str) -> None:
    edit = EDITS[name]

    @mutation(name, LOG)
    def behind(chance: random.Random, world: World, thing: Thing) -> Thing:
        """Tiles and bundles agree with each other; the checkpoint is the honest one."""
        raw = edit(chance, world, _entries_of(thing))
        raw = _chained(raw) if chance.random() < 0.5 else raw
        made = log_of(raw, world.house).files()
        honest = {n: thing.files[n] for n in ("checkpoint", "keys")}
        return Thing("log", {**made, **honest}, thing.since)

    @mutation(f"{name}, signed by a stranger", LOG)
    def resigned(chance: random.Random, world: World, thing: Thing) -> Thing:
        """All of it made anew and signed, under a key that nobody pinned."""
        raw = _chained(edit(chance, world, _entries_of(thing)))
        files = log_of(raw, world.stranger).files()
        return Thing("log", with_keys(chance, world, files), thing.since)

    @mutation(f"{name}, signed by the operator", LOG)
    def lied(chance: random.Random, world: World, thing: Thing) -> Thing | None:
        """The pinned keys sign it; the chain is not mended, or a kept checkpoint forbids it."""
        before = _entries_of(thing)
        raw, since = edit(chance, world, before), thing.since
        if raw[: len(before)] == before:
            return None  # the log went on: its operator may say more at any time
        # Whoever kept no checkpoint can't tell an operator's well-told history from another.
        if name == "fork" or raw[:-1] == before[:-1] or chance.random() < 0.5:
            raw, since = _chained(raw), world.house.checkpoint().encode()
        return Thing("log", log_of(raw, world.house).files(), since)


for _name in EDITS:
    _edited(_name)
