"""`anbiao evidence` and `anbiao who-saw`: what a regulator or steward asks of the log."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from api.cli.person import certificates_option, home_option, own_door
from api.client import evidence as client
from crypto.verifier import Scope, about, spans

ledger_option = click.option("--ledger", required=True, help="Id of the hospital's ledger.")


@click.command()
@click.argument("what", metavar="WHAT")
@home_option
@certificates_option
@ledger_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="ZIP file to write.",
)
def evidence(what: str, home: Path, certificates: Path | None, ledger: str, out: Path) -> None:
    """Export the evidence on WHAT; check it with `anbiao verify`.

    WHAT is a dataset's id, dataset:ID, project:ID, subject:ID or period:FROM/UNTIL. The pack holds
    the whole log, decision tables, passports, and a summary as HTML and PDF.
    """
    size = client.export(own_door(home, certificates), ledger, _scope(what), out)
    click.echo(f"{out}: {size} bytes")


@click.command("who-saw")
@click.argument("subject")
@home_option
@certificates_option
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="The whole answer as JSON.")
def who_saw(
    subject: str, home: Path, certificates: Path | None, ledger: str, *, as_json: bool
) -> None:
    """Tell who was let see anything of SUBJECT, when, for what and by which rule.

    SUBJECT is the id by which the log calls a patient. The answer comes from the published log;
    that it was asked is an entry of its own. `anbiao evidence subject:ID` gives the proof.
    """
    told = client.who_saw(own_door(home, certificates), ledger, subject)
    click.echo(json.dumps(told, ensure_ascii=False, indent=1) if as_json else _told(told))


def _scope(what: str) -> Scope:
    try:
        return about(what if ":" in what else f"dataset:{what}")
    except ValueError:
        raise click.UsageError(
            "WHAT is an id, dataset:, project: or subject:ID, or period:FROM/UNTIL."
        ) from None


def _told(told: Mapping[str, Any]) -> str:  # Any: JSON
    lines = [str(told["said_en"]), str(told["said_zh"])]
    lines += [
        f"  {one['index']:>6}  deposit {one['deposit']} by {one['actor']}"
        for one in told["origins"]
    ]
    for one in told["looks"]:
        seen = "all of it" if one["counted"] == "all" else ""
        if one.get("shown") is not None:
            seen = f"{one['shown']} of {one['frames'] or 1}, {one['views']} times"
        roles = "+".join(one["roles"])
        lines.append(
            f"  {one['index']:>6}  {one['at']}  {one['actor']} {roles} {one['organisation']}: "
            f"{one['what']} {seen} ({one['purpose'] or '-'}, {one['rule']})"
        )
    handled = spans(told["handled"]) or "-"
    lines.append(f"  handled by services: {handled}")
    lines.append(f"  read from {told['entries']} entries; this answer is entry {told['index']}")
    return "\n".join(lines)
