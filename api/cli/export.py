"""`anbiao export`: a verified log or pack in other systems' words; no server is asked."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from crypto.verifier import Broken, CannotTell, Inquiry, about, inquire, judged, read_pins
from sandbox.provenance.drawing import svg

Write = Callable[[Inquiry], None]

_source = click.argument("source", metavar="PACK_OR_LOG")
_keys = click.option(
    "--key", "keys", metavar="VKEY", multiple=True, help="Pinned vkey, or a file of them; repeats."
)
_about = click.option(
    "--about",
    "scope",
    metavar="WHAT",
    help="What a subject's entries are marked by: dataset:ID, project:ID, subject:ID, period:A/B.",
)
_out = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write."
)


@click.group()
def export() -> None:
    """Write a verified pack or log as FHIR or PROV; offline.

    The source is verified first, by the same keys and with the same exit codes as `anbiao verify`:
    from what does not hold nothing is written. Every record names the log, the index and the
    digest of the entry that it came from.
    """


@export.command()
@_source
@_keys
@_about
@_out
@click.option("--bundle", is_flag=True, help="One Bundle instead of a line for each event.")
@click.pass_context
def fhir(
    context: click.Context,
    *,
    source: str,
    keys: tuple[str, ...],
    scope: str | None,
    out: Path,
    bundle: bool,
) -> None:
    """FHIR R4 AuditEvents after IHE BALP, one JSON object a line."""
    from sandbox.provenance import fhir_export  # noqa: PLC0415 - only where it is asked for

    def write(inquiry: Inquiry) -> None:
        if bundle:
            text = json.dumps(fhir_export.bundle(inquiry), ensure_ascii=False, indent=1)
            out.write_text(f"{text}\n", encoding="utf-8")
            return
        with out.open("w", encoding="utf-8") as sink:
            for event in fhir_export.audit_events(inquiry):
                sink.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")

    _carry_out(context, source, keys, scope, write)


@export.command()
@_source
@_keys
@_about
@_out
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An SVG of how data went through the house.",
)
@click.pass_context
def prov(
    context: click.Context,
    *,
    source: str,
    keys: tuple[str, ...],
    scope: str | None,
    out: Path,
    picture: Path | None,
) -> None:
    """W3C PROV as PROV-JSON, and a picture of it if one is asked for."""
    from sandbox.provenance import prov_export  # noqa: PLC0415 - only where it is asked for

    def write(inquiry: Inquiry) -> None:
        out.write_text(prov_export.prov_json(inquiry), encoding="utf-8")
        if picture:
            picture.write_text(f"{svg(prov_export.graph(inquiry))}\n", encoding="utf-8")

    _carry_out(context, source, keys, scope, write)


def _carry_out(
    context: click.Context, source: str, keys: tuple[str, ...], scope: str | None, write: Write
) -> None:
    """Verify, write if it is sound, say the verdict, and end with its code."""
    try:
        pins, what = read_pins(keys), about(scope) if scope else None
    except (Broken, OSError, ValueError):
        raise click.UsageError("--key is no verifier key, or --about names nothing.") from None
    found: list[Inquiry] = []

    def verification() -> str:
        words, inquiry = inquire(source, pins, scope=what)
        if inquiry.log.ledger == "platform" and what is not None:
            raise CannotTell("the platform's log is not about data")
        found.append(inquiry)
        return words

    code, said = judged(verification)
    if found:
        write(found[0])
    click.echo(said, err=True)
    context.exit(code)
