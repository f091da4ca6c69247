"""`anbiao deposit`: seal a folder on this machine and deposit what was sealed."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from api.cli.person import certificates_option, home_option, own_door, worker_option
from api.client import deposit as client
from api.client.http import Door
from api.client.keys import open_keys
from api.client.manifest import read_register, read_subjects

SPOOL = "spool"


@click.command()
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False
)
@home_option
@certificates_option
@worker_option
@click.option("--ledger", help="Id of the hospital's ledger.")
@click.option("--dataset", help="Id of the dataset.")
@click.option(
    "--register",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV id,name,id_number,mrn,phone: values that must not be left in any file.",
)
@click.option(
    "--subjects",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV file,subject: which file is about whom.",
)
@click.option("--subject", help="Whom all files are about, unless --subjects says otherwise.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Send a deposit that was sealed before, from its folder in the spool.",
)
def deposit(  # noqa: PLR0913 - one argument per option
    *,
    folder: Path | None,
    home: Path,
    certificates: Path | None,
    worker: str | None,
    ledger: str | None,
    dataset: str | None,
    register: Path | None,
    subjects: Path | None,
    subject: str | None,
    resume: Path | None,
) -> None:
    """Seal every file in FOLDER to the dataset's intake key and deposit it.

    Nothing leaves this machine unsealed. The intake key must be signed by the worker whose
    identity key has the fingerprint --worker. What was cut off is sent with --resume.
    """
    door = own_door(home, certificates)
    if resume is not None:
        _send_all(door, [resume])
        return
    if folder is None or not (worker and ledger and dataset):
        raise click.UsageError("FOLDER, --ledger, --dataset and --worker are needed")
    source = client.Source.of(
        folder,
        read_register(register) if register else (),
        read_subjects(subjects) if subjects else None,
        subject,
    )
    key = client.trusted_intake_key(door, ledger, dataset, worker)
    with _bar() as bar:
        sealed = client.seal_folder(source, key, open_keys(home), home / SPOOL, _told(bar))
    _send_all(door, sealed)


def _send_all(door: Door, sealed: list[Path]) -> None:
    for number, folder in enumerate(sealed):
        try:
            with _bar() as bar:
                answer = client.send(door, folder, _told(bar))
        except BaseException:
            for left in sealed[number:]:
                click.echo(f"go on with: anbiao deposit --resume {left}", err=True)
            raise
        client.forget(folder)
        click.echo(f"deposit {answer['deposit']}: {answer['items']} items sealed and received")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description:>5}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    )


def _told(bar: Progress) -> client.Progress:
    tasks: dict[str, object] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)  # type: ignore[arg-type]  # rich's own task ids

    return tell
