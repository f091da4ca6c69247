"""The settings of one house: read once, frozen, every field described in `docs/settings.md`.

Order: defaults < `<dir>/settings.toml` < environment `ANBIAO_<NAME>` < command line. An unknown
key anywhere refuses the start. Secrets are named by file path, never by value.
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.errors import Malformed, Unacceptable

PREFIX = "ANBIAO_"
FILE_NAME = "settings.toml"
CLIENT_NAMES = frozenset({"ANBIAO_HOME", "ANBIAO_URL", "ANBIAO_WORKER"})
"""Read by the commands of a person's own side; no settings of a house."""
_MIB = 2**20
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")
_PORTS = 65_536


class Mode(StrEnum):
    """What a house is for; neither switches a defence off."""

    DEMO = "demo"
    PRODUCTION = "production"


class Settings(BaseModel):
    """Everything that can be set; the descriptions are what `docs/settings.md` shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dir: Annotated[Path, Field(description="data folder; everything is kept below it")]
    mode: Annotated[
        Mode,
        Field(
            description="`demo`: one user of the operating system, loopback only; `production`: "
            "each process a user of its own, TLS, and no start with an insecure setting"
        ),
    ] = Mode.DEMO
    host: Annotated[str, Field(description="address to listen on; loopback only without TLS")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, Field(ge=0, le=65535, description="TCP port of the HTTP door; 0 takes a free one")
    ] = 8420
    tls_certificate: Annotated[
        Path | None, Field(description="PEM file of the certificate chain; needs `tls_key`")
    ] = None
    tls_key: Annotated[
        Path | None, Field(description="PEM file of the certificate's private key, mode 0600")
    ] = None
    passphrase_file: Annotated[
        Path | None,
        Field(description="file (0600) whose passphrase locks the root keys; else they are 0600"),
    ] = None
    database: Annotated[
        str | None,
        Field(
            description="PostgreSQL instead of SQLite files: `postgresql://ROLE@HOST/NAME`, the "
            "application's role, without a password"
        ),
    ] = None
    database_file: Annotated[
        Path | None,
        Field(description="file (0600) that holds this address, with its password if need be"),
    ] = None
    notary_address: Annotated[
        str | None,
        Field(
            description="`HOST:PORT` where the notary listens and is reached, by mutual TLS, in "
            "place of the socket in `run/`; loopback or private addresses only"
        ),
    ] = None
    origin: Annotated[
        str,
        Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,99}$", description="prefix of the logs' names"),
    ] = "anbiao.localhost"
    witness_policy: Annotated[
        Path | None,
        Field(
            description="tlog-policy file: which witnesses are asked to cosign the logs, and "
            "where; unless set nobody is asked and releases say `unwitnessed`. A file beside it "
            "of the same name with `.pem` holds who signs their certificates, if not the system's"
        ),
    ] = None
    session_idle_s: Annotated[
        int, Field(ge=60, le=86_400, description="seconds without a request that end a session")
    ] = 1_800
    session_longest_s: Annotated[
        int, Field(ge=60, le=604_800, description="seconds after which any session ends")
    ] = 43_200
    password_memory_kib: Annotated[
        int, Field(ge=19_456, le=1_048_576, description="memory of one password hash in KiB")
    ] = 65_536
    request_bytes: Annotated[
        int, Field(ge=65_536, le=64 * _MIB, description="longest request body but for objects")
    ] = _MIB
    object_bytes: Annotated[
        int, Field(ge=_MIB, description="longest sealed object that may be put")
    ] = 8192 * _MIB
    deposit_idle_s: Annotated[
        int,
        Field(
            ge=1,
            le=86_400,
            description="seconds without a sign of its client after which other depositors may "
            "abandon an open deposit",
        ),
    ] = 300
    clean_bytes: Annotated[
        int,
        Field(
            ge=_MIB,
            description="longest file that the worker cleans, which takes some three times as "
            "much memory; longer ones are checked and quarantined, and take none",
        ),
    ] = 512 * _MIB
    requests_per_s: Annotated[
        int, Field(ge=1, le=100_000, description="requests per second of one account")
    ] = 100
    request_burst: Annotated[
        int, Field(ge=1, le=1_000_000, description="requests that one account may make at once")
    ] = 400
    lease_s: Annotated[
        int, Field(ge=30, le=86_400, description="seconds that a labeller may look at an item")
    ] = 1_800
    worker_processes: Annotated[
        int | None,
        Field(
            ge=1,
            le=64,
            description="processes of the worker that clean; one per core and four at most "
            "unless set",
        ),
    ] = None
    erasure_within_s: Annotated[
        int,
        Field(
            ge=60,
            le=2_592_000,
            description="seconds after which an ordered erasure must be whole, its key epoch "
            "destroyed; the worker rotates after half of them",
        ),
    ] = 86_400
    spare_disk_bytes: Annotated[
        int, Field(ge=0, description="free disk space below which `doctor` complains")
    ] = 1024 * _MIB

    @model_validator(mode="after")
    def _loopback_or_tls(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key come together")
        if self.tls_certificate is None and not is_loopback(self.host):
            raise ValueError("without TLS only a loopback address may be listened on")
        return self

    @model_validator(mode="after")
    def _no_secret_by_value(self) -> Self:
        if self.database is not None and self.database_file is not None:
            raise ValueError("database and database_file exclude one another")
        if self.database is not None and holds_password(self.database):
            raise ValueError("a password is kept in database_file or a PGPASSFILE, never here")
        return self

    @model_validator(mode="after")
    def _notary_is_near(self) -> Self:
        if self.notary_address is None:
            return self
        host, _port = split_address(self.notary_address) or ("", 0)
        if not host:
            raise ValueError("notary_address is HOST:PORT")
        # A name is looked up, and judged, when it is listened on or connected to.
        if is_number(host) and not is_near(host):
            raise ValueError("notary_address must be a loopback or private address")
        return self

    @property
    def shares_ledgers(self) -> bool:
        """Whether the ledgers lie where several processes may serve them."""
        return self.database is not None or self.database_file is not None

    @property
    def pins(self) -> Path:
        """The file of pinned steward keys: beside what else the worker alone believes."""
        return self.dir / "vault" / "stewards.pins"


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(address: str) -> tuple[str, int] | None:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`; None for anything else."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[3]) >= _PORTS:
        return None
    return found[1] or found[2], int(found[3])


def is_number(host: str) -> bool:
    """Whether a host is an IP address, and no name to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_near(host: str) -> bool:
    """Whether an IP address is one of a single machine or of a private network."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_private and not found.is_unspecified


def holds_password(address: str) -> bool:
    """Whether a database's address holds a password; what can't be read might."""
    try:
        parts = urlsplit(address)
        return parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        return True


def load(
    folder: Path, environment: Mapping[str, str], given: Mapping[str, object] | None = None
) -> Settings:
    """The settings of the house in `folder`; `given` comes from the command line.

    Raises:
        Malformed: the file is not TOML.
        Unacceptable: an unknown key or a value out of range; the field is named, never its value.
    """
    merged: dict[str, object] = {**_from_file(folder / FILE_NAME), **_from(environment)}
    merged |= {name: value for name, value in (given or {}).items() if value is not None}
    merged["dir"] = folder.resolve()
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise Unacceptable("setting-unknown", f"no setting {name}", field=name) from None
        said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise Unacceptable("setting-refused", f"{name} {said}".strip(), field=name) from None


def _from_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed("settings-malformed", f"{FILE_NAME} is not TOML") from error


def _from(environment: Mapping[str, str]) -> dict[str, object]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in CLIENT_NAMES
    }
