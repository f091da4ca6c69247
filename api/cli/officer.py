"""`anbiao officer`: open samples of a cleaned batch on this machine, and sign for the batch."""

import time
from pathlib import Path

import click

from api.cli.person import certificates_option, home_option, own_door, worker_option
from api.client import officer as client
from api.client.http import Door
from api.client.keys import PersonKeys, open_keys

VERDICTS = ("approve", "reject")


@click.command()
@home_option
@certificates_option
@worker_option
@click.option("--ledger", required=True, help="Id of the hospital's ledger.")
@click.option("--dataset", required=True, help="Id of the dataset.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the samples, before and after; files are readable by you alone.",
)
@click.option(
    "--verdict",
    type=click.Choice(VERDICTS),
    help="Sign without asking, where the samples were looked at by other means.",
)
def officer(  # noqa: PLR0913 - one argument per option
    *,
    home: Path,
    certificates: Path | None,
    worker: str | None,
    ledger: str,
    dataset: str,
    out: Path,
    verdict: str | None,
) -> None:
    """Take up a batch, look at samples before and after cleaning, and sign for all of it.

    One miss is a reason to reject: the whole batch is then cleaned again.
    """
    if worker is None:
        raise click.UsageError("--worker is needed: samples of another signer don't count")
    door, keys = own_door(home, certificates), open_keys(home)
    sitting = client.open_sitting(door, keys, ledger, dataset)
    batch = client.fetch_batch(door, sitting, worker, time.sleep)
    for path in client.write_samples(batch, out):
        click.echo(str(path))
    click.echo(f"{len(batch.samples)} of {len(batch.items)} items; batch {batch.digest}")
    _sign(door, keys, sitting, batch, verdict)


def _sign(
    door: Door,
    keys: PersonKeys,
    sitting: client.Sitting,
    batch: client.Batch,
    verdict: str | None,
) -> None:
    chosen = verdict or click.prompt("verdict", type=click.Choice(VERDICTS))
    answer = client.sign(door, keys, sitting, batch, chosen)
    click.echo(f"{chosen}: approval {answer['state']}, dataset {answer['dataset_state']}")
