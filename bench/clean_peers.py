"""`anbiao clean` beside four peers on a corpus made for it: leaks, wrong actions, speed.

    python bench/clean_peers.py --subjects 300    the full size; `make bench` runs 100

Ours is the program itself, recipe `basic`, with a given key and one worker. Each peer runs at its
defaults, and at a stricter setting where its documentation has one. Generator and scorer
(`corpus/`) follow PS3.15 2024b on their own. Speed is processor time per file, read and written
in memory, on the files that ours gives out and gdcmanon takes, in turns.
"""

import argparse
import itertools
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # run as a program, not by `python -m bench`
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clean_ct import MEMORY, cleaner, one_round
from corpus.kinds import KINDS
from corpus.make import make
from corpus.score import Score, score
from corpus.truth import FILES, FileTruth
from figures import record, show
from peers import environment
from rich.console import Console
from rich.table import Table

from sandbox.deid.forms import Register

OURS = "anbiao"
PEERS = (
    "dicom-anonymizer",
    "dicom-anonymizer 2024b",
    "dicognito",
    "deid",
    "deid strict",
    "gdcmanon",
)
SPEED = "files a second of one core"
SUBJECTS = 100
ROUNDS = 3
ROUND_S = 1.5
CASES = Path(__file__).parent.parent / "build" / "bench-peers"
MEASURES = (
    ("files out", "of {0.files}", lambda s: s.out, None),
    ("files held", "of {0.files}", lambda s: s.held, None),
    ("files refused", "of {0.files}", lambda s: s.failed + s.unreadable, None),
    ("attributes that leak", "of {1}", lambda s: len(s.leaking), "<"),
    ("... at the top level", "of {1}", lambda s: sum(map(bool, s.leaking_top.values())), "<"),
    ("planted strings found", "share", lambda s: s.strings / max(s.strings_planted, 1), "<"),
    ("kinds of trap sprung", "of {2}", lambda s: len(s.traps), "<"),
    ("files that name their subject", "of {0.files}", lambda s: s.named, "<"),
    ("attributes with a wrong action", "of {1}", lambda s: s.wrong_attributes, "<"),
    ("wrong actions", "share", lambda s: sum(s.wrong.values()) / max(s.judged, 1), "<"),
    ("attributes lost that must stay", "of {3}", lambda s: len(s.lost), "<="),
    ("images changed", "of {0.files}", lambda s: s.pixels_changed, "<="),
    ("UIDs with broken relations", "UIDs", lambda s: s.broken, "<="),
    ("files without (0012,0062) YES", "of {0.files}", lambda s: s.unstated, "<="),
    ("files without the method's code", "of {0.files}", lambda s: s.uncoded, "<="),
)
"""Name, unit, value, and how ours must stand to the best peer's."""


@dataclass(frozen=True)
class Bench:
    """A corpus on disk and the folder that everything is done in."""

    folder: Path
    truths: list[FileTruth]

    @property
    def files(self) -> Path:
        return self.folder / FILES


def run(subjects: int = SUBJECTS) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        bench = Bench(Path(folder), make(Path(folder), subjects))
        scores, taken = {OURS: None}, set()
        scores[OURS], given_out = ours(bench)
        if environment.ready():
            for peer in PEERS:
                scores[peer], taken = theirs(bench, peer)
        speeds = measure(bench, given_out & taken if taken else given_out, list(scores))
    keep_cases(scores)
    tell(scores, speeds)
    record_all(scores, speeds)


def ours(bench: Bench) -> tuple[Score, set[str]]:
    """Clean the corpus with the program and judge it; and the names of what came out."""
    key, report, target = (bench.folder / name for name in ("key", "report.jsonl", OURS))
    key.write_text(secrets.token_hex(32))
    key.chmod(0o600)
    command = [sys.executable, "-m", "api.cli.main", "clean", bench.files, target]
    command += ["--recipe", "basic", "--key", key, "--workers", "1", "--report", report]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode not in {0, 3}:
        raise SystemExit(ended.stderr)
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    outputs = {one["source"]: target / one["output"] for one in lines if one["output"]}
    held = {one["source"] for one in lines if one["state"] == "held"}
    return score(bench.truths, outputs, held), set(outputs)


def theirs(bench: Bench, peer: str) -> tuple[Score, set[str]]:
    """Let a peer clean the corpus, judge it, and say what it took."""
    results = environment.run(peer, bench.files, bench.folder / peer.replace(" ", "-"))
    outputs = {one.name: one.output for one in results}
    judged = score(bench.truths, outputs, set())
    return judged, {name for name, output in outputs.items() if output}


