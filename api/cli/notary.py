"""`anbiao notary`: the signer of the logs, in a process of its own."""

from pathlib import Path

import click

from api.cli.main import tell_logs
from api.cli.processes import dir_option, quiet_option, running_note, settings_of, stop_on_signals
from sandbox import wiring
from sandbox.layout import Process


@click.command()
@dir_option
@quiet_option
def notary(folder: Path, *, quiet: bool) -> None:
    """Sign the heads of the logs in DIR, for the processes of this house, until stopped."""
    tell_logs(quiet=quiet)
    settings = settings_of(folder, Process.NOTARY)
    stop = stop_on_signals()
    server = wiring.notary(settings)
    server.start()
    try:
        with running_note(settings, "notary"):
            stop.wait()
    finally:
        server.close()
