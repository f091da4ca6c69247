"""Draws the state tables as Mermaid: `python -m policies.diagrams` prints docs/states.md."""

import sys
from collections.abc import Mapping

from policies.states import MACHINES

_HEAD = """# States

Drawn from the tables in `policies/states.py` by `python -m policies.diagrams`; a test compares
this page with them. What no arrow allows is refused (`illegal-transition`).
"""


def mermaid(table: Mapping[str, frozenset[str]]) -> str:
    """A state diagram of one table; the first state is where things begin."""
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(table))}"]
    for state, following in table.items():
        lines += [f"    {state} --> {follow}" for follow in sorted(following)]
        if not following:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)


def page(machines: Mapping[str, Mapping[str, frozenset[str]]] = MACHINES) -> str:
    """The page with every machine of the house."""
    parts = [
        f"## {name.capitalize()}\n\n```mermaid\n{mermaid(table)}\n```\n"
        for name, table in machines.items()
    ]
    return "\n".join([_HEAD, *parts])


if __name__ == "__main__":
    sys.stdout.write(page())
