"""`anbiao worker`: the enclave's process; it listens nowhere."""

import base64
import threading
from pathlib import Path

import click

from api.cli.main import tell_logs
from api.cli.processes import (
    database_file_option,
    database_option,
    dir_option,
    only_one,
    quiet_option,
    running_note,
    settings_of,
    stop_on_signals,
)
from sandbox import wiring
from sandbox.errors import VerificationFailed
from sandbox.layout import Process
from sandbox.settings import Mode, Settings
from sandbox.worker import POLL_S, Worker, run

_AWAITED = frozenset({"pin-missing", "account-missing"})


@click.command()
@dir_option
@click.option("--account", help="The worker's own service account, kept from now on.")
@click.option(
    "--serve-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Public sealing key of `serve` (its `serve/identity.pub`), pinned from now on.",
)
@database_option
@database_file_option
@quiet_option
def worker(
    folder: Path, account: str | None, serve_key: Path | None, *, quiet: bool, **given: object
) -> None:
    """Open deposits, clean, issue and seal in DIR until stopped.

    Before it starts, `vault/account`, `vault/serve.pin` and the stewards' pins must be there; as
    long as one is missing it waits and says so; in production it ends, having made its identity.
    """
    tell_logs(quiet=quiet)
    settings = settings_of(folder, Process.WORKER, **given)
    stop = stop_on_signals()
    with only_one(settings, "worker"):
        if account is not None:
            wiring.keep_worker_account(settings, account)
        if serve_key is not None:
            wiring.pin_serving_key(settings, _key_in(serve_key))
        _work(settings, stop)


def _work(settings: Settings, stop: threading.Event) -> None:
    with running_note(settings, "worker"):
        ready = _awaited(settings, stop)
        if ready is not None:
            try:
                run(ready, stop)
            finally:
                ready.close()


def _awaited(settings: Settings, stop: threading.Event) -> Worker | None:
    """The worker as soon as everything it must be told is there; None when stopped before."""
    told = ""
    while not stop.is_set():
        try:
            return _told(settings)
        except VerificationFailed as error:
            if error.code not in _AWAITED or settings.mode == Mode.PRODUCTION:
                raise
            if error.message != told:
                told = error.message
                click.echo(f"waiting: {error.code}: {told}", err=True)
        stop.wait(POLL_S)
    return None


def _told(settings: Settings) -> Worker:
    """The worker, once it was told everything.

    Raises:
        VerificationFailed: `pin-missing`, `account-missing`, or what `wiring.working` meets.
    """
    ready = wiring.working(settings)
    if settings.mode == Mode.PRODUCTION and not settings.pins.exists():
        ready.close()
        raise VerificationFailed("pin-missing", f"{settings.pins.name} is not there")
    return ready


def _key_in(path: Path) -> bytes:
    try:
        return base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except ValueError as error:
        raise VerificationFailed("pin-malformed", f"{path.name} is not base64") from error
