"""`python assault.py COUNT SEED [--share I/N]`: so many mutations, put before both judges.

Each altered thing is either refused by both, or true (`truth.py`) and then accepted or refused by
both alike. Anything else is a finding, and told with the number that makes it again. One JSON
object goes to standard output.
"""

# ruff: noqa: T201 - a program of its own

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

for _folder in ("verifier", "attacks"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))

import edited_logs  # noqa: E402
import forgeries  # noqa: E402
import json_forms  # noqa: E402
import line_forms  # noqa: E402
import mutations  # noqa: E402
from judges import Library, Verifier  # noqa: E402
from mutations import MUTATIONS, Mutation  # noqa: E402
from originals import FILE, Thing, World  # noqa: E402
from small_files import zipped  # noqa: E402
from truth import is_true  # noqa: E402

SOURCES = (mutations, line_forms, json_forms, edited_logs, forgeries)
"""Each counts its ways into `MUTATIONS` when it is imported."""

WEIGHTS = {
    "log": 5, "checkpoint": 4, "cosigned": 5, "proof": 5, "receipt": 6, "passport": 2, "package": 1,
    "pack": 1, "archive": 1,
}  # fmt: skip
"""How often each kind is attacked: the slow ones less often."""


@dataclass
class Tally:
    """What an attack came to."""

    mutations: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    true: int = 0
    lies_accepted_by_library: int = 0
    lies_accepted_by_verifier: int = 0
    disagreements: int = 0
    unforeseen: int = 0
    findings: list[str] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not self.findings

    def add(self, other: "Tally") -> None:
        """Count another share in."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Assault:
    """Draws mutations, one per number: the same number of the same seed is the same mutation."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.world = World()
        self.library, self.verifier = Library(self.world), Verifier(self.world)
        self.things = {**self.world.things}
        self.things["archive"] = [
            Thing("archive", {FILE: zipped(pack.files)}) for pack in self.things["pack"]
        ]
        self.ways: dict[str, list[Mutation]] = {
            kind: [one for one in MUTATIONS if kind in one.kinds] for kind in WEIGHTS
        }

    def run(self, wanted: int, first: int = 0, step: int = 1) -> Tally:
        """`wanted` mutations: the numbers `first`, `first + step`, and so on."""
        tally = Tally()
        for number in range(first, first + wanted * step, step):
            way, thing = self.draw(number)
            self.judge(tally, way, thing, f"{self.seed}:{number} {way} of {thing.kind}")
        return tally

    def draw(self, number: int) -> tuple[str, Thing]:
        """The mutation of that number."""
        for again in count():
            chance = random.Random(f"{self.seed}:{number}:{again}")  # noqa: S311 - no secret
            kind = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            original = chance.choice(self.things[kind])
            way = chance.choice(self.ways[kind])
            made = way.act(chance, self.world, original)
            if made is not None and made.kind == "pack":
                made = self._listed(chance, original, made)
            if made is not None and made != original:
                return way.name, made
        raise AssertionError

    def _listed(self, chance: random.Random, original: Thing, made: Thing) -> Thing:
        """An attacker writes the manifest anew: it is the exporter's word."""
        name = "manifest.json"
        if made.files.get(name) != original.files[name] or chance.random() < 0.2:
            return made
        rest = {n: octets for n, octets in made.files.items() if n != name}
        return made.having(name, self.world.house.manifest(rest))

    def judge(self, tally: Tally, way: str, thing: Thing, name: str) -> None:
        """Put one altered thing before both judges and count what they say."""
        tally.mutations += 1
        tally.kinds[thing.kind] += 1
        tally.ways[way] += 1
        try:
            ours, theirs = self.library.refuses(thing), self.verifier.refuses(thing)
        except Exception as error:  # noqa: BLE001 - a judge that breaks down is a finding
            tally.unforeseen += 1
            tally.findings.append(f"{name}: {type(error).__name__}: {error}"[:200])
            return
        tally.codes[f"{thing.kind} {ours} {theirs}"] += 1
        if theirs is not None and theirs.startswith("BROKEN malformed"):
            tally.unforeseen += 1
            tally.findings.append(f"{name}: {theirs}")
        if ours is not None and theirs is not None:
            tally.refused += 1
            return
        true = is_true(self.world, thing)
        tally.true += true
        tally.lies_accepted_by_library += ours is None and not true
        tally.lies_accepted_by_verifier += theirs is None and not true
        tally.disagreements += (ours is None) != (theirs is None)
        if not true or ours != theirs:
            tally.findings.append(f"{name}: true {true}, library {ours}, verifier {theirs}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="assault.py", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--share", default="1/1", help="I/N: the I-th of N shares")
    given = parser.parse_args()
    part, whole = map(int, given.share.split("/"))
    began = time.monotonic()
    tally = Assault(given.seed).run(len(range(part - 1, given.count, whole)), part - 1, whole)
    told = {**vars(tally), "seconds": round(time.monotonic() - began)}
    print(json.dumps(told), flush=True)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
