"""`anbiao open`: fetch a release, open it with one's own key, and check all of it."""

from pathlib import Path

import click

from api.cli.person import certificates_option, home_option, own_door
from api.client import recipient as client
from api.client.keys import open_keys


@click.command("open")
@click.argument("release")
@home_option
@certificates_option
@click.option("--ledger", required=True, help="Id of the hospital's ledger.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Empty folder for the package.",
)
@click.option(
    "--key",
    "pins",
    multiple=True,
    metavar="VKEY",
    help="Pinned verifier key of the log, or a file of them; may be repeated.",
)
def open_package(
    release: str,
    home: Path,
    certificates: Path | None,
    ledger: str,
    out: Path,
    pins: tuple[str, ...],
) -> None:
    """Fetch RELEASE and write its package folder once every check held."""
    door, keys = own_door(home, certificates), open_keys(home)
    delivery = client.fetch(door, keys, ledger, release, pins)
    for path in client.write(delivery, out):
        click.echo(str(path))
    trust = "passport verified" if delivery.verified else "passport not verified: no pinned key"
    click.echo(f"package {delivery.package}; {trust}")
