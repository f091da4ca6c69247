"""`anbiao timestamp`: have an authority say when it saw the logs' heads (RFC 3161).

The authority is the one that the command line names, and only the SHA-256 of a signed checkpoint
goes out. An answer is kept when the stand-alone verifier accepts it under the pinned certificate.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import httpx
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    decode_timestamp_response,
)

from api.cli.processes import dir_option
from crypto.verifier import Broken, CannotTell, Pins, check_stamp, parse_key, read_authorities
from sandbox.errors import Unacceptable, Unavailable, VerificationFailed
from sandbox.provenance.publishing import CHECKPOINT, KEYS, head_of
from sandbox.provenance.stamps import keep_stamp, stamp_of, stamps_beside
from sandbox.settings import load

_TIMEOUT_S: Final = 20.0
_LONGEST: Final = 1 << 16
_QUERY: Final = "application/timestamp-query"


@click.command()
@dir_option
@click.option("--authority", "url", required=True, help="Address that is asked, http or https.")
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="PEM file of the authority's own certificate, which answers must be by.",
)
def timestamp(folder: Path, url: str, certificate: Path) -> int:
    """Stamp the published head of each log of the house in DIR, unless it is stamped already.

    Run it by a timer, as a user who may write to DIR/log. Stamps lie in DIR/log/.stamps and go
    into evidence packs; check one with `anbiao verify STAMP --key VKEY --authority PEM`.
    """
    settings = load(folder, os.environ)
    if not url.startswith(("https://", "http://")):
        raise Unacceptable("timestamp-url", "an address begins with https:// or http://")
    try:
        authorities = read_authorities([str(certificate)])
    except (OSError, ValueError) as error:
        raise Unacceptable("timestamp-certificate", "it is no PEM file of certificates") from error
    for path in sorted((settings.dir / "log").glob(f"*/{CHECKPOINT}")):
        log, note = path.parent, path.read_bytes()
        size = head_of(note.decode()).size
        if size in stamps_beside(log):
            click.echo(f"{log.name}: {size} entries were stamped before")
            continue
        stamp = _asked(url, note)
        at = _checked(stamp, log, authorities)
        keep_stamp(log, size, stamp)
        click.echo(f"{log.name}: {size} entries stamped at {at}")
    return 0


def _asked(url: str, note: bytes) -> bytes:
    """A stamp of the note, as the authority answers; not yet checked."""
    builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=False).build()
    try:
        # No proxy and no redirect that nobody configured.
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
            headers = {"Content-Type": _QUERY}
            answer = client.post(url, content=request.as_bytes(), headers=headers)
    except httpx.HTTPError as error:
        raise Unavailable("timestamp-unavailable", "the authority does not answer") from error
    if answer.status_code != httpx.codes.OK or len(answer.content) > _LONGEST:
        raise Unavailable("timestamp-unavailable", "the authority answers otherwise")
    try:
        response = decode_timestamp_response(answer.content)
        granted = response.status in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}
        token = response.time_stamp_token()
    except ValueError as error:
        raise VerificationFailed("timestamp-malformed", "the answer is no time-stamp") from error
    if not granted or request.nonce is None:
        raise Unavailable("timestamp-refused", "the authority grants no stamp")
    return stamp_of(note, request.nonce, token)


def _checked(stamp: bytes, log: Path, authorities: Sequence[bytes]) -> str:
    """When it was stamped, by the verifier's word.

    The log's keys are those beside it: this house asks about its own log. Who relies on a stamp
    pins them.
    """
    lines = (log / KEYS).read_text(encoding="ascii").splitlines()
    keys = tuple(parse_key(line, KEYS) for line in lines)
    try:
        return check_stamp(stamp, Pins(keys, authorities=tuple(authorities)), "the answer").at
    except (Broken, CannotTell) as error:
        code = error.code if isinstance(error, Broken) else "stamp-unproved"
        raise VerificationFailed(code, "the authority's answer does not hold") from error
