"""`anbiao reconcile`: whether the stored rows are those that the log speaks of."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from api.cli.processes import database_file_option, database_option, dir_option
from crypto.errors import VerificationError
from crypto.note import VerifierKey
from sandbox.reconcile.house import reconcile as compare
from sandbox.reconcile.house import surveyor_of, worker_pins
from sandbox.reconcile.ledger import Agreement, Finding
from sandbox.settings import load

_LONGEST: Final = 128


@click.command()
@dir_option
@database_option
@database_file_option
@click.option(
    "--key",
    "keys",
    metavar="VKEY",
    multiple=True,
    help="Pinned key of a log, or a file of them; repeats. Else those that the worker pinned.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is printed; JSON is one object a line.",
)
def reconcile(
    folder: Path, database: str | None, database_file: Path | None, keys: tuple[str, ...], form: str
) -> int:
    """Compare every row of the house in DIR with the log, and name those that differ.

    A row that was changed, added or removed behind the gate is told by ledger, table, key and
    names of columns, never by its values. Nothing is written, and the house may run meanwhile.
    Run it as the worker's user, or as root: it reads the database, the published log and pins.

    Exit code: 0 all agree, 1 something differs, 2 cannot tell, 64 wrong usage.
    """
    given = {"database": database, "database_file": database_file}
    settings = load(folder, os.environ, given)
    surveyor = surveyor_of(settings)
    pins = _pins(keys) if keys else worker_pins(settings)
    try:
        return compare(surveyor, settings.dir / "log", pins, lambda told: _print(told, form))
    finally:
        surveyor.close()


def _pins(keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Keys by the ledger that the name of their log ends with."""
    pins: dict[str, list[str]] = {}
    try:
        for key in keys:
            lines = [key] if "+" in key else Path(key).read_text(encoding="ascii").splitlines()
            for line in filter(str.strip, lines):
                name = VerifierKey.parse(line.strip()).name
                pins.setdefault(name.rpartition("/")[2], []).append(line.strip())
    except (OSError, UnicodeDecodeError, VerificationError):
        raise click.UsageError("--key is neither a verifier key nor a file of them.") from None
    return pins


def _print(told: Finding | Agreement, form: str) -> None:
    if form == "json":
        click.echo(json.dumps(_row(told)))
        return
    if isinstance(told, Agreement):
        click.echo(f"{told.ledger}: {told.entries} entries and {told.rows} rows compared")
        return
    columns = f" ({', '.join(told.columns)})" if told.columns else ""
    click.echo(f"{told.kind}  {told.ledger} {told.table}/{_plain(told.key)}{columns}")


def _row(told: Finding | Agreement) -> dict[str, object]:
    if isinstance(told, Agreement):
        return {"ledger": told.ledger, "entries": told.entries, "rows": told.rows}
    return {
        "ledger": told.ledger,
        "kind": str(told.kind),
        "table": told.table,
        "key": _plain(told.key),
        "columns": list(told.columns),
    }


def _plain(key: str) -> str:
    """A key on one line: one that was put there behind the gate may hold anything."""
    shown = "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in key[:_LONGEST])
    return shown + ("..." if len(key) > _LONGEST else "")
