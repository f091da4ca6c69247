"""Options that every command of a person's own side shares."""

from pathlib import Path

import click

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
