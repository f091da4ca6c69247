"""`anbiao clean`: de-identifies a folder offline; nothing is sent anywhere.

With the command the process is about to do nothing else: what shows only on a terminal, or only
where a page is asked for, is read in when it is needed, and images never wait for it.
"""

import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from api import VERSION
from api.cli.clean_reports import Reports, reports
from api.cli.clean_summary import preview, speaks_chinese, summary
from api.cli.keys import KEY_BYTES, read_key
from sandbox.clean.batch import Batch, Line, Tally
from sandbox.clean.folder import Run, check_folders, inputs, key_mark, rehearse
from sandbox.clean.recipes import NAMES, recipe_named
from sandbox.clean.register import read_register_file
from sandbox.clean.report_page import Facts
from sandbox.deid.forms import Register
from sandbox.errors import InputError, Unavailable

SOME_LEFT = 3
"""Exit code when some files were held or quarantined."""

FAILED = 1

_REFRESH_S = 0.1
_PATH = click.Path(path_type=Path)
_EXAMPLES = """\b
Examples:
  anbiao keys new pseudonyms.key
  anbiao clean scans/ clean/ --recipe basic --key pseudonyms.key --dry-run
  anbiao clean scans/ clean/ --recipe basic --key pseudonyms.key \\
      --register subjects.csv --report report.jsonl --html report.html
  anbiao clean notes/ clean-notes/ --recipe text --key pseudonyms.key
"""


@click.command(epilog=_EXAMPLES)
@click.argument("source", metavar="SRC", type=_PATH)
@click.argument("target", metavar="DST", type=_PATH)
@click.option(
    "--recipe",
    type=click.Choice(NAMES),
    required=True,
    help="basic: DICOM and text; text: only text, all else is quarantined.",
)
@click.option("--key", "key_file", metavar="FILE", type=_PATH, help="Pseudonym key (keys new).")
@click.option("--register", "register_file", metavar="CSV", type=_PATH, help="Known subjects.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; all cores if not given.")
@click.option(
    "--report", metavar="FILE", type=_PATH, help="One JSON object per input; .html: as a page."
)
@click.option("--html", metavar="FILE", type=_PATH, help="The report as one page, to be read.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing to DST.")
@click.pass_context
def clean(  # noqa: PLR0913, PLR0917 - click hands over one argument per option
    context: click.Context,
    source: Path,
    target: Path,
    recipe: str,
    key_file: Path | None,
    register_file: Path | None,
    workers: int | None,
    report: Path | None,
    html: Path | None,
    *,
    dry_run: bool,
) -> None:
    """De-identify the files of SRC into the new or empty folder DST.

    Without --key a key is made for this run and forgotten: pseudonyms of two runs then differ.
    The register is a UTF-8 CSV file with the columns id,name,id_number,mrn,phone. The reports
    name the inputs as they are called, so keep them where those are.

    A run that was cut off (Ctrl-C, a full disk, a crash) goes on when the same command is given
    again: what is done is not done again, unless its input changed. That needs the same --key,
    recipe, register and SRC; without --key a run can't go on.

    Exit code: 0 all cleaned, 3 some held or quarantined, 1 failed, 64 wrong usage.
    """
    chinese = speaks_chinese(os.environ)
    try:
        batch = Batch(
            source,
            target,
            recipe,
            read_key(key_file) if key_file else secrets.token_bytes(KEY_BYTES),
            read_register_file(register_file) if register_file else Register(),
            workers or len(os.sched_getaffinity(0)),
            ephemeral=key_file is None,
        )
        check_folders(source, target)
        key = "ephemeral" if batch.ephemeral else "given"
        with reports(key, report, html, (source, target)) as written:
            tally = (_rehearsed if dry_run else _cleaned)(batch, written, chinese=chinese)
    except InputError as error:
        raise click.UsageError(f"{error.code}: {error.message}") from None
    except Unavailable as error:
        click.echo(f"error: {error.code}: {error.message}", err=True)
        context.exit(FAILED)
    context.exit(0 if tally.cleaned == tally.total else SOME_LEFT)


def _cleaned(batch: Batch, written: Reports, *, chinese: bool) -> Tally:
    """Clean, report, and say at the end what became of the files."""
    names = inputs(batch.source)
    begun_at, start, tally = datetime.now(UTC), time.monotonic(), Tally()
    with Run(batch) as run, _interruptible(batch, chinese=chinese):
        written.begin()
        for line in _watched(run.lines(names), len(names)):
            tally.add(line)
            written.add(line)
        seconds = time.monotonic() - start
        written.finish(_facts(batch, begun_at, seconds, run.kept), tally)
        run.finish()
    _say(summary(tally, seconds, run.kept, chinese=chinese))
    return tally


def _rehearsed(batch: Batch, written: Reports, *, chinese: bool) -> Tally:
    """Say of each file what would become of it."""
    names = inputs(batch.source)
    begun_at, start, tally = datetime.now(UTC), time.monotonic(), Tally()
    written.begin()
    for line in rehearse(batch, names):
        tally.add(line)
        written.add(line)
        click.echo(preview(line, chinese=chinese))
    seconds = time.monotonic() - start
    written.finish(_facts(batch, begun_at, seconds, 0, rehearsal=True), tally)
    _say(["试运行：未写出任何文件。" if chinese else "A rehearsal: nothing was written to DST."])
    _say(summary(tally, seconds, 0, chinese=chinese))
    return tally


def _facts(
    batch: Batch, begun_at: datetime, seconds: float, kept: int, *, rehearsal: bool = False
) -> Facts:
    return Facts(
        recipe=batch.recipe,
        recipe_digest=recipe_named(batch.recipe).digest,
        version=VERSION,
        key="ephemeral" if batch.ephemeral else "given",
        key_mark="" if batch.ephemeral else key_mark(batch.key),
        known=len(batch.register.rows),
        begun_at=begun_at,
        seconds=seconds,
        kept=kept,
        rehearsal=rehearsal,
    )


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


@contextmanager
def _interruptible(batch: Batch, *, chinese: bool) -> Iterator[None]:
    """Whoever interrupts a run is told whether it can go on."""
    try:
        yield
    except KeyboardInterrupt:
        if batch.ephemeral:
            said = (
                "已中断。本次使用一次性密钥，密钥已销毁，无法继续：请换新的 DST，并使用 --key。"
                if chinese
                else "Interrupted. The key was made for this run and is gone, so it can't go on: "
                "take a new DST, and --key to be able to."
            )
        else:
            said = (
                "已中断。再次运行同一命令即可继续。"
                if chinese
                else "Interrupted. The same command again goes on from here."
            )
        _say(["", said])
        raise


def _watched(lines: Iterator[Line], total: int) -> Iterator[Line]:
    """The same lines, with a progress bar where somebody looks on."""
    if not sys.stderr.isatty():
        yield from lines
        return
    from rich.console import Console  # noqa: PLC0415 - see the module's docstring
    from rich.progress import (  # noqa: PLC0415 - same
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("cleaning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Refreshed from here, because a thread of its own would be forked into every child.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress:
        task, last = progress.add_task("cleaning", total=total), 0.0
        progress.refresh()
        for line in lines:
            progress.advance(task)
            if time.monotonic() - last >= _REFRESH_S:
                last = time.monotonic()
                progress.refresh()
            yield line
        progress.refresh()
