"""Lines of notes, keys and proofs: dropped, doubled, moved, and spelt otherwise."""

import base64
import random
from collections.abc import Callable

from mutations import MUTATIONS, Mutation
from originals import FILE, Thing, World

NOTES = frozenset({"log", "checkpoint", "cosigned", "proof"})


def _noted(thing: Thing, chance: random.Random) -> tuple[str, list[str]] | None:
    """A file of lines, split; in a log it is the checkpoint or the keys."""
    file = chance.choice(["checkpoint", "keys"]) if thing.kind == "log" else FILE
    return file, thing.files[file].decode().split("\n")


def of_lines(name: str, change: Callable[[random.Random, list[str]], list[str] | None]) -> None:
    """A way that alters the lines of a note, its keys or a proof."""

    def act(chance: random.Random, _world: World, thing: Thing) -> Thing | None:
        found = _noted(thing, chance)
        if found is None:
            return None
        file, lines = found
        changed = change(chance, lines)
        return None if changed is None else thing.having(file, "\n".join(changed).encode())

    MUTATIONS.append(Mutation(name, NOTES, act))


def drop_line(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    return lines[:at] + lines[at + 1 :]


def double_line(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    return [*lines[: at + 1], *lines[at:]]


def swap_lines(chance: random.Random, lines: list[str]) -> list[str]:
    changed = lines[:]
    a, b = chance.sample(range(len(lines)), 2)
    changed[a], changed[b] = lines[b], lines[a]
    return changed


def strange_line(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randint(0, len(lines))
    word = base64.b64encode(chance.randbytes(chance.choice([3, 5, 32, 68, 76]))).decode()
    made = chance.choice(
        [
            "",
            "extension",
            word,
            f"— {lines[0]} {word}",
            f"— witness.one {word}",
            f"— x {word}",
            f"-- x {word}",
        ]
    )
    return [*lines[:at], made, *lines[at:]]


def pad_line(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    blank = chance.choice([" ", "\t", "  ", "\u00a0", "="])
    padded = chance.choice([lines[at] + blank, blank + lines[at], lines[at].replace(" ", blank)])
    return [*lines[:at], padded, *lines[at + 1 :]]


NUMBERS = (
    "0{n}", "+{n}", "-{n}", "{n}.0", "{n}e0", " {n}", "{n} ", "0x{n}", "{n}0", "",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "1" + "0" * 400, "٣", "-1",
)  # fmt: skip


def other_number(chance: random.Random, lines: list[str]) -> list[str] | None:
    """Sizes and indices in other spellings, and ones that nobody can hold."""
    found = [at for at, line in enumerate(lines) if line.removeprefix("index ").isdecimal()]
    if not found:
        return None
    at = chance.choice(found)
    word, digits = lines[at].rstrip("0123456789"), lines[at].lstrip("index ")
    near = str(max(0, int(digits) + chance.choice([-1, 1, 2, 256])))
    form = chance.choice([*NUMBERS, near, near]).replace("{n}", digits)
    return [*lines[:at], word + form, *lines[at + 1 :]]


def other_base64(chance: random.Random, lines: list[str]) -> list[str] | None:
    """The same bytes, spelt in a way that a lax reader takes for them."""
    at = chance.randrange(len(lines))
    line = lines[at]
    if len(line) < 20:
        return None
    loose = line.rstrip("=")
    # The bits under the padding are not part of the value.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = loose[:-1] + alphabet[(alphabet.find(loose[-1]) ^ 1) % 64]
    made = chance.choice(
        [
            loose,
            line + "=",
            stray + "=" * (len(line) - len(loose)),
            line.replace("+", "-").replace("/", "_"),
            line[:-8] + " " + line[-8:],
            line + "\u200b",
        ]
    )
    return [*lines[:at], made, *lines[at + 1 :]]


of_lines("line-dropped", drop_line)
of_lines("line-doubled", double_line)
of_lines("line-reorder", swap_lines)
of_lines("line-inserted", strange_line)
of_lines("line-padded", pad_line)
of_lines("number-form", other_number)
of_lines("base64-form", other_base64)
