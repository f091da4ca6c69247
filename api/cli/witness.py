"""`anbiao witness`: cosign the logs of others, on a machine of one's own."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from api.cli.main import tell_logs
from api.cli.processes import quiet_option, stop_on_signals
from api.client.errors import ClientError
from api.witness import book as books
from api.witness.answers import Witness
from api.witness.book import Book, KnownLog, evidence_of, last_head, read_logs, read_signers
from api.witness.files import made
from api.witness.mirror import Fetch, Mirror, fetching, follow_all
from api.witness.server import serving
from crypto.errors import VerificationError
from crypto.note import VerifierKey
from sandbox.settings import is_loopback

RETRY_S: Final = 30.0
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:\s]+):(?P<port>[0-9]{1,5})")

dir_option = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The witness's own folder.",
)


@click.group()
def witness() -> None:
    r"""Cosign the heads of logs that only grow, and keep evidence of those that do not.

    \b
    Run it on a machine that the log's operator does not run:
      anbiao witness init --dir W --name witness.regulator.example
      anbiao witness trust --dir W --key keys-of-the-log
      anbiao witness run --dir W --listen 0.0.0.0:8440 \\
          --tls-certificate chain.pem --tls-key key.pem
    `init` prints what the operator and every verifier write into their policy files.
    """


@witness.command()
@dir_option
@click.option("--name", required=True, help="Name of this witness, such as its address.")
def init(folder: Path, name: str) -> None:
    """Make this witness's keys, and print what others write into their policy files."""
    try:
        books.make_keys(folder, name)
    except VerificationError as error:
        if error.code != "vkey-malformed":
            raise
        raise click.UsageError("a name has no blank, no plus and at most 255 bytes.") from error
    _tell_keys(folder)


@witness.command()
@dir_option
def keys(folder: Path) -> None:
    """Print this witness's verifier keys, as lines for a policy file."""
    _tell_keys(folder)


@witness.command()
@dir_option
@click.option(
    "--key",
    "given",
    metavar="VKEY",
    multiple=True,
    required=True,
    help="A key of the log, or a file of them; repeats.",
)
@click.option("--url", help="Where the log is read, to keep a copy of all its entries.")
def trust(folder: Path, given: tuple[str, ...], url: str | None) -> None:
    """Know one log from now on, by all keys that its operator handed over.

    Get the keys from somewhere other than the log's own server. Keys of a known log are not
    changed here: edit DIR/logs while no witness runs.
    """
    try:
        found = [VerifierKey.parse(line) for value in given for line in _lines(value)]
    except (VerificationError, OSError, UnicodeDecodeError):
        raise click.UsageError("--key is neither a verifier key nor a file of them.") from None
    if url is not None and not re.fullmatch(r"https?://\S+", url):
        raise click.UsageError("--url is no address.")
    books.trust(folder, found, url)
    click.echo(f"knows {found[0].name} by {len(found)} keys")


@witness.command()
@dir_option
@click.option(
    "--listen", default="127.0.0.1:8440", show_default=True, help="HOST:PORT; port 0 takes any."
)
@click.option("--tls-certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--token",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the credential for entries, to keep copies of logs with an address.",
)
@quiet_option
def run(
    folder: Path,
    listen: str,
    tls_certificate: Path | None,
    tls_key: Path | None,
    token: Path | None,
    *,
    quiet: bool,
) -> None:
    """Answer `add-checkpoint` until stopped; TLS, or an address of this machine alone."""
    tell_logs(quiet=quiet)
    host, port = _address(listen)
    tls = _tls(host, tls_certificate, tls_key)
    book = Book(folder)
    stop, grown = stop_on_signals(), threading.Event()
    answering = Witness(book, time.time, lambda _log: grown.set())
    try:
        server = serving(answering, host, port, tls)
    except OSError:
        book.close()
        raise
    threading.Thread(target=server.serve_forever, name="witness", daemon=True).start()
    scheme = "http" if tls is None else "https"
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"witness of {len(book.logs)} logs at {scheme}://{shown}:{server.server_port}")
    credential = token.read_text("ascii").strip() if token else None
    try:
        _mirroring(book, credential, stop, grown)
    finally:
        server.shutdown()
        server.server_close()
        book.close()


@witness.command()
@dir_option
def status(folder: Path) -> int:
    """Print the last head of each log and what speaks against it; exit 1 if anything does."""
    against = 0
    for log in read_logs(folder / books.LOGS_FILE).values():
        note = last_head(folder, log)
        size = note.split("\n")[1] if note else "nothing yet"
        click.echo(f"{log.origin}: {size}")
        for path in evidence_of(folder, log):
            against += 1
            click.echo(f"  evidence: {path}")
    return 1 if against else 0


def _tell_keys(folder: Path) -> None:
    ed25519, mldsa = (signer.vkey for signer in read_signers(folder))
    click.echo("# one of the two, or both in a group; the second stands against quantum computers")
    click.echo(f"witness {ed25519.name} {ed25519}")
    click.echo(f"witness {mldsa.name}/ml-dsa {mldsa}")


def _lines(value: str) -> list[str]:
    if re.fullmatch(r"[^\s+]+\+[0-9a-f]{8}\+\S+", value):
        return [value]
    return [line for line in Path(value).read_text("utf-8").splitlines() if line.strip()]


def _address(listen: str) -> tuple[str, int]:
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found["port"]) > 65_535:  # noqa: PLR2004 - the last port
        raise click.UsageError("--listen is HOST:PORT.")
    return found["host"].strip("[]"), int(found["port"])


def _tls(host: str, certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if certificate is not None and key is not None:
        return certificate, key
    if certificate is not None or key is not None:
        raise click.UsageError("--tls-certificate and --tls-key come together.")
    if not is_loopback(host):
        raise click.UsageError("without TLS only a loopback address may be listened on.")
    return None


def _mirroring(
    book: Book, credential: str | None, stop: threading.Event, grown: threading.Event
) -> None:
    """Keep copies of the logs that have an address, until stopped."""
    if not any(log.url for log in book.logs.values()):
        stop.wait()
        return
    with fetching(credential) as fetch:
        mirrors = [_mirror(book, log, fetch) for log in book.logs.values() if log.url]
        while not stop.is_set():
            follow_all(mirrors)
            # Signals end the wait for growth, too: it looks up every moment.
            for _ in range(int(RETRY_S / 0.2)):
                if grown.wait(0.2) or stop.is_set():
                    break
            grown.clear()


def _mirror(
    book: Book, log: KnownLog, fetch: Callable[[str], Fetch]
) -> tuple[KnownLog, Mirror, Callable[[], str | None]]:
    folder = made(book.folder / "mirror" / log.folder_name)
    try:
        mirror = Mirror(folder, fetch(log.url or ""))
    except (ClientError, VerificationError, OSError) as error:
        raise ClientError("mirror-damaged", f"{folder} is not what was copied") from error
    return log, mirror, lambda: book.head(log)
