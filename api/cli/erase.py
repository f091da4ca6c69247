"""`anbiao erase`: erase a person's data or a dataset, hold it, and fetch the certificate."""

from pathlib import Path

import click

from api.cli.person import certificates_option, home_option, own_door, worker_option
from api.client import erasure as client
from api.client.keys import open_keys

ledger_option = click.option("--ledger", required=True, help="Id of the hospital's ledger.")


@click.group()
def erase() -> None:
    r"""Erase a person's data or a whole dataset, as the hospital's steward.

    \b
    A request under GDPR 17 of the patient with record number 4711:
      anbiao erase subject DATASET --ledger L --reference 4711 --ground gdpr-17 --worker F
      anbiao erase list --ledger L
      anbiao erase certificate ERASURE --ledger L --out certificate.json
      anbiao verify certificate.json --key KEY
    """


@erase.command()
@click.argument("dataset")
@ledger_option
@click.option("--reference", help="Id or record number in the register, or a name; else asked.")
@click.option("--subject", default="", help="The subject's id in the log, instead.")
@click.option("--ground", required=True, help="A code of why, such as gdpr-17.")
@worker_option
@home_option
@certificates_option
def subject(  # noqa: PLR0913 - one argument per option
    *,
    dataset: str,
    ledger: str,
    reference: str | None,
    subject: str,
    ground: str,
    worker: str | None,
    home: Path,
    certificates: Path | None,
) -> None:
    """Order by one's signature that one person's data in DATASET be erased.

    The reference is sealed to the worker on this machine: the server never sees it. Once the keys
    are destroyed nobody brings it back; other people's data stays.
    """
    if subject and reference:
        raise click.UsageError("--reference or --subject, not both")
    if not subject:
        if not worker:
            raise click.UsageError("--worker is needed to seal the reference")
        reference = reference or click.prompt("reference", hide_input=True)
    asked = client.Order(dataset, ground, reference or "", subject)
    made = client.order(own_door(home, certificates), open_keys(home), ledger, asked, worker or "")
    click.echo(f"erasure {made['erasure']}")


@erase.command()
@click.argument("dataset")
@ledger_option
@click.option("--ground", required=True, help="A code of why, such as contract-over.")
@click.confirmation_option(prompt="Erase the whole dataset, for good?")
@home_option
@certificates_option
def dataset(
    *, dataset: str, ledger: str, ground: str, home: Path, certificates: Path | None
) -> None:
    """Order by one's signature that all of DATASET be erased; it is closed at once."""
    asked = client.Order(dataset, ground)
    made = client.order(own_door(home, certificates), open_keys(home), ledger, asked, "")
    click.echo(f"erasure {made['erasure']}")


@erase.command("list")
@ledger_option
@home_option
@certificates_option
def listed(*, ledger: str, home: Path, certificates: Path | None) -> None:
    """List erasures, how far they are, and what is overdue."""
    for row in client.erasures(own_door(home, certificates), ledger):
        late = " OVERDUE" if row["overdue"] else ""
        held = " on hold" if row["held"] and row["state"] == "ORDERED" else ""
        click.echo(
            f"{row['erasure']} {row['scope']} {row['state']} until {row['due_at']}{held}{late}"
        )


@erase.command()
@click.argument("erasure")
@ledger_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File.")
@home_option
@certificates_option
def certificate(
    *, erasure: str, ledger: str, out: Path, home: Path, certificates: Path | None
) -> None:
    """Fetch the certificate of an ERASURE that is final; check it with `anbiao verify`."""
    size = client.certificate(own_door(home, certificates), ledger, erasure, out)
    click.echo(f"{out}: {size} bytes")


@erase.command()
@click.argument("dataset")
@ledger_option
@click.option("--reason", required=True, help="A code without blanks, such as court-order.")
@home_option
@certificates_option
def hold(*, dataset: str, ledger: str, reason: str, home: Path, certificates: Path | None) -> None:
    """Put a legal hold on DATASET by one's signature: nothing of it is erased meanwhile."""
    door = own_door(home, certificates)
    made = client.place_hold(door, open_keys(home), ledger, dataset, reason)
    click.echo(f"hold {made['hold']}")


@erase.command()
@click.argument("dataset")
@click.argument("hold")
@ledger_option
@click.option("--reason", required=True, help="A code without blanks, such as case-closed.")
@home_option
@certificates_option
def unhold(
    *, dataset: str, hold: str, ledger: str, reason: str, home: Path, certificates: Path | None
) -> None:
    """End a legal HOLD on DATASET by one's signature."""
    door = own_door(home, certificates)
    client.lift_hold(door, open_keys(home), ledger, dataset, hold, reason)
