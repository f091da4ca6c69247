"""`anbiao policy`: the policy's versions, and changes of it by two people.

A change is a set of rows of the templates: `--add 'p, ...'` and `--remove ID`. What it comes to is
shown first: the difference, the floors it breaks, the paths by which sources could be reached.
"""

from pathlib import Path

import click

from api.cli.person import certificates_option, home_option, own_door
from api.client import policy as client
from api.client.errors import ClientError
from api.client.http import Json
from api.client.keys import open_keys

add_option = click.option("--add", "add", multiple=True, metavar="ROW", help="A row to add.")
remove_option = click.option(
    "--remove", "remove", multiple=True, metavar="ID", help="Id of a row to take away."
)


@click.group()
def policy() -> None:
    """The policy's versions, and changes of it by two people."""


@policy.command()
@home_option
@certificates_option
def adopt(home: Path, certificates: Path | None) -> None:
    """Take the policy that ships with the program for the house's first."""
    made = client.adopt(own_door(home, certificates))
    click.echo(f"version {made['version']}\ntable {made['table']}")


@policy.command("list")
@home_option
@certificates_option
def list_versions(home: Path, certificates: Path | None) -> None:
    """Show versions and proposals, the newest first, with what they change."""
    told = own_door(home, certificates).get("/policies")
    click.echo(f"in force {told['in_force']}")
    for each in told["items"]:
        click.echo(f"\n{each['policy']} version {each['version']} {each['state']}")
        for line in each["diff"] if each["base"] else []:
            click.echo(f"  {line}")


@policy.command()
@add_option
@remove_option
@home_option
@certificates_option
def preview(
    add: tuple[str, ...], remove: tuple[str, ...], home: Path, certificates: Path | None
) -> None:
    """Show what a change would come to; nothing is kept of it."""
    _show(client.preview(own_door(home, certificates), add, remove))


@policy.command()
@add_option
@remove_option
@home_option
@certificates_option
def propose(
    add: tuple[str, ...], remove: tuple[str, ...], home: Path, certificates: Path | None
) -> None:
    """Propose a change by one's signature, as a policy admin."""
    made = client.propose(own_door(home, certificates), open_keys(home), add, remove)
    click.echo(f"policy {made['policy']}\nversion {made['version']}\ntable {made['table']}")


@policy.command()
@click.option("--shipped", is_flag=True, help="From the rows of the program, not those in force.")
@click.option("--preview", "only_shown", is_flag=True, help="Show it; nothing is kept of it.")
@home_option
@certificates_option
def readopt(*, shipped: bool, only_shown: bool, home: Path, certificates: Path | None) -> None:
    """Propose the policy as this program makes it, after an update changed what rows mean.

    Another policy admin approves it as any other change. Until then the house does nothing but
    the platform's own acts, by the table in force.
    """
    door, anew = own_door(home, certificates), "shipped" if shipped else "rows"
    _show(client.preview(door, (), (), anew))
    if not only_shown:
        made = client.propose(door, open_keys(home), (), (), anew)
        click.echo(f"policy {made['policy']}\nversion {made['version']}")


@policy.command()
@click.argument("proposal")
@home_option
@certificates_option
def approve(proposal: str, home: Path, certificates: Path | None) -> None:
    """Put another's PROPOSAL in force by one's signature; what it changes is shown first."""
    door = own_door(home, certificates)
    found = [each for each in door.get("/policies")["items"] if each["policy"] == proposal]
    if not found:
        raise ClientError("proposal-unknown", "there is no such proposal", status=404)
    for line in found[0]["diff"]:
        click.echo(line)
    client.approve(door, open_keys(home), found[0])
    click.echo(f"in force {found[0]['table']}")


@policy.command()
@click.argument("proposal")
@click.option("--reason", required=True, help="A code without blanks.")
@home_option
@certificates_option
def reject(proposal: str, reason: str, home: Path, certificates: Path | None) -> None:
    """Turn a PROPOSAL down by one's signature."""
    client.reject(own_door(home, certificates), open_keys(home), proposal, reason)


@policy.command()
@click.argument("account")
@click.argument("role", type=click.Choice(["operator", "policy-admin"]))
@click.option("--fingerprint", required=True, help="Of the holder's key, received out of band.")
@home_option
@certificates_option
def grant(account: str, role: str, fingerprint: str, home: Path, certificates: Path | None) -> None:
    """Give ACCOUNT a ROLE on the platform, as an operator, by one's signature."""
    door = own_door(home, certificates)
    made = client.grant_role(door, open_keys(home), account, role, fingerprint)
    click.echo(f"membership {made['membership']}")


def _show(seen: Json) -> None:
    for line in seen["diff"]:
        click.echo(line)
    click.echo(f"base {seen['base']}\ntable {seen['table']}")
    click.echo(f"proof {seen['proof']} over {seen['paths']} steps")
    for floor in seen["floors"]:
        click.echo(f"breaks floor {floor}")
    for path in seen["found"]:
        click.echo(f"path {path}")
