"""`python -m sandbox.storage.migrations.revise "what changes"`: draws the next revision.

The rows of today are compared with what the revisions make; the difference becomes a file in
`versions/`. Read it: a renamed field looks like one that went and one that came, and the values
that fill new columns are guesses. A revision that is on main is never drawn anew; one that is not
yet, and whose number another revision took meanwhile, is deleted and drawn again.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from sandbox.storage.fields import Form, Kind, Stored
from sandbox.storage.migrations import run
from sandbox.storage.migrations.steps import (
    AddColumn,
    AddIndex,
    AddUnique,
    DropColumn,
    DropIndex,
    DropTable,
    DropUnique,
    Kept,
    Known,
    MakeTable,
    SetNullable,
    Step,
)
from sandbox.storage.rows import ROWS_OF, LedgerKind
from sandbox.storage.schema import TableForm, form_of_table

_HEAD = '''"""{message}."""

from typing import Final

{imports}
revision: Final = "{revision}"
down_revision: Final = {before!r}

STEPS: Final = (
{steps})


def upgrade(place: steps.Workplace) -> None:
    """Carry this revision out."""
    place.carry_out(STEPS)
'''
_IMPORTS = {
    "sandbox.storage.fields": ("Kind",),
    "sandbox.storage.migrations": ("steps",),
    "sandbox.storage.rows": ("LedgerKind",),
    "sandbox.storage.schema": ("ColumnForm", "TableForm", "columns_of"),
}
_FILLS: dict[Kind, Stored] = {Kind.TEXT: "", Kind.NUMBER: 0, Kind.TRUTH: False, Kind.OCTETS: b""}


def wanted() -> Known:
    """The tables that the rows of today want."""
    kinds: dict[str, tuple[TableForm, set[LedgerKind]]] = {}
    for kind, row_types in ROWS_OF.items():
        for row_type in row_types:
            form = form_of_table(Form(row_type))
            kinds.setdefault(form.name, (form, set()))[1].add(kind)
    return {name: Kept(form, frozenset(of)) for name, (form, of) in kinds.items()}


def missing() -> tuple[Step, ...]:
    """What no revision says, though the rows of today want it."""
    return tuple(differences(run.known_at(run.head()), wanted()))


def differences(known: Known, aim: Known) -> Iterator[Step]:
    """Steps that lead from `known` to `aim`.

    Raises:
        NotImplementedError: a change that only a person can put into words.
    """
    for name in known:
        if name not in aim:
            yield DropTable(name)
    for name, kept in aim.items():
        if name not in known:
            yield MakeTable(kept.form, tuple(sorted(kept.kinds)))
            continue
        if known[name].kinds != kept.kinds:
            raise NotImplementedError(f"table {name} moves to other ledgers: write that by hand")
        yield from _table_differences(known[name].form, kept.form)


def _table_differences(old: TableForm, new: TableForm) -> Iterator[Step]:
    before = {each.name: each for each in old.columns}
    after = {each.name: each for each in new.columns}
    yield from (DropIndex(new.name, name) for name in old.indexed if name not in new.indexed)
    yield from (DropUnique(new.name, one) for one in old.unique if one not in new.unique)
    yield from (DropColumn(new.name, name) for name in before if name not in after)
    for name, column in after.items():
        fill = None if column.nullable else _FILLS[column.kind]
        if name not in before:
            yield AddColumn(new.name, column, fill)
        elif before[name].kind is not column.kind:
            raise NotImplementedError(f"{new.name}.{name} changes its kind: write that by hand")
        elif before[name].nullable != column.nullable:
            yield SetNullable(new.name, name, column.nullable, fill)
    yield from (AddUnique(new.name, one) for one in new.unique if one not in old.unique)
    yield from (AddIndex(new.name, name) for name in new.indexed if name not in old.indexed)


def draw(message: str, revision: str, before: str | None, changes: tuple[Step, ...]) -> str:
    """The text of a revision's file."""
    lines = "".join(f"    steps.{_source(step)},\n" for step in changes)
    imports = "".join(
        f"from {module} import {', '.join(used)}\n"
        for module, names in _IMPORTS.items()
        if (used := [name for name in names if re.search(rf"\b{name}[.(]", lines)])
    )
    parts = {"message": message, "revision": revision, "before": before}
    return _HEAD.format(imports=imports, steps=lines, **parts)


def _source(step: Step) -> str:
    """A step in the words of Python."""
    if not isinstance(step, MakeTable):
        return re.sub(r"<(Kind\.\w+): '\w+'>", r"\1", repr(step))
    form = step.form
    words = [f"{c.name} {c.kind.value}{' null' * c.nullable}" for c in form.columns]
    columns = "".join(
        f'"{line}"' for line in textwrap.wrap(", ".join(words), 80, drop_whitespace=False)
    )
    more = "".join(
        f", {name}={value!r}" for name in ("unique", "indexed") if (value := getattr(form, name))
    )
    kinds = ", ".join(f"LedgerKind.{kind.name}" for kind in step.kinds)
    kinds += "," * (len(step.kinds) == 1)
    return f"MakeTable(TableForm({form.name!r}, columns_of({columns}){more}), ({kinds}))"


def main() -> int:
    """Draw the next revision, when there is anything to say."""
    changes = missing()
    if not changes:
        print("the revisions say all of it")  # noqa: T201 - a program of the developers
        return 0
    message = " ".join(sys.argv[1:]) or "changes"
    revision = f"{len(run.revisions()) + 1:04}"
    name = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    path = Path(run.__file__).parent / "versions" / f"r{revision}_{name}.py"
    path.write_text(draw(message, revision, run.head(), changes), encoding="utf-8")
    print(f"{path.name} is drawn: read it, then `ruff format` it")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
