"""`anbiao doctor`: how this house is set up, in plain words.

A failure is something to mend; a warning is something to know.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from api.cli.processes import dir_option
from sandbox.settings import Settings, is_loopback, load

FAILED: Final = "FAIL"
WARNED: Final = "warn"
SOUND: Final = "ok"
_SECRETS: Final = (
    "serve/root.key",
    "serve/setup-code",
    "serve/keys.sqlite",
    "vault/root.key",
    "vault/identity.key",
    "vault/keys.sqlite",
    "exchange/keys.sqlite",
    "notary/*/seeds",
    "db/*.sqlite",
)
_TOLD_TO_WORKER: Final = ("serve.pin", "account")


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    verdict: str
    what: str
    sentence: str


@click.command()
@dir_option
def doctor(folder: Path) -> int:
    """Check how the house in DIR is set up; exit 1 when something is to be mended."""
    settings = load(folder, os.environ)
    findings = list(examine(settings))
    for finding in findings:
        click.echo(f"{finding.verdict:<4}  {finding.what}: {finding.sentence}")
    return 1 if any(finding.verdict == FAILED for finding in findings) else 0


def examine(settings: Settings) -> Iterator[Finding]:
    """What there is to say about a house."""
    if not settings.dir.is_dir():
        yield Finding(FAILED, "data folder", "is not there; `anbiao serve` makes it")
        return
    yield from _modes(settings.dir)
    yield _split(settings.dir)
    yield _worker(settings)
    yield _door(settings)
    yield _disk(settings)
    yield Finding(
        WARNED,
        "attestation",
        "none in force: a root operator of the live machine is not defended against",
    )


def _modes(folder: Path) -> Iterator[Finding]:
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding(FAILED, "data folder", "others can look into it; chmod 700")
    for pattern in _SECRETS:
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder)
            if path.is_symlink() or stat.S_IMODE(path.lstat().st_mode) & 0o077:
                yield Finding(FAILED, str(name), "others have rights to it; chmod 600")
            else:
                yield Finding(SOUND, str(name), "readable by its owner alone")


def _split(folder: Path) -> Finding:
    owners = {p.stat().st_uid for n in ("serve", "vault", "notary") if (p := folder / n).exists()}
    if len(owners) > 1:
        return Finding(SOUND, "users", "the processes' folders belong to different users")
    return Finding(
        WARNED, "users", "one user owns serve, vault and notary: the split is no defence here"
    )


def _worker(settings: Settings) -> Finding:
    missing = [n for n in _TOLD_TO_WORKER if not (settings.dir / "vault" / n).exists()]
    if not settings.pins.exists():
        missing.append(settings.pins.name)
    if missing:
        return Finding(WARNED, "worker", f"waits for {', '.join(missing)} in vault/")
    return Finding(SOUND, "worker", "knows its account, serve's key and the stewards")


def _door(settings: Settings) -> Finding:
    if settings.tls_certificate is None:
        return Finding(WARNED, "TLS", f"none; {settings.host} is reached from this machine only")
    missing = [p for p in (settings.tls_certificate, settings.tls_key) if p and not p.is_file()]
    if missing:
        return Finding(FAILED, "TLS", "certificate or key is not there")
    if settings.tls_key and stat.S_IMODE(settings.tls_key.stat().st_mode) & 0o077:
        return Finding(FAILED, "TLS", "others have rights to the private key; chmod 600")
    where = "this machine" if is_loopback(settings.host) else "the network"
    return Finding(SOUND, "TLS", f"in force, reached from {where}")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.dir).free
    if free < settings.spare_disk_bytes:
        return Finding(FAILED, "disk", f"{free // 2**20} MiB free, less than is to be spare")
    return Finding(SOUND, "disk", f"{free // 2**20} MiB free")
