"""`anbiao evidence`: export a dataset's evidence pack."""

from pathlib import Path

import click

from api.cli.person import certificates_option, home_option, own_door
from api.client import evidence as client


@click.command()
@click.argument("dataset")
@home_option
@certificates_option
@click.option("--ledger", required=True, help="Id of the hospital's ledger.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="ZIP file to write.",
)
def evidence(dataset: str, home: Path, certificates: Path | None, ledger: str, out: Path) -> None:
    """Export the evidence on DATASET; check it with `anbiao verify`."""
    size = client.export(own_door(home, certificates), ledger, dataset, out)
    click.echo(f"{out}: {size} bytes")
