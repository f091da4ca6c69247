"""`anbiao deposit`: seal a folder on this machine and deposit what was sealed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from api.cli.person import certificates_option, home_option, own_door, worker_option
from api.client import deposit as client
from api.client.errors import ClientError
from api.client.folders import shown
from api.client.http import Door
from api.client.keys import open_keys
from api.client.manifest import read_subjects
from api.register import rows_of

SPOOL = "spool"
SOME_LEFT = 3
"""Exit code when something in the folder was left out."""

_ATTEMPTS = 30
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


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
    "--again",
    metavar="WORD",
    default="",
    help="Deposit files that the dataset has already once more, under a word of your own.",
)
@click.option(
    "--resume", is_flag=True, help="Without FOLDER: send what lies sealed in the home's spool."
)
@click.pass_context
def deposit(  # noqa: PLR0913 - one argument per option
    context: click.Context,
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
    again: str,
    resume: bool,
) -> None:
    """Seal every file in FOLDER to the dataset's intake key and deposit it, once.

    Nothing leaves this machine unsealed. The intake key must be signed by the worker whose
    identity key has the fingerprint --worker. Cut off or killed, the same command goes on where
    it stopped; files that the dataset has already, from whomever, are not sent again. Links,
    devices and what can't be read are left out and named.

    Exit code: 0 everything is deposited, 3 something was left out.
    """
    door = _patient(own_door(home, certificates))
    watch = client.Watch(note=_said)
    if resume and folder is None:
        with _cut_off(), _bar(watch) as watched:
            summary = client.finish(door, home / SPOOL, watched)
    elif folder is None or resume or not (worker and ledger and dataset):
        raise click.UsageError("FOLDER, --ledger, --dataset and --worker are needed")
    else:
        source = client.Source.of(
            folder,
            rows_of(register) if register else (),
            read_subjects(subjects) if subjects else None,
            subject,
        )
        keys = open_keys(home)
        key = client.trusted_intake_key(door, ledger, dataset, worker, keys)
        with _cut_off(), _bar(watch) as watched:
            summary = client.deposit_files(
                door, replace(source, again=again), key, keys, home / SPOOL, watched
            )
    context.exit(_told(summary))


def _told(summary: client.Summary) -> int:
    """Say what came of it; the exit code."""
    for answer in summary.sent:
        items = _counted(int(answer["items"]), "item")
        click.echo(f"deposit {answer['deposit']}: {items} sealed and received")
    if summary.before:
        click.echo(f"{_counted(summary.before, 'file')} in the dataset already")
    if summary.left_out:
        click.echo(f"{_counted(len(summary.left_out), 'name')} left out:", err=True)
    for left in summary.left_out:
        click.echo(f"  {shown(left.name)}: {left.why}", err=True)
    return SOME_LEFT if summary.left_out else 0


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _said(sentence: str) -> None:
    click.echo(sentence, err=True)


def _patient(door: Door) -> Door:
    """The door, which tries longer than others and says why."""

    def notice(why: ClientError, pause_s: float) -> None:
        _said(f"{why.code}: {why.message}; trying again in {pause_s:.1f} s")

    return replace(door, attempts=_ATTEMPTS, notice=notice)


@contextmanager
def _cut_off() -> Iterator[None]:
    """Whatever ends a deposit before its end is told with the way to go on.

    Raises:
        ClientError: `disk-full`, `file-failed`: what this machine's disk refused.
    """
    try:
        yield
    except OSError as error:
        _said("not finished: the same command goes on where it stopped")
        where = shown(os.fsdecode(error.filename)) if error.filename else "the spool"
        if error.errno in _NO_ROOM:
            raise ClientError("disk-full", f"no room on this machine for {where}") from error
        raise ClientError("file-failed", f"{where}: {error.strerror or error}") from error
    except (Exception, KeyboardInterrupt):
        _said("not finished: the same command goes on where it stopped")
        raise


@contextmanager
def _bar(watch: client.Watch) -> Iterator[client.Watch]:
    """The same watch, with a progress bar where somebody looks on."""
    columns = (
        TextColumn("{task.description:>5}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, object] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]  # rich's own task ids

        yield replace(watch, tell=tell)
