"""`anbiao demo`: the whole chain on real files, every party played from outside."""

import sys
import time
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from api.client.errors import ClientError
from api.demo import material, scenes, second_firm
from api.demo.material import Material
from api.demo.scenes import SCENES, Play
from api.demo.stage import Stage, ended_by_signals, staged
from api.demo.summary import show
from api.demo.verdicts import Verdict, verdicts
from api.register import rows_of
from policies.shipped import shipped_digest

_BYTES = frozenset({"name", "seal", "send"})


@click.command()
@click.option(
    "--input",
    "given",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Your own files instead of the demo's.",
)
@click.option(
    "--register",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Register (CSV) of the people in your own files.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder, new or empty; always kept.  [default: demo-data/<time>]",
)
@click.option(
    "--database",
    metavar="URL",
    help="On PostgreSQL: the address of somebody who may make schemas and roles in it.",
)
@click.option(
    "--database-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File that holds this address: a password on a command line is seen by others.",
)
@click.option("--keep", is_flag=True, help="Leave the processes running.")
def demo(
    *,
    given: Path | None,
    register: Path | None,
    folder: Path | None,
    database: str | None,
    database_file: Path | None,
    keep: bool,
) -> int:
    """Play hospital, officer, firm, voters, recipient and regulator on real files.

    Exit code 0 only if every verdict is as expected. On PostgreSQL a schema and a role of the
    demo's own are made, and left there with what they hold.
    """
    if register and not given:
        raise click.UsageError("--register goes with --input")
    if database and database_file:
        raise click.UsageError("--database and --database-file exclude one another")
    owner = database_file.read_text(encoding="utf-8").strip() if database_file else database
    console = Console()
    own = material.given(given, rows_of(register) if register else ()) if given else None
    target = _fresh(folder).resolve()
    began = time.monotonic()
    with ended_by_signals(), staged(target, keep=keep, owner=owner) as stage:
        play, said = _played(console, stage, own)
        show(console, play, said, time.monotonic() - began)
        if keep:
            pids = " ".join(str(stage.process(name).pid) for name in ("notary", "worker", "serve"))
            console.print(f"Left running: {stage.url}; to end it: kill {pids}")
    return int(not all(one.as_expected for one in said))


def _fresh(folder: Path | None) -> Path:
    """The data folder, made.

    Raises:
        ClientError: `folder-not-empty`.
    """
    chosen = folder or Path("demo-data") / datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(chosen.iterdir()):
        raise ClientError("folder-not-empty", "--dir has to be new or empty")
    return chosen


def _played(console: Console, stage: Stage, given: Material | None) -> tuple[Play, list[Verdict]]:
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        bars = {name: progress.add_task(name, total=None, visible=False) for name in SCENES}
        play = Play(stage, _teller(progress, bars))
        scenes.gather_people(play)
        scenes.pin_trust(play, shipped_digest())
        scenes.make_dataset(play)
        own = stage.folder / "parties" / "hospital" / "deposit"
        known = rows_of(material.EXAMPLES / "register.csv")
        scenes.hand_over(play, given or material.gathered(own, known))
        for scene in (scenes.clean, scenes.approve, scenes.open_project, second_firm.open_project):
            scene(play)
        for scene in (scenes.label, scenes.review, scenes.let_out, second_firm.compare):
            scene(play)
    play.company.close()
    return play, verdicts(stage.folder, play.company.ledger)


def _teller(progress: Progress, bars: dict[str, TaskID]) -> scenes.Tell:
    def tell(name: str, done: int, total: int) -> None:
        if name in _BYTES:  # kilobytes are easier to read
            done, total = done // 1024, max(1, total // 1024)
        progress.update(bars[name], completed=done, total=total, visible=True)

    return tell


if __name__ == "__main__":
    sys.exit(demo())
