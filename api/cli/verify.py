"""`anbiao verify`: the stand-alone verifier under the one name; it adds nothing to its verdict."""

from pathlib import Path

import click

from crypto.verifier import Broken, Pins, read_pins, read_token, run


@click.command()
@click.argument("target", metavar="PATH_OR_URL")
@click.option(
    "--key", "keys", metavar="VKEY", multiple=True, help="Pinned vkey, or a file of them; repeats."
)
@click.option(
    "--policy",
    "policies",
    metavar="DIGEST",
    multiple=True,
    help="Pinned decision table, sha256:<hex>, or a file of them; repeats.",
)
@click.option("--since", metavar="CHECKPOINT", help="A checkpoint kept from last time.")
@click.option("--token", metavar="FILE", help="File with the credential for a URL's entries.")
@click.pass_context
def verify(
    context: click.Context,
    *,
    target: str,
    keys: tuple[str, ...],
    policies: tuple[str, ...],
    since: str | None,
    token: str | None,
) -> None:
    """Verify a log folder or URL, an evidence pack, a receipt, a passport or a package folder.

    The verdict is that of `python crypto/verifier.py PATH --key VKEY`, which needs nothing else
    of this program. Pin keys that you got from somewhere other than what you verify.

    Exit code: 0 sound, 1 broken (what and where), 2 cannot tell, 64 wrong usage.
    """
    pins = _pins(keys, policies)
    try:
        kept = Path(since).read_bytes() if since else None
        credential = read_token(token)
    except (OSError, ValueError):
        raise click.UsageError("--since or --token can't be read.") from None
    context.exit(run(target, pins, kept, credential))


def _pins(keys: tuple[str, ...], policies: tuple[str, ...]) -> Pins:
    try:
        return read_pins(keys, policies)
    except (Broken, OSError, ValueError):
        raise click.UsageError(
            "--key is neither a verifier key nor a file of them, or --policy no digest."
        ) from None
