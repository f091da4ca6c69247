"""`anbiao enrol`: a person's own side of accounts, keys and memberships.

Keys are made here and never leave; what goes to the server are their public halves. A fingerprint
is told to the steward by another way than through the server, and checked before anything is
signed.
"""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from api.cli.person import certificates_option, home_option, own_door
from api.client import enrolment, permits, session
from api.client.errors import ClientError
from api.client.http import Door, Json, connect
from api.client.keys import SIGNING_FILE, make_keys, open_keys
from crypto import secretfile, signing
from crypto.errors import VerificationError
from crypto.tlogpolicy import parse_policy

_CODES_TYPED: Final = 5
"""Tries at the first code within one command; `confirm` gives as many again."""

url_option = click.option("--url", required=True, envvar="ANBIAO_URL", help="The server's address.")
password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File (0600) with the password; asked for otherwise.",
)


@click.group()
def enrol() -> None:
    """Accounts, keys and memberships, from a person's side."""


@enrol.command()
@click.argument("code_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", required=True, help="Name of the first account.")
@url_option
@home_option
@certificates_option
@password_option
def setup(
    code_file: Path,
    name: str,
    url: str,
    home: Path,
    certificates: Path | None,
    password_file: Path | None,
) -> None:
    """Make the first account by the code in CODE_FILE (DIR/serve/setup-code)."""
    door, password = _connected(url, certificates), _password(password_file, new=True)
    code = code_file.read_text(encoding="ascii").strip()
    made = session.set_up(door, code, name, password)
    _show(made)
    _confirm(door, made["account"], password, url, home)


@enrol.command()
@click.argument("invitation")
@url_option
@home_option
@certificates_option
@password_option
def accept(
    invitation: str, url: str, home: Path, certificates: Path | None, password_file: Path | None
) -> None:
    """Take up an INVITATION: set a password, enrol a second factor, log in."""
    door, password = _connected(url, certificates), _password(password_file, new=True)
    made = session.accept(door, invitation, password)
    _show(made)
    _confirm(door, made["account"], password, url, home)


@enrol.command()
@click.argument("account")
@url_option
@home_option
@certificates_option
@password_option
def confirm(
    account: str, url: str, home: Path, certificates: Path | None, password_file: Path | None
) -> None:
    """Confirm ACCOUNT's second factor where `setup` or `accept` was cut off, and log in."""
    door, password = _connected(url, certificates), _password(password_file, new=False)
    _confirm(door, account, password, url, home)


@enrol.command()
@click.option("--name", required=True, help="The account's name.")
@click.option("--code", help="Code of the authenticator, or a recovery code; asked for otherwise.")
@click.option("--purpose", help="Purpose of this session, when it is about data.")
@url_option
@home_option
@certificates_option
@password_option
def login(  # noqa: PLR0913 - one argument per option
    *,
    name: str,
    code: str | None,
    purpose: str | None,
    url: str,
    home: Path,
    certificates: Path | None,
    password_file: Path | None,
) -> None:
    """Open a session and keep it in the home folder."""
    password = _password(password_file, new=False)
    typed = code or click.prompt("code")
    opened = session.log_in(_connected(url, certificates), name, password, typed, purpose)
    session.keep_session(home, url, opened)


@enrol.command()
@home_option
@certificates_option
def logout(home: Path, certificates: Path | None) -> None:
    """End the session, here and at the server."""
    own_door(home, certificates).delete("/sessions/current")
    session.forget_session(home)


@enrol.command()
@home_option
@certificates_option
def keys(home: Path, certificates: Path | None) -> None:
    """Make keys in the home folder, register their public halves, print the fingerprint."""
    door = own_door(home, certificates)
    made = open_keys(home) if (home / SIGNING_FILE).exists() else make_keys(home)
    enrolment.register_keys(door, made)
    click.echo(made.fingerprint)


@enrol.command()
@home_option
def fingerprint(home: Path) -> None:
    """Print the fingerprint of the key in the home folder."""
    click.echo(open_keys(home).fingerprint)


@enrol.command()
@click.argument("name")
@click.argument("organisation")
@home_option
@certificates_option
def invite(name: str, organisation: str, home: Path, certificates: Path | None) -> None:
    """Create an account for NAME of ORGANISATION and print its id and invitation."""
    body = {"name": name, "organisation": organisation}
    made = own_door(home, certificates).create("/accounts", body)
    click.echo(f"account {made['account']}\ninvitation {made['invitation']}")


