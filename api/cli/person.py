"""Options that every command of a person's own side shares."""

from pathlib import Path

import click

from api.client.http import Door
from api.client.session import kept_session

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("~/.anbiao").expanduser,
    show_default="~/.anbiao",
    envvar="ANBIAO_HOME",
    help="Folder of one's own keys and session.",
)
certificates_option = click.option(
    "--certificates",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="PEM file of who may sign the server's certificate.",
)
worker_option = click.option(
    "--worker",
    metavar="FINGERPRINT",
    envvar="ANBIAO_WORKER",
    help="Fingerprint of the worker's identity key, as told out of band.",
)


def own_door(home: Path, certificates: Path | None) -> Door:
    """The door that was kept open in `home`; it is let go of when the command ends.

    Raises:
        ClientError: `session-missing`: nobody logged in here.
    """
    door = kept_session(home, certificates)
    click.get_current_context().call_on_close(door.http.close)
    return door
