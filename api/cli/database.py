"""`anbiao database`: the owner's part in PostgreSQL, whose role no process of the house uses."""

from pathlib import Path

import click

from crypto import secretfile
from sandbox.storage import postgres_link, postgres_schema

_address_option = click.option(
    "--database", metavar="URL", help="The owner's address: postgresql://OWNER@HOST/NAME."
)
_file_option = click.option(
    "--database-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File (0600) that holds this address; a password on a command line is seen by others.",
)


@click.group()
def database() -> None:
    """Make or migrate the tables in PostgreSQL, as their owner."""


@database.command()
@_address_option
@_file_option
@click.option("--role", help="The application's role; it is given its rights, and no more.")
def migrate(database: str | None, database_file: Path | None, role: str | None) -> None:
    """Bring the tables to this version, and lay down triggers, row security and rights.

    Nothing is lost by doing it twice. Stop `serve` and `worker` before a migration; `serve` starts
    on tables of its own version only.
    """
    done = postgres_schema.migrate(_address(database, database_file), role)
    if done.before == done.after:
        click.echo(f"The tables are of revision {done.after}, as they were.")
    else:
        click.echo(f"Migrated from {done.before or 'nothing'} to revision {done.after}.")


@database.command()
@_address_option
@_file_option
@click.option("--name", required=True, help="Name of the schema, and of the application's role.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File, new, for the application's address and password; mode 0600.",
)
def prepare(database: str | None, database_file: Path | None, name: str, to: Path) -> None:
    """Make a schema, the application's role and the tables, in a database that is there.

    The owner needs the rights to make schemas in it, and roles. Name the file as `database_file`
    in the settings, and the house is on PostgreSQL.
    """
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if to.exists():
        raise click.UsageError("The file of --to exists; it is never overwritten.")
    address = postgres_schema.prepare(_address(database, database_file), name)
    secretfile.write(to, f"{address}\n".encode())
    click.echo(f"Schema and role {name} are made; their address is in {to}.")


def _address(text: str | None, file: Path | None) -> postgres_link.Address:
    if (text is None) == (file is None):
        raise click.UsageError("Give the owner's address by --database or --database-file.")
    if file is not None:
        return postgres_link.address_in_file(file)
    return postgres_link.address_in(text or "")