@enrol.command()
@click.argument("name")
@click.argument("public_key", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--purpose", "purposes", multiple=True, required=True, help="What it works for.")
@home_option
@certificates_option
def service(
    name: str,
    public_key: Path,
    purposes: tuple[str, ...],
    home: Path,
    certificates: Path | None,
) -> None:
    """Create a service's account NAME under the PUBLIC_KEY in a file, for one or more purposes.

    Prints the account's id and the fingerprint of the key, which is told out of band to those who
    believe the service: the steward, and whoever deposits.
    """
    text = public_key.read_text(encoding="ascii").strip()
    told = _fingerprint_of(text)
    made = own_door(home, certificates).create(
        "/service-accounts", {"name": name, "public_key": text, "purposes": list(purposes)}
    )
    click.echo(f"account {made['account']}\nfingerprint {told}")


@enrol.command()
@click.argument("name")
@click.option("--steward", required=True, help="Account of its steward, with keys enrolled.")
@home_option
@certificates_option
def hospital(name: str, steward: str, home: Path, certificates: Path | None) -> None:
    """Have the hospital NAME join, as the operator; prints its ledger's id."""
    made = own_door(home, certificates).create("/hospitals", {"name": name, "steward": steward})
    click.echo(f"ledger {made['ledger']}")


@enrol.command("open")
@click.argument("ledger")
@home_option
@certificates_option
def open_ledger(ledger: str, home: Path, certificates: Path | None) -> None:
    """Open a hospital's LEDGER by one's signature, as its steward."""
    door, own = own_door(home, certificates), open_keys(home)
    made = enrolment.open_ledger(door, own, ledger)
    click.echo(f"membership {made['membership']}")
    pin = base64.b64encode(own.signing.public_bytes).decode()
    click.echo(f"pin for the worker: {pin} steward of {ledger}")


@enrol.command()
@click.argument("ledger")
@click.argument("account")
@click.argument("role")
@click.option("--fingerprint", "told", required=True, help="As the person told it, out of band.")
@click.option("--organisation", required=True, help="hospital, platform, firm:<code>, ...")
@click.option("--domain", default="hospital", show_default=True, help="Or project:<id>.")
@click.option("--expires", type=click.DateTime(), help="When the role ends (UTC).")
@home_option
@certificates_option
def grant(  # noqa: PLR0913 - one argument per option
    *,
    ledger: str,
    account: str,
    role: str,
    told: str,
    organisation: str,
    domain: str,
    expires: datetime | None,
    home: Path,
    certificates: Path | None,
) -> None:
    """Give ACCOUNT a ROLE in LEDGER by one's signature, as a steward."""
    ends_at = expires.replace(tzinfo=UTC) if expires else None
    given = enrolment.Grant(account, role, organisation, told, domain, ends_at)
    made = enrolment.grant(own_door(home, certificates), open_keys(home), ledger, given)
    click.echo(f"member {made['member']}\nmembership {made['membership']}")


@enrol.command()
@click.argument("ledger")
@click.argument("accounts", nargs=-1, required=True)
@click.option("--course", default=permits.COURSE, show_default=True, help="What was passed.")
@click.option("--passed", type=click.DateTime(), required=True, help="When (UTC).")
@click.option("--expires", type=click.DateTime(), required=True, help="Until when it counts (UTC).")
@home_option
@certificates_option
def training(  # noqa: PLR0913 - one argument per option
    *,
    ledger: str,
    accounts: tuple[str, ...],
    course: str,
    passed: datetime,
    expires: datetime,
    home: Path,
    certificates: Path | None,
) -> None:
    """Tell by one's signature, in LEDGER, that ACCOUNTS passed a course."""
    window = permits.Window(passed.replace(tzinfo=UTC), expires.replace(tzinfo=UTC))
    door, own = own_door(home, certificates), open_keys(home)
    made = permits.record_training(door, own, ledger, accounts, course, window)
    click.echo(f"training {made['training']}")


@enrol.command()
@click.argument("ledger")
@click.argument("dataset")
@click.argument("project")
@click.option("--from", "start", type=click.DateTime(), required=True, help="Beginning (UTC).")
@click.option("--until", "end", type=click.DateTime(), required=True, help="End (UTC).")
@home_option
@certificates_option
def permit(  # noqa: PLR0913 - one argument per option
    *,
    ledger: str,
    dataset: str,
    project: str,
    start: datetime,
    end: datetime,
    home: Path,
    certificates: Path | None,
) -> None:
    """Permit PROJECT on DATASET in LEDGER for a time, by one's signature, as a steward."""
    window = permits.Window(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
    door, own = own_door(home, certificates), open_keys(home)
    permits.issue_permit(door, own, ledger, dataset, project, window)


@enrol.command()
@click.argument("ledger")
@click.argument("project")
@click.option("--reason", required=True, help="A code without blanks.")
@home_option
@certificates_option
def unpermit(ledger: str, project: str, reason: str, home: Path, certificates: Path | None) -> None:
    """End the permit of PROJECT in LEDGER at once, by one's signature, as a steward."""
    door, own = own_door(home, certificates), open_keys(home)
    permits.revoke_permit(door, own, ledger, project, reason)


@enrol.command()
@click.argument("ledger")
@click.option(
    "--policy",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The policy file: whose cosignatures, and how many.",
)
@click.option("--nobody", is_flag=True, help="Ask for no witness from now on.")
@home_option
@certificates_option
def witnesses(
    *, ledger: str, path: Path | None, nobody: bool, home: Path, certificates: Path | None
) -> None:
    """Ask for a quorum of witnesses under what leaves LEDGER, by one's signature, as a steward.

    It stands in the log, and so does every change of it. The operator has to have configured the
    policy (setting `witness_policy`); addresses in it may differ.
    """
    if nobody == (path is not None):
        raise click.UsageError("one of --policy and --nobody.")
    try:
        policy = parse_policy(path.read_bytes()).digest if path is not None else "none"
    except VerificationError as error:
        raise click.UsageError(f"--policy is no policy file: {error.message}.") from error
    door, own = own_door(home, certificates), open_keys(home)
    permits.require_witnesses(door, own, ledger, policy)
    click.echo(f"witnesses {policy}")


@enrol.command()
@click.argument("ledger")
@click.argument("membership")
@click.option("--reason", required=True, help="A code without blanks.")
@home_option
@certificates_option
def revoke(
    ledger: str, membership: str, reason: str, home: Path, certificates: Path | None
) -> None:
    """Take a MEMBERSHIP in LEDGER away by one's signature, as a steward."""
    door, own = own_door(home, certificates), open_keys(home)
    enrolment.revoke(door, own, ledger, membership, reason)


def _fingerprint_of(public_key: str) -> str:
    try:
        return signing.fingerprint(base64.b64decode(public_key, validate=True))
    except ValueError as error:
        raise ClientError("public-key-malformed", "the key is not base64", status=400) from error


def _connected(url: str, certificates: Path | None) -> Door:
    door = connect(url, certificates=certificates)
    click.get_current_context().call_on_close(door.http.close)
    return door


def _password(file: Path | None, *, new: bool) -> str:
    if file is not None:
        try:
            return secretfile.read(file).decode().rstrip("\n")
        except UnicodeDecodeError as error:
            raise ClientError("password-malformed", "the file is not UTF-8", status=400) from error
    return str(click.prompt("password", hide_input=True, confirmation_prompt=new))


def _show(made: Json) -> None:
    """Show the second factor and the recovery codes, once."""
    click.echo(f"account {made['account']}")
    click.echo(f"for your authenticator: {made['otpauth']}")
    click.echo("recovery codes, each good once; keep them on paper:")
    for code in made["recovery_codes"]:
        click.echo(f"  {code}")


def _confirm(door: Door, account: str, password: str, url: str, home: Path) -> None:
    """Take the second factor's first code, asking again after a wrong one; keep the session.

    The setup code or the invitation is spent by now: a mistyped code must not cost the account.
    """
    for left in reversed(range(_CODES_TYPED)):
        try:
            opened = session.confirm(door, account, password, click.prompt("code"))
        except ClientError as error:
            wrong = error.field == "code" or error.code in {"login-refused", "login-delayed"}
            if not wrong or not left:
                raise
            click.echo(f"{error.code}: {error.message}", err=True)
        else:
            session.keep_session(home, url, opened)
            return