def measure(bench: Bench, names: set[str], tools: list[str]) -> dict[str, float]:
    """Files a second of one core: the best of several rounds, in turns."""
    inputs, outputs = bench.folder / "timed", bench.folder / "written"
    inputs.mkdir()
    outputs.mkdir()
    for name in names:
        shutil.copy(bench.files / name, inputs)
    best = dict.fromkeys(tools, float("inf"))
    for _ in range(ROUNDS):
        for tool in tools:
            best[tool] = min(best[tool], seconds_a_file(tool, inputs, outputs))
    return {tool: 1 / spent for tool, spent in best.items()}


def seconds_a_file(tool: str, inputs: Path, outputs: Path) -> float:
    if tool != OURS:
        results = environment.run(tool, inputs, outputs, ROUND_S)
        return sum(one.spent_s for one in results) / len(results)
    return one_round(cleaner(Register()), inputs, outputs)


def rows(scores: dict[str, Score]):
    """Each measure with its unit and every tool's value."""
    mine = scores[OURS]
    sizes = (
        mine,
        max(len(one.planted) for one in scores.values()),
        max(len(one.traps_laid) for one in scores.values()),
        max(len(one.must_stay) for one in scores.values()),
    )
    for name, unit, value, stand in MEASURES:
        yield name, unit.format(*sizes), stand, {tool: value(one) for tool, one in scores.items()}


def tell(scores: dict[str, Score], speeds: dict[str, float]) -> None:
    """Print everything side by side."""
    table = Table("", *scores, title=f"{OURS} clean beside its peers, {scores[OURS].files} files")
    for name, unit, _, values in rows(scores):
        table.add_row(f"{name} ({unit})", *(f"{value:.4g}" for value in values.values()))
    table.add_row(f"{SPEED} (files/s)", *(f"{speeds[tool]:.4g}" for tool in scores))
    table.add_section()
    for kind in KINDS:
        table.add_row(kind, *(percent(one, kind) for one in scores.values()))
    console = Console()
    (console if console.is_terminal else Console(width=190)).print(table)


def percent(one: Score, kind: str) -> str:
    required = one.tally.required[kind]
    return f"{100 * one.tally.correct[kind] / required:.2f} %" if required else "-"


def record_all(scores: dict[str, Score], speeds: dict[str, float]) -> None:
    """One figure for each measure and tool; ours bears the goal, to pass the best peer."""
    for name, unit, stand, values in rows(scores):
        goal, met = standing(values, stand)
        for tool, value in values.items():
            mine = (None, None, goal, met) if tool == OURS else ()
            record("clean", f"peers: {name}, {tool}", value, unit, *mine, told=True)
    for tool, speed in speeds.items():
        record("clean", f"peers: {SPEED}, {tool}", speed, "files/s", told=True)
        if tool != OURS:
            name, ratio = f"peers: {SPEED}, {OURS}", speeds[OURS] / speed
            record("clean", name, speeds[OURS], "files/s", tool, ratio, told=True)
    for kind, (tool, one) in itertools.product(KINDS, scores.items()):
        if required := one.tally.required[kind]:
            share = 100 * one.tally.correct[kind] / required
            record("clean", f"peers: {kind}, {tool}", share, f"% of {required}", told=True)


def standing(values: dict[str, float], stand: str | None) -> tuple[str | None, bool]:
    """The goal of a measure of which less is better, and whether ours meets it."""
    others = [value for tool, value in values.items() if tool != OURS]
    if stand is None or not others:
        return None, True
    best, mine = min(others), values[OURS]
    # Where a peer errs nowhere, it can't be passed.
    stand = stand if best else "<="
    return f"{stand} {best:.4g}, the best peer", mine < best or (mine == best and stand == "<=")


def keep_cases(scores: dict[str, Score]) -> None:
    """Put every leak, wrong action and loss where it can be looked up."""
    CASES.mkdir(parents=True, exist_ok=True)
    for tool, one in scores.items():
        lines = (
            json.dumps({"file": name, "what": what, "path": path, "attribute": attribute}) + "\n"
            for name, what, path, attribute in one.cases
        )
        (CASES / f"{tool.replace(' ', '-')}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    run(parser.parse_args().subjects)
    sys.exit(0 if show() else 1)
