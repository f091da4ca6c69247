"""Ways to alter things, and those that know nothing of formats: bytes flipped, cut, moved, spliced.

A mutation gives None where it does not fit; what it makes may be no mutation at all (the same
bytes, or a change that claims nothing): that is told by `truth.py`, by rule.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from originals import Thing, World

ALL = frozenset(
    {"log", "checkpoint", "cosigned", "proof", "receipt", "passport", "package", "pack", "archive"}
)

Change = Callable[[random.Random, bytes], bytes | None]
Act = Callable[[random.Random, World, Thing], Thing | None]


@dataclass(frozen=True)
class Mutation:
    """A way to alter things: its name, the kinds that it fits, and how."""

    name: str
    kinds: frozenset[str]
    act: Act


MUTATIONS: list[Mutation] = []


def mutation(name: str, kinds: frozenset[str]) -> Callable[[Act], Act]:
    """Count a way in."""

    def counted(act: Act) -> Act:
        MUTATIONS.append(Mutation(name, kinds, act))
        return act

    return counted


def of_bytes(name: str, change: Change, kinds: frozenset[str] = ALL) -> None:
    """A way that alters the bytes of one file, whichever."""

    def act(chance: random.Random, _world: World, thing: Thing) -> Thing | None:
        file = chance.choice(sorted(thing.files))
        changed = change(chance, thing.files[file])
        return None if changed is None else thing.having(file, changed)

    MUTATIONS.append(Mutation(name, kinds, act))


# --- bytes ---------------------------------------------------------------------------------------
def _span(chance: random.Random, size: int, longest: int = 64) -> tuple[int, int]:
    start = chance.randrange(size)
    return start, min(size, start + chance.randint(1, longest))


def flip(chance: random.Random, octets: bytes) -> bytes | None:
    if not octets:
        return None
    at = chance.randrange(len(octets))
    return octets[:at] + bytes([octets[at] ^ 1 << chance.randrange(8)]) + octets[at + 1 :]


def flip_some(chance: random.Random, octets: bytes) -> bytes | None:
    changed: bytes | None = octets
    for _ in range(chance.randint(2, 6)):
        changed = changed and flip(chance, changed)
    return changed


def overwrite(chance: random.Random, octets: bytes) -> bytes | None:
    if not octets:
        return None
    start, stop = _span(chance, len(octets))
    filler = chance.choice(
        [bytes(stop - start), b"\xff" * (stop - start), chance.randbytes(stop - start)]
    )
    return octets[:start] + filler + octets[stop:]


def truncate(chance: random.Random, octets: bytes) -> bytes | None:
    if not octets:
        return None
    near = max(0, len(octets) - chance.randint(1, 8))
    return octets[: chance.choice([near, chance.randrange(len(octets))])]


def behead(chance: random.Random, octets: bytes) -> bytes | None:
    return octets[chance.randint(1, max(1, len(octets) // 2)) :] if octets else None


def cut_out(chance: random.Random, octets: bytes) -> bytes | None:
    if not octets:
        return None
    start, stop = _span(chance, len(octets))
    return octets[:start] + octets[stop:]


def insert(chance: random.Random, octets: bytes) -> bytes:
    at = chance.randint(0, len(octets))
    return octets[:at] + chance.randbytes(chance.randint(1, 40)) + octets[at:]


def repeat(chance: random.Random, octets: bytes) -> bytes | None:
    if not octets:
        return None
    start, stop = _span(chance, len(octets))
    at = chance.randint(0, len(octets))
    return octets[:at] + octets[start:stop] + octets[at:]


def swap_spans(chance: random.Random, octets: bytes) -> bytes | None:
    if len(octets) < 4:
        return None
    a, b, c, d = sorted(chance.sample(range(len(octets) + 1), 4))
    return octets[:a] + octets[c:d] + octets[b:c] + octets[a:b] + octets[d:]


CONTROLS = [chr(c) for c in (*range(0x20), 0x7F)] + list("\x85\u2028\u200b\u202e\ufeff\u00a0")


def control(chance: random.Random, octets: bytes) -> bytes:
    at = chance.randint(0, len(octets))
    return octets[:at] + chance.choice(CONTROLS).encode() + octets[at:]


def bloat(chance: random.Random, octets: bytes) -> bytes:
    filler = chance.choice([b"\0", b"A", b"\n", b" ", b"[", b'{"a":', octets[:1] or b"x"])
    return octets + filler * chance.choice([1 << 12, 1 << 16, (1 << 16) + 1, 1 << 18])


def other_line_ends(chance: random.Random, octets: bytes) -> bytes:
    return octets.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\r", b""]))


def mark(_chance: random.Random, octets: bytes) -> bytes:
    return b"\xef\xbb\xbf" + octets


of_bytes("bit-flip", flip)
of_bytes("bit-flips", flip_some)
of_bytes("overwriting", overwrite)
of_bytes("truncation", truncate)
of_bytes("beheading", behead)
of_bytes("excision", cut_out)
of_bytes("insertion", insert)
of_bytes("repetition", repeat)
of_bytes("reorder-bytes", swap_spans)
of_bytes("control-character", control)
of_bytes("huge-size", bloat)
of_bytes("line-ends", other_line_ends)
of_bytes("byte-order-mark", mark)


@mutation("splice", ALL)
def splice(chance: random.Random, world: World, thing: Thing) -> Thing | None:
    """The beginning of one and the end of another, of another log's file of that name."""
    kind = "pack" if thing.kind == "archive" else thing.kind
    donor = chance.choice(world.foreign[kind] + world.things[kind])
    file = chance.choice(sorted(thing.files))
    own, other = thing.files[file], donor.files.get(file, b"")
    if not other or thing.kind == "archive":
        return None
    at = chance.randrange(min(len(own), len(other)) or 1)
    return thing.having(file, own[:at] + other[at:])
