"""`anbiao health`: whether one process of this machine lives, for whoever restarts it.

It asks no more than the process's own place tells: its note, its lock, the notary's socket, and the
server's door. The door's certificate is compared with the one that the settings name; the name in
it is not, as the question does not leave this machine.
"""

import http.client
import json
import os
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from api.cli.processes import dir_option
from sandbox.errors import Unavailable
from sandbox.layout import Process
from sandbox.provenance.notary_place import require_listening
from sandbox.settings import Settings, load

_WAIT_S: Final = 5.0
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


@click.command()
@click.argument("process", type=click.Choice([str(one) for one in Process]))
@dir_option
def health(process: str, folder: Path) -> None:
    """Exit 0 when PROCESS (serve, worker, notary) over DIR lives and answers, else 69."""
    settings = load(folder, os.environ)
    note = _note(settings, process)
    if process == Process.NOTARY:
        require_listening(settings)
    elif process == Process.SERVE:
        _ask_door(settings, str(note.get("url", "")))
    click.echo("ok")


def _note(settings: Settings, process: str) -> dict[str, object]:
    """What the process wrote about itself when it came up; it runs still.

    Raises:
        Unavailable: `not-running`.
    """
    try:
        note = json.loads((settings.dir / "run" / f"{process}.json").read_text(encoding="utf-8"))
        os.kill(int(note["pid"]), 0)
    except PermissionError:
        pass  # another user's, and alive
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable("not-running", f"no {process} runs over this folder") from error
    return dict(note)


def _ask_door(settings: Settings, url: str) -> None:
    """Ask the door the question that it answers to anyone.

    Raises:
        Unavailable: `door-silent`: no answer, another certificate, or the ledger can't be read.
    """
    try:
        parts = urlsplit(url)
        host = _ANY.get(parts.hostname or "", parts.hostname or "")
        if settings.tls_certificate is None:
            door = http.client.HTTPConnection(host, parts.port, timeout=_WAIT_S)
        else:
            context = _trusting(settings.tls_certificate)
            door = http.client.HTTPSConnection(host, parts.port, timeout=_WAIT_S, context=context)
        try:
            door.request("GET", "/v1/health")
            answer = json.loads(door.getresponse().read(4_096))
        finally:
            door.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable("door-silent", "the door does not answer as it must") from error
    if not isinstance(answer, dict) or answer.get("status") != "ok":
        raise Unavailable("door-silent", "the door answers, and the ledger can't be read")


def _trusting(certificate: Path) -> ssl.SSLContext:
    """Trust in the very certificate that the settings name."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
