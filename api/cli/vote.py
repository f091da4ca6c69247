"""`anbiao vote`: look at a package on this machine, then sign a verdict on it."""

from pathlib import Path

import click

from api.cli.person import certificates_option, home_option, own_door
from api.client import voter as client
from api.client.keys import open_keys


@click.command()
@click.argument("release")
@home_option
@certificates_option
@click.option("--ledger", required=True, help="Id of the hospital's ledger.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the package's files, to look at before the verdict.",
)
@click.option(
    "--verdict",
    type=click.Choice(client.VERDICTS),
    help="Sign without asking, where the package was looked at by other means.",
)
def vote(
    release: str,
    home: Path,
    certificates: Path | None,
    ledger: str,
    out: Path | None,
    verdict: str | None,
) -> None:
    """Inspect RELEASE, check its statement here, and sign a verdict."""
    door, keys = own_door(home, certificates), open_keys(home)
    inspected = client.inspect(door, ledger, release)
    if out is not None:
        for path in client.write_files(inspected, out):
            click.echo(str(path))
    said = inspected.predicate
    click.echo(f"package {inspected.package}: {said['labels']} labels, grade {said['grade']}")
    click.echo(f"recipient {said['recipient']}, witnesses: {said['witness']}")
    chosen = verdict or click.prompt("verdict", type=click.Choice(client.VERDICTS))
    answer = client.vote(door, keys, inspected, chosen)
    click.echo(f"{chosen}: release {answer['state']}")
