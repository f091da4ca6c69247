"""`anbiao`: every command under one name, loaded when it is called for.

Exit codes: 0 done; 64 wrong usage; 1 a plain failure; else the code of the error's class
(`sandbox.errors`), or what the command itself says. An error is one line on standard error,
`error: <code>: <sentence>`, never a traceback.
"""

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import click

from api import VERSION
from api.client.errors import ClientError
from crypto.errors import VerificationError
from sandbox.errors import SandboxError, VerificationFailed

USAGE = 64
INTERNAL = 70
INTERRUPTED = 130

COMMANDS: Mapping[str, tuple[str, str]] = {
    "clean": ("api.cli.clean:clean", "De-identify a folder, offline."),
    "database": ("api.cli.database:database", "Make or migrate tables in PostgreSQL."),
    "demo": ("api.cli.demo:demo", "Play the whole chain on real files."),
    "deposit": ("api.cli.deposit:deposit", "Seal a folder and deposit it, as the hospital."),
    "doctor": ("api.cli.doctor:doctor", "Check how this house is set up."),
    "enrol": ("api.cli.enrol:enrol", "Accounts, keys and memberships, from a person's side."),
    "erase": ("api.cli.erase:erase", "Erase a person's data or a dataset, as the hospital."),
    "evidence": ("api.cli.evidence:evidence", "Export an evidence pack."),
    "export": ("api.cli.export:export", "Write a verified pack as FHIR or PROV."),
    "health": ("api.cli.health:health", "Ask whether a process lives."),
    "keys": ("api.cli.keys:keys", "Make keys: of pseudonyms, of the way to a notary."),
    "layout": ("api.cli.layout:layout", "Make a data folder for three users."),
    "notary": ("api.cli.notary:notary", "Run the signer of the logs."),
    "officer": ("api.cli.officer:officer", "Check samples and sign a batch, as the officer."),
    "open": ("api.cli.open:open_package", "Open a released package, as its recipient."),
    "policy": ("api.cli.policy:policy", "See the policy, and change it by two people."),
    "reconcile": ("api.cli.reconcile:reconcile", "Compare every stored row with the log."),
    "requirements": (
        "api.cli.requirements:requirements",
        "Show each requirement, its tests and their result.",
    ),
    "serve": ("api.cli.serve:serve", "Run the HTTP door."),
    "timestamp": ("api.cli.timestamp:timestamp", "Have an authority stamp the logs' heads."),
    "verify": ("api.cli.verify:verify", "Verify a log, pack, receipt, passport or package."),
    "vote": ("api.cli.vote:vote", "Vote on a release."),
    "who-saw": ("api.cli.evidence:who_saw", "Tell who was let see anything of a subject."),
    "witness": ("api.cli.witness:witness", "Cosign logs, on a machine of one's own."),
    "worker": ("api.cli.worker:worker", "Run the enclave's worker."),
}
"""Each command: where it is defined, and its line in the list."""


class _Lazy(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's form
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's form
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise click.ClickException(f"`{cmd_name}` is not part of this build.") from None
        assert isinstance(found, click.Command)  # noqa: S101 - what COMMANDS promises
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's form
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="anbiao", message="%(prog)s %(version)s")
def anbiao() -> None:
    """An encrypted sandbox in which sensitive data is labelled and never leaves."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a command line; whatever fails is told in one line."""
    try:
        code = anbiao.main(arguments, prog_name="anbiao", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: one line, and no traceback
        return _told(error)
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> int:
    match error:
        case click.UsageError():
            error.show()
            return USAGE
        case click.ClickException():
            return _fail("failed", error.format_message(), error.exit_code)
        case ClientError() | SandboxError():
            return _fail(error.code, error.message, error.exit_code)
        case VerificationError():
            return _fail(error.code, error.message, VerificationFailed.exit_code)
        case OSError():
            return _fail("file-failed", os.strerror(error.errno or 0), 1)
        case _:
            return _fail("internal-error", _place(error), INTERNAL)


def tell_logs(*, quiet: bool) -> None:
    """Send log lines to standard error; of what is not ours, warnings only."""
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
    logging.getLogger("anbiao").setLevel(logging.WARNING if quiet else logging.INFO)
    # Casbin shows its whole model at INFO whenever it is loaded.
    logging.getLogger("casbin").setLevel(logging.ERROR)


def _fail(code: str, sentence: str, exit_code: int) -> int:
    click.echo(f"error: {code}: {sentence}", err=True)
    return exit_code


def _place(error: Exception) -> str:
    """Where it happened: the message of an unexpected error may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{type(error).__name__} at {where}"


if __name__ == "__main__":
    main()
