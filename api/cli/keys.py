"""`anbiao keys`: the pseudonym key of `anbiao clean`, and what a far notary is known by."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

KEY_BYTES = 32
KEY_FILE_MODE = 0o600
_HEX_CHARS = 2 * KEY_BYTES
_READ_BY_OTHERS = """\
********************************************************************************
WARNING: others may read the key file; set its mode to 0600.
Who reads it can link every pseudonym back to its patient.
警告：其他用户可读取该密钥文件，可据此还原假名；请立即将其权限设为 0600。
********************************************************************************"""


@click.group()
def keys() -> None:
    """Make keys: of pseudonyms, of the way to a notary."""


@keys.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new(file: Path) -> None:
    """Write a new pseudonym key to FILE: 32 bytes in hex, readable by you alone.

    Keep it as safe as the patients' names: who has it can link pseudonyms back. An existing FILE
    is never replaced, because files cleaned under its key could no longer be matched.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_FILE_MODE)
    except FileExistsError:
        raise click.ClickException("FILE exists; a key is never overwritten.") from None
    except OSError:
        raise click.ClickException("FILE can't be written.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        os.fchmod(stream.fileno(), KEY_FILE_MODE)
        stream.write(secrets.token_hex(KEY_BYTES) + "\n")
    click.echo("A new key is written; only you can read it.", err=True)


@keys.command()
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--days",
    type=click.IntRange(1, 825),
    default=365,
    show_default=True,
    help="How long the certificates are good for.",
)
def notary(folder: Path, days: int) -> None:
    """Make the certificates by which the processes and a notary on another machine know each other.

    OUT, a new folder, gets serve/, worker/ and notary/: each one's certificate and key, the
    authority, and the fingerprints of those it talks to. Each goes as notary-tls/ into that
    process's own folder (serve/, vault/, notary/) and nowhere else; the authority's key is never
    written. Set `notary_address` on all machines. To renew: make all anew, restart all three.
    """
    from sandbox.provenance.notary_certificates import make  # noqa: PLC0415 - not for `clean`

    made = make(datetime.now(UTC), timedelta(days=days))
    try:
        folder.mkdir(mode=0o700)
        for process, files in made.items():
            (folder / process).mkdir(mode=0o700)
            for name, octets in files.items():
                _write_private(folder / process / name, octets)
    except FileExistsError:
        raise click.ClickException("OUT exists; nothing is ever overwritten.") from None
    except OSError:
        raise click.ClickException("OUT can't be written.") from None
    click.echo(f"Certificates for {days} days are written; move each to its process.", err=True)


def _write_private(file: Path, octets: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_FILE_MODE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)


def read_key(file: Path) -> bytes:
    """The key in a file.

    A key that others can only read still cleans, with a warning on every run: keys come from other
    tools too, and to refuse would not make it secret again. One that others can write is refused:
    they could choose the pseudonyms.

    Raises:
        click.UsageError: `key-unreadable`, `key-exposed` (others may write it) or `key-malformed`.
    """
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read(_HEX_CHARS + 2).decode("ascii", "replace").strip()
    except OSError:
        raise click.UsageError("key-unreadable: The key file can't be read.") from None
    if mode & 0o022:
        raise click.UsageError("key-exposed: Others may write the key file; make a new one.")
    if mode & 0o055:
        click.echo(_READ_BY_OTHERS, err=True)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(text) != _HEX_CHARS or len(key) != KEY_BYTES:
        raise click.UsageError("key-malformed: The key file doesn't hold 32 bytes in hex.")
    return key
