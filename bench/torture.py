"""`python -m bench.torture [--rounds N] [--seed S] [--no-flips]`: full fault and mutation counts.

1. Faults: N rounds of the whole play, the three processes killed at random moments all the while.
   Counted is what was acknowledged (a receipt in hand), lost, doubled, and forked.
2. Mutations: every byte of a small hospital's log, receipt, passport, package and evidence pack,
   one bit flipped; each has to be named by the verifier. Its own tests do it.

One JSON object per part is appended to `torture-results.jsonl`, with date and commit.
"""

import argparse
import importlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "torture-results.jsonl"
PER_HOUSE = 3
"""Rounds in one house. A worker that starts reads the whole log before it believes anything; in a
long log kills this frequent would leave it no time for work."""

SWEEPS = ("tests/verifier/test_bit_flips.py", "tests/verifier/test_json_forms.py")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.torture", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="plays under kills")
    parser.add_argument("--most", type=int, help="kills in a round, else until it ends")
    parser.add_argument("--seed", type=int, help="of the moments at which processes are killed")
    parser.add_argument("--no-flips", action="store_true", help="faults only")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where they are appended")
    given = parser.parse_args()
    seed = secrets.randbits(32) if given.seed is None else given.seed
    lines = [faults(given.rounds, seed, given.most)]
    keep(given.results, lines[0])
    if not given.no_flips:
        lines.append(mutations())
        keep(given.results, lines[1])
    return 0 if all(line["good"] for line in lines) else 1


def faults(rounds: int, seed: int, most: int | None) -> dict[str, Any]:
    """Play under kills; good is that nothing was lost, doubled or forked."""
    for folder in ("faults", "journey", "auditor"):
        sys.path.insert(0, str(ROOT / "tests" / folder))
    siege = importlib.import_module("siege")
    began, total, codes = time.monotonic(), siege.Tally(), set()
    for start in range(0, rounds, PER_HOUSE):
        tally, code = _one_house(siege, min(PER_HOUSE, rounds - start), seed + start, most)
        total.add(tally)
        codes.add(code)
        print(f"{total.rounds} rounds: {total}", flush=True)
    return {
        "part": "faults",
        "seed": seed,
        **vars(total),
        "verifier": max(codes, default=0),
        "seconds": round(time.monotonic() - began),
        "good": total.clean and codes <= {0},
    }


def _one_house(siege: ModuleType, rounds: int, seed: int, most: int | None) -> tuple[Any, int]:
    """Some rounds in a house of their own; a house that fails is left for who looks into it."""
    place = Path(tempfile.mkdtemp(prefix="anbiao-torture-"))
    siege.few_films(place / "films")
    house = siege.Siege(place / "house", seed)
    try:
        house.found()
        for _ in range(rounds):
            house.besiege(place / "films", most)
        tally, verdict = house.judge(), house.verdict()
    except BaseException:
        print(f"stopped in {place / 'house'}: {house.tally}", file=sys.stderr)
        raise
    finally:
        house.end()
    if tally.clean and verdict[0] == 0:
        shutil.rmtree(place)
    return tally, verdict[0]


def mutations() -> dict[str, Any]:
    """The verifier's sweep over every byte; good is that no flip survived."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *SWEEPS, "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "ANBIAO_TORTURE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (passed|failed)", done.stdout)}
    return {
        "part": "mutations",
        "sweeps": counts.get("passed", 0) + counts.get("failed", 0),
        "sweeps_with_a_survivor": counts.get("failed", 0),
        "seconds": round(time.monotonic() - began),
        "good": done.returncode == 0,
    }


def keep(results: Path, line: dict[str, Any]) -> None:
    """Append a result, with date and commit, and print it."""
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole = json.dumps({"date": date, "commit": _commit(), **line})
    with results.open("a", encoding="utf-8") as file:
        file.write(whole + "\n")
    print(whole, flush=True)


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
