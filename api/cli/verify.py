"""`anbiao verify`: the stand-alone verifier under the one name; it adds nothing to its verdict."""

from dataclasses import replace
from pathlib import Path

import click

from crypto.verifier import (
    Broken,
    Pins,
    Wish,
    about,
    read_authorities,
    read_pins,
    read_token,
    run,
    run_compare,
)


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
@click.option(
    "--platform",
    metavar="PATH_OR_URL",
    default="",
    help="The platform's log, whose key is pinned, too: which table was in force, and when.",
)
@click.option(
    "--witnesses", metavar="FILE", help="Pinned tlog-policy file: whose quorum is demanded."
)
@click.option("--compare", metavar="OTHER", help="Another head of the same log: one history?")
@click.option("--evidence", metavar="FILE", help="With --compare: where proof of two is written.")
@click.option(
    "--authority",
    "authorities",
    metavar="PEM",
    multiple=True,
    help="Pinned certificate of a time-stamp authority; repeats.",
)
@click.option("--since", metavar="CHECKPOINT", help="A checkpoint kept from last time.")
@click.option("--token", metavar="FILE", help="File with the credential for a URL's entries.")
@click.option("--questions", is_flag=True, help="Answer a regulator's questions from the entries.")
@click.option(
    "--about",
    "scope",
    metavar="WHAT",
    help="With --questions: ledger, dataset:ID, project:ID, subject:ID or period:FROM/UNTIL.",
)
@click.option(
    "--language", type=click.Choice(["en", "zh"]), help="With --questions: of the answers."
)
@click.option("--json", "as_json", is_flag=True, help="With --questions: one JSON object.")
@click.pass_context
def verify(  # noqa: PLR0913 - one for each option
    context: click.Context,
    *,
    target: str,
    keys: tuple[str, ...],
    policies: tuple[str, ...],
    platform: str,
    witnesses: str | None,
    compare: str | None,
    evidence: str | None,
    authorities: tuple[str, ...],
    since: str | None,
    token: str | None,
    questions: bool,
    scope: str | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Verify a log folder or URL, an evidence pack, a receipt, a passport or a package folder.

    The verdict is that of `python crypto/verifier.py PATH --key VKEY`, which needs nothing else
    of this program. Pin keys that you got from somewhere other than what you verify.

    With --witnesses a quorum of them must have cosigned what releases rest on. With --compare the
    verdict is on two heads of one log (files, folders or addresses): exit 1 and a file with the
    proof when the log showed two histories. The file is checked like any other.

    Exit code: 0 sound, 1 broken (what and where), 2 cannot tell, 64 wrong usage.
    """
    pins = replace(
        _pins(keys, policies, witnesses), platform=platform, authorities=_authorities(authorities)
    )
    wish = _wish(scope, language, as_json=as_json) if questions else None
    if not questions and (scope or language or as_json):
        raise click.UsageError("--about, --language and --json go with --questions.")
    try:
        kept = Path(since).read_bytes() if since else None
        credential = read_token(token)
    except (OSError, ValueError):
        raise click.UsageError("--since or --token can't be read.") from None
    if compare is not None:
        out = Path(evidence) if evidence else None
        context.exit(run_compare(target, compare, pins, credential, out))
    context.exit(run(target, pins, kept, credential, wish))


def _wish(scope: str | None, language: str | None, *, as_json: bool) -> Wish:
    try:
        what = about(scope) if scope else None
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    return Wish(what, int(language == "zh"), as_json)


def _authorities(paths: tuple[str, ...]) -> tuple[bytes, ...]:
    try:
        return read_authorities(paths)
    except (OSError, ValueError):
        raise click.UsageError("--authority is no PEM file of a certificate.") from None


def _pins(keys: tuple[str, ...], policies: tuple[str, ...], witnesses: str | None) -> Pins:
    try:
        return read_pins(keys, policies, witnesses)
    except (Broken, OSError, ValueError):
        raise click.UsageError(
            "--key is neither a verifier key nor a file of them, or --policy no digest, or "
            "--witnesses no policy file."
        ) from None
