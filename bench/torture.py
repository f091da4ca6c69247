"""`python -m bench.torture [--parts faults,...] [--rounds N] [--stride K]`: full counts of faults.

1. Faults: N rounds of the whole play, the three processes killed at random moments all the while.
   Counted is what was acknowledged (a receipt in hand), lost, doubled, and forked.
2. Writer: a gate over one growing ledger, killed or failed at each of its steps in turn, over
   SQLite and PostgreSQL, and started again.
3. Steps: each step of worker, notary and server towards the disk fails once in each way (killed,
   disk full, read-only, failed with and without effect), over SQLite and over PostgreSQL.
4. Attacks: mutated logs, checkpoints, cosignatures, proofs, receipts, passports, packages and packs
   before the library and the stand-alone verifier: none accepted, and one verdict.
5. Mutations: the bytes of a small hospital's log, receipt, passport, package and evidence pack,
   one bit flipped in every K-th; each has to be named by the verifier. Its own tests do it.
6. Bad input: every bad input at every door that takes any.
7. Network: the demo where the kernel counts every packet that would leave the machine.

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
from collections import Counter
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

ATTACK_COUNTS = (
    "mutations",
    "refused",
    "true",
    "lies_accepted_by_library",
    "lies_accepted_by_verifier",
    "disagreements",
    "unforeseen",
)
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
    parser.add_argument("--lives", type=int, default=2000, help="lives of the writer, per store")
    parser.add_argument("--attacks", type=int, default=100_000, help="mutations that are judged")
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
    arguments = ["every_step", str(place), "--stride", str(stride)]
    more = ["--postgresql"] if store == "postgresql" else []
    told = {"part": "steps", "store": store, "stride": stride}
    for tally in _told(arguments + more, told):
        bad = tally["lost"] + tally["doubled"] + tally["forks"] + tally["unfinished"]
        yield {**told, **tally, "good": not bad}


def _told(program: Sequence[str], told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a program of the tests tells, line by line; one that broke down is a result, too."""
    names = ("auditor", "faults", "gate", "journey", "storage", "attacks")
    folders = [ROOT, *(ROOT / "tests" / name for name in names)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    with subprocess.Popen(
        [sys.executable, "-m", *program], env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout or ():
            yield json.loads(line)
    if running.returncode not in {0, 1}:
        keys = ("lost", "doubled", "forks", "unfinished")
        yield {**told, **dict.fromkeys(keys, 0), "unfinished": 1, "ended": running.returncode}


def writers(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A writer killed at each step in turn; good is that nothing was lost, doubled or forked."""
    for store in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="anbiao-writer-") as place:
            program = ["killed_writer", f"{place}/house", str(given.lives)]
            more = ["--postgresql"] if store == "postgresql" else []
            told = {"part": "writer", "store": store}
            for tally in _told(program + more, told):
                bad = tally["lost"] + tally["doubled"] + tally["forks"] + tally["unfinished"]
                yield {**told, **tally, "good": not bad}


def attacks(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Mutations before both judges, on every core; good is that no finding is left."""
    seed = secrets.randbits(32) if given.seed is None else given.seed
    began, shares = time.monotonic(), len(os.sched_getaffinity(0))
    program = [sys.executable, ROOT / "tests" / "attacks" / "assault.py", str(given.attacks)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [*program, str(seed), "--share", f"{share}/{shares}"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in range(1, shares + 1)
    ]
    told = [one.communicate()[0] for one in running]
    tallies = [json.loads(text) for text in told if text]
    whole = {name: sum(t[name] for t in tallies) for name in ATTACK_COUNTS}
    for name in ("kinds", "ways"):
        counted: Counter[str] = Counter()
        for tally in tallies:
            counted.update(tally[name])
        whole[name] = dict(sorted(counted.items()))
    findings = [one for tally in tallies for one in tally["findings"]]
    yield {
        "part": "attacks",
        "seed": seed,
        **whole,
        "findings": findings[:50],
        "seconds": round(time.monotonic() - began),
        "good": not findings and len(tallies) == shares and whole["mutations"] == given.attacks,
    }


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
    "writer": writers,
    "steps": steps,
    "attacks": attacks,
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
