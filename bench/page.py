"""`python bench/page.py`: draws docs/benchmarks.md from the last figure of each name.

Figures are those of one machine; the page names it. Nothing is written by hand.
"""

import json
from pathlib import Path

from peers_page import is_peers, side_by_side

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"
TORTURE = HERE / "torture-results.jsonl"
PAGE = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

The last figures of `make bench` (`make bench ROOM=gate` for one room), drawn by
`python bench/page.py`; nothing is written by hand. Sides of a ratio are measured in turns on the
same machine, the best of several rounds; above 1, ours is faster. The machine is a small virtual
one that did other work meanwhile, so that figures of storage are low ones; what misses its goal is
told as such. `make bench` appends yours to `bench/results.jsonl`.
"""


TORTURE_HEAD = """
## Torture

What `make torture` found last, part by part: plays under random kills; the writer of a log killed
or failed at each of its steps in turn; single steps of a whole house towards the disk that fail
(`stride` K: every K-th of all steps and faults); altered logs, proofs and passports before both
judges; flipped bytes; bad input at every door; packets that would leave the machine. Bad is a count
of what must never be: acts lost, doubled or unfinished, forks, lies accepted, judges that disagree;
`bench/torture-results.jsonl` keeps every line.

| part | of what | runs | bad | stride | s | date | commit |
|---|---|---|---|---|---|---|---|"""


BAD = (
    "lost",
    "doubled",
    "forks",
    "unfinished",
    "failed",
    "lies_accepted_by_library",
    "lies_accepted_by_verifier",
    "disagreements",
    "unforeseen",
)


def torture() -> list[str]:
    """The last line of each part, store, moment and process."""
    last: dict[tuple, dict] = {}
    for line in TORTURE.read_text(encoding="utf-8").splitlines() if TORTURE.exists() else ():
        told = json.loads(line)
        key = tuple(told.get(name) for name in ("part", "store", "moment", "process"))
        last.pop(key, None)
        last[key] = told
    return [TORTURE_HEAD, *map(tortured, last.values())] if last else []


def tortured(told: dict) -> str:
    names = [told[name] for name in ("store", "moment", "process") if name in told]
    kinds = told.get("runs") or told.get("kills") or {}
    runs = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    if "rounds" in told:
        runs = f"{told['rounds']} plays, {told['acknowledged']} acts acknowledged; killed: {runs}"
    elif "acknowledged" in told:
        runs = f"{told['acknowledged']} acts acknowledged; {runs}"
    if "cases" in told:
        runs = f"{told['cases']} cases"
    if "mutations" in told:
        runs = f"{told['mutations']:,} altered things in {len(told['ways'])} ways"
        runs += f", {told['refused']:,} refused, {told['true']:,} not altered in what they say"
    steps = f" ({told['steps']} steps)" if "steps" in told else ""
    bad = sum(told.get(k, 0) for k in BAD)
    cells = [
        told["part"],
        f"{' '.join(names)}{steps}",
        runs,
        str(bad) if told["good"] or bad else "**yes**",
        str(told.get("stride", "")),
        str(told.get("seconds", "")),
        told["date"][:10],
        told["commit"],
    ]
    return f"| {' | '.join(cells)} |"


def last_figures() -> list[dict]:
    found: dict[tuple, dict] = {}
    for line in RESULTS.read_text(encoding="utf-8").splitlines():
        figure = json.loads(line)
        key = (figure["room"], figure["name"], figure["against"])
        found.pop(key, None)
        found[key] = figure
    return list(found.values())


def page(figures: list[dict]) -> str:
    lines = [HEAD]
    for room in sorted({figure["room"] for figure in figures}):
        mine = [one for one in figures if one["room"] == room and not is_peers(one)]
        for machine in sorted({figure["machine"] for figure in mine}):
            lines += [f"\n## {room}\n\n{machine}.\n"]
            lines += ["| figure | value | unit | against | ratio | goal | met | date |"]
            lines += ["|---|---|---|---|---|---|---|---|"]
            lines += [row(figure) for figure in mine if figure["machine"] == machine]
        lines += side_by_side([one for one in figures if one["room"] == room and is_peers(one)])
    return "\n".join([*lines, *torture()]) + "\n"


def row(figure: dict) -> str:
    met = ("yes" if figure["met"] else "**no**") if figure["goal"] else ""
    cells = [
        figure["name"],
        f"{figure['value']:,.10g}",
        figure["unit"],
        figure["against"] or "",
        "" if figure["ratio"] is None else f"{figure['ratio']:.2f}",
        (figure["goal"] or "").replace("<", "&lt;").replace(">", "&gt;"),
        met,
        figure["date"][:10],
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(last_figures()), encoding="utf-8")
