"""`python -m bench.torture [--parts faults,...] [--rounds N] [--stride K]`: full counts of faults.

1. Faults: N rounds of the whole play, the three processes killed at random moments all the while.
   Counted is what was acknowledged (a receipt in hand), lost, doubled, and forked.
2. Steps: each step of worker, notary and server towards the disk fails once in each way (killed,
   disk full, read-only, failed but persisted), over SQLite and over PostgreSQL.
3. Mutations: the bytes of a small hospital's log, receipt, passport, package and evidence pack,
   one bit flipped in every K-th; each has to be named by the verifier. Its own tests do it.
4. Bad input: every bad input at every door that takes any.
5. Network: the demo where the kernel counts every packet that would leave the machine.

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
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.network import measured

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "torture-results.jsonl"
PER_HOUSE = 3
"""Rounds in one house. A worker that starts reads the whole log before it believes anything; in a
long log kills this frequent would leave it no time for work."""

SWEEPS = ("tests/verifier/test_bit_flips.py", "tests/verifier/test_json_forms.py")
BAD_INPUT = (
    "tests/faults/test_bad_files.py",
    "tests/faults/test_full_disk.py",
    "tests/api/test_hostile_requests.py",
    "tests/clean/test_bad_deposits.py",
    "tests/collect",
    "tests/deid/test_dicom_refusals.py",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.torture", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="which of the parts")
    parser.add_argument("--rounds", type=int, default=20, help="plays under kills")
    parser.add_argument("--most", type=int, help="kills in a round, else until it ends")
    parser.add_argument("--seed", type=int, help="of the moments at which processes are killed")
    parser.add_argument(
        "--stride", type=int, default=1, help="every K-th failing step and flipped byte only"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where they are appended")
    given = parser.parse_args()
    chosen = given.parts.split(",")
    if not set(chosen) <= PARTS.keys():
        parser.error(f"--parts takes {', '.join(PARTS)}")
    good = True
    for part in chosen:
        for line in PARTS[part](given):
            keep(given.results, line)
            good = good and line["good"]
    return 0 if good else 1


def sieges(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Part 1, from a seed that is kept with the result."""
    seed = secrets.randbits(32) if given.seed is None else given.seed
    yield faults(given.rounds, seed, given.most)


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


def steps(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every failing step: one line per store, moment and process; good is that nothing was lost."""
    for store in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="anbiao-steps-") as place:
            yield from _steps_over(store, Path(place), given.stride)


def _steps_over(store: str, place: Path, stride: int) -> Iterator[dict[str, Any]]:
    folders = [ROOT, *(ROOT / "tests" / f for f in ("auditor", "faults", "journey", "storage"))]
    command = [sys.executable, "-m", "every_step", str(place), "--stride", str(stride)]
    command += ["--postgresql"] if store == "postgresql" else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        for line in running.stdout or ():
            told = json.loads(line)
            bad = told["lost"] + told["doubled"] + told["forks"] + told["unfinished"]
            yield {"part": "steps", "stride": stride, **told, "good": not bad}
    if running.returncode not in {0, 1}:
        yield {"part": "steps", "store": store, "stride": stride, "good": False}


def mutations(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The verifier's sweep over every K-th byte; good is that no flip survived."""
    yield {"stride": given.stride, **_by_tests("mutations", SWEEPS, given.stride)}


def bad_input(_given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every bad input at every door; good is that each was refused as it must be."""
    yield _by_tests("bad-input", BAD_INPUT)


def _by_tests(part: str, tests: Sequence[str], stride: int = 1) -> dict[str, Any]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *tests, "-q", "-n", "2", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "TORTURE_EVERY": str(stride)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (passed|failed)", done.stdout)}
    return {
        "part": part,
        "cases": counts.get("passed", 0) + counts.get("failed", 0),
        "failed": counts.get("failed", 0),
        "seconds": round(time.monotonic() - began),
        "good": done.returncode == 0,
    }


def network(_given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The demo in a network of its own; good is that the kernel saw nothing leave."""
    began, told = time.monotonic(), measured()
    good = told["control"] == 1 and told["sent"] == 0 and told["exit"] == 0
    yield {"part": "network", **told, "seconds": round(time.monotonic() - began), "good": good}


PARTS = {
    "faults": sieges,
    "steps": steps,
    "mutations": mutations,
    "bad-input": bad_input,
    "network": network,
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
