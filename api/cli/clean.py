"""`anbiao clean`: de-identifies a folder offline; nothing is sent anywhere."""

import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.keys import KEY_BYTES, read_key
from sandbox.clean.folder import Batch, Line, check_folders, clean_folder, inputs
from sandbox.clean.recipes import NAMES
from sandbox.clean.register import MAX_BYTES, read_register
from sandbox.deid.forms import Register, Result
from sandbox.deid.reasons import REASONS
from sandbox.errors import InputError

SOME_LEFT = 3
"""Exit code when some files were held or quarantined."""

_REPORT_MODE = 0o600
_PATH = click.Path(path_type=Path)


@click.command()
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
@click.option("--report", metavar="FILE.jsonl", type=_PATH, help="One JSON object per input.")
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
) -> None:
    """De-identify the files of SRC into the new or empty folder DST.

    Without --key a key is made for this run and forgotten: pseudonyms of two runs then differ.
    The register is a UTF-8 CSV file with the columns id,name,id_number,mrn,phone. The report
    names the inputs as they are called, so keep it where they are.

    Exit code: 0 all cleaned, 3 some held or quarantined, 1 failed, 64 wrong usage.
    """
    batch = Batch(
        source,
        target,
        recipe,
        read_key(key_file) if key_file else secrets.token_bytes(KEY_BYTES),
        _register(register_file),
        workers or len(os.sched_getaffinity(0)),
    )
    try:
        check_folders(source, target)
        with _report(report, source) as sink:
            counts = _run(batch, sink, "given" if key_file else "ephemeral")
    except InputError as error:
        raise click.UsageError(error.message) from None
    except OSError as error:
        raise click.ClickException(f"The folders can't be used: {error.strerror}.") from None
    context.exit(_summary(counts))


def _register(file: Path | None) -> Register:
    if file is None:
        return Register()
    try:
        with file.open("rb") as stream:
            return read_register(stream.read(MAX_BYTES))
    except OSError:
        raise click.UsageError("The register can't be read.") from None
    except InputError as error:
        raise click.UsageError(error.message) from None


def _report(file: Path | None, source: Path) -> TextIO:
    """Where the report's lines go; it may name patients, so only its owner reads it."""
    if file is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if source.resolve() in file.resolve().parents:
        raise click.UsageError("The report can't lie in SRC.")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        descriptor = os.open(file, flags, _REPORT_MODE)
    except OSError as error:
        raise click.ClickException(f"The report can't be written: {error.strerror}.") from None
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _run(batch: Batch, sink: TextIO, key: str) -> Counter[tuple[Result, str | None]]:
    """Clean and report; how many files ended in which state for which reason."""
    names = inputs(batch.source)
    counts: Counter[tuple[Result, str | None]] = Counter()
    for line in _shown(clean_folder(batch, names), len(names)):
        counts[line.state, line.reason] += 1
        sink.write(json.dumps(_as_json(line, key)) + "\n")
    return counts


def _shown(lines: Iterable[Line], total: int) -> Iterator[Line]:
    """The same lines, with a progress bar where somebody looks on."""
    columns = (TextColumn("cleaning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield from progress.track(lines, total=total)


def _as_json(line: Line, key: str) -> dict[str, object]:
    return {
        "source": line.source,
        "output": line.output,
        "state": line.state.value,
        "kind": line.kind.value,
        "reason": line.reason,
        "actions": dict(line.actions),
        "key": key,
    }


def _summary(counts: Counter[tuple[Result, str | None]]) -> int:
    """Say on stderr what became of the files; the exit code."""
    total = counts.total()
    done = counts[Result.CLEANED, None]
    files = "file" if total == 1 else "files"
    click.echo(f"{total} {files}: {done} cleaned, {total - done} not.", err=True)
    for (state, reason), count in sorted(counts.items(), key=str):
        if reason is not None:
            click.echo(f"  {count} {state} ({reason}): {REASONS[reason]}", err=True)
    return 0 if done == total else SOME_LEFT
