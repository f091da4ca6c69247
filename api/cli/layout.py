"""`anbiao layout`: the data folder of a house whose processes are three users."""

import os
from pathlib import Path

import click

from api.cli.processes import dir_option
from sandbox.errors import Unacceptable
from sandbox.layout import Users, lay_out, parts

_NUMBER = click.IntRange(min=1, max=2**31 - 1)


@click.command()
@dir_option
@click.option(
    "--serve-user", type=_NUMBER, default=10001, show_default=True, help="Number of serve's user."
)
@click.option(
    "--worker-user",
    type=_NUMBER,
    default=10002,
    show_default=True,
    help="Number of the worker's user.",
)
@click.option(
    "--notary-user",
    type=_NUMBER,
    default=10003,
    show_default=True,
    help="Number of the notary's user.",
)
@click.option(
    "--group",
    type=_NUMBER,
    default=10010,
    show_default=True,
    help="Number of the group of serve and worker.",
)
def layout(folder: Path, serve_user: int, worker_user: int, notary_user: int, group: int) -> None:
    """Make DIR and its folders for three users of the operating system, as root.

    serve and worker are to have GROUP as their group, the notary is not. Harmless when repeated;
    files that are there already keep their owners.
    """
    if os.geteuid() != 0:
        raise Unacceptable("layout-needs-root", "only root can give folders to other users")
    users = Users(serve_user, worker_user, notary_user, group)
    if len({serve_user, worker_user, notary_user}) < len(("serve", "worker", "notary")):
        raise Unacceptable("users-shared", "the three users must differ")
    lay_out(folder, users)
    for part in parts(users):
        click.echo(f"{part.mode:04o}  {part.user:>6} {part.group:>6}  {part.name}")
