"""The table at the end: what came in, what was held, what left, what the verifier says."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.demo.scenes import Play
from api.demo.verdicts import Verdict
from crypto.verifier import Members, parse_note, read_entries, read_pack


def entries_in(pack: Path) -> list[Mapping[str, object]]:
    """All entries of the log in an evidence pack, in order."""
    members = Members(read_pack(pack.read_bytes()), "log/")
    size = parse_note(members.read("checkpoint"), "checkpoint").size
    return [json.loads(entry) for entry in read_entries(members, size)]


def removed_in(entries: Sequence[Mapping[str, object]]) -> Counter[str]:
    """Identifiers removed, by kind, as the entries of cleaning count them."""
    removed: Counter[str] = Counter()
    for entry in entries:
        outcome = entry["outcome"]
        if entry["action"] != "item.clean" or not isinstance(outcome, dict):
            continue
        for name, count in outcome.get("counts", {}).items():
            kind, _, identifier = str(name).partition(":")
            if kind == "removed":
                removed[identifier] += count
    return removed


def show(console: Console, play: Play, verdicts: Sequence[Verdict], took_s: float) -> None:
    """Print the table, the verdicts, and where everything lies."""
    entries = entries_in(play.party("regulator") / "evidence.zip")
    table = Table(title="What happened", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(play, entries, took_s):
        table.add_row(name, value)
    console.print(table)
    console.print(_verdict_table(verdicts))
    console.print("To repeat a verdict:")
    for verdict in verdicts:
        console.print(f"  {verdict.command}", soft_wrap=True, highlight=False, markup=False)


def _rows(
    play: Play, entries: Sequence[Mapping[str, object]], took_s: float
) -> Iterator[tuple[str, str]]:
    states = Counter(str(item["state"]) for item in play.items)
    yield "items deposited", str(len(play.items))
    for state, count in sorted(states.items()):
        yield f"  {state.lower()}", str(count)
    held = Counter(
        (str(item["state"]).lower(), str(item["reason"])) for item in play.items if item["reason"]
    )
    for (state, reason), count in sorted(held.items()):
        yield f"  why {state}", f"{count} {reason}"
    yield "identifiers removed", _counted(removed_in(entries)) or "none"
    actions = Counter(str(entry["action"]) for entry in entries if entry["refusal"] is None)
    yield "items issued", f"{play.issued} to each of two projects, under other identifiers"
    both = len(play.seen & play.seen_by_other)
    seen = f"{len(play.seen)} and {len(play.seen_by_other)} that their people saw"
    yield "  seen in both", f"{both} identifiers of {seen}"
    yield "labels", f"{actions['label.submit']} saved, {actions['review.submit']} reviewed"
    names = ", ".join(sorted(path.name for path in play.files_left))
    yield "what left", f"release {play.release}: {names}"
    yield "witnesses", "none: the passport says unwitnessed"
    refused = Counter(str(entry["refusal"]) for entry in entries if entry["refusal"] is not None)
    told = f"{refused.total()} of them refusals ({_counted(refused) or 'none'})"
    yield "hospital's log", f"{len(entries)} entries, {told}"
    yield "time", f"{took_s:.1f} s"
    yield "server", play.stage.url
    yield "folder", str(play.stage.folder)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def _verdict_table(verdicts: Sequence[Verdict]) -> Table:
    table = Table(title="What the verifier says", title_justify="left")
    for name in ("of", "exit", "expected", "verdict"):
        table.add_column(name, overflow="fold")
    for one in verdicts:
        style = "green" if one.as_expected else "bold red"
        table.add_row(one.what, str(one.code), str(one.expected), one.said, style=style)
    return table
