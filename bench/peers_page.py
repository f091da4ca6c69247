"""Draws `anbiao clean` and its peers side by side: one row a measure, one column a tool."""

from collections import defaultdict

MARK = "peers: "
OURS = "anbiao"
TEXT = """
### Peers side by side

`python bench/clean_peers.py` ({subjects}; last run {date}, {machine}) plants every attribute of
PS3.15 2024b Table E.1-1 at the top of files and up to five sequences below, and hides identifiers
in {traps} other kinds of place, in synthetic CT, MR, CR, PT, US, SC, SR and RT objects. Generator
and scorer (`bench/corpus/`) share nothing with what cleans. Every case is listed under
`build/bench-peers/` after a run.

- `anbiao`: the program, recipe `basic`, a given key, one worker. It holds pictures that show who
  they are of, and files in which it still finds an identifier; a held file has no part in the rows
  below it.
- `dicom-anonymizer` 2.1.0: its defaults (the table of 2023), and the table of 2024b, which its
  documentation offers.
- `dicognito` 0.19.0: its defaults; it has no stricter setting, and doesn't claim the Basic Profile.
- `deid` 0.4.13: its default recipe; `strict` removes private elements as well. Its
  `strip_sequences` is left out: it raises at sequences in sequences. Recipes of one's own can do
  better.
- `gdcmanon` 3.2.6: the PS 3.15 mode, its default, with a certificate whose private key is thrown
  away, and the tables of objects that come with it. What it encrypts into the file is no leak. Its
  profile is that of an older edition.

Where the table leaves a choice of actions each of them passes, and dates may be moved by one number
of days. A leak is a planted value left in its place, or its unique words
anywhere in the output. The ten rows in code type count the kinds of action that the MIDI-B
benchmark counts, correct over required on this corpus; they are not that benchmark's own scores.
Some of the other kinds of place, remarks that the table doesn't list for instance, lie beyond what
the profile asks of a tool.
"""


def is_peers(figure: dict) -> bool:
    """Whether a figure belongs to the table."""
    return figure["name"].startswith(MARK)


def side_by_side(figures: list[dict]) -> list[str]:
    """The section's lines; none without figures."""
    if not figures:
        return []
    cells: dict[str, dict[str, dict]] = defaultdict(dict)
    ratios: dict[str, float] = {}
    for figure in figures:
        measure, _, tool = figure["name"].removeprefix(MARK).rpartition(", ")
        if figure["against"]:
            ratios[figure["against"]] = figure["ratio"]
        else:
            cells[measure][tool] = figure
    tools = list(dict.fromkeys(tool for row in cells.values() for tool in row))
    lines = [_told(figures, cells), f"| | {' | '.join(tools)} | goal of ours | met |"]
    lines += ["|---|" + "---|" * (len(tools) + 2)]
    lines += [_row(measure, row, tools) for measure, row in cells.items()]
    if ratios:
        shown = [f"{ratios[tool]:.2f}" if tool in ratios else "" for tool in tools]
        lines.append(f"| ours, times as fast | {' | '.join(shown)} | | |")
    return lines


def _told(figures: list[dict], cells: dict[str, dict[str, dict]]) -> str:
    files = cells["files out"][OURS]["unit"].removeprefix("of ")
    traps = cells["kinds of trap sprung"][OURS]["unit"].removeprefix("of ")
    return TEXT.format(
        subjects=f"{files} files",
        date=figures[-1]["date"][:10],
        machine=figures[-1]["machine"],
        traps=traps,
    )


def _row(measure: str, row: dict[str, dict], tools: list[str]) -> str:
    kind = all(one["unit"].startswith("% of") for one in row.values())
    name = f"`{measure}`" if kind else f"{measure}, {next(iter(row.values()))['unit']}"
    values = [_cell(row[tool], kind=kind) if tool in row else "" for tool in tools]
    ours = row.get(OURS)
    goal = (ours["goal"] if ours else None) or ""
    met = ("yes" if ours["met"] else "**no**") if goal else ""
    goal = goal.replace("<", "&lt;").removesuffix(", the best peer")
    return f"| {name} | {' | '.join(values)} | {goal} | {met} |"


def _cell(figure: dict, *, kind: bool) -> str:
    value = f"{figure['value']:,.10g}"
    return f"{value} %{figure['unit'].removeprefix('%')}" if kind else value
