"""Stores under test: every adapter gets the same questions."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crypto.keytree import KeyStore, MemoryKeyStore
from sandbox.records.port import BlobStore, Ledgers, LedgerStore
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.blobs_memory import MemoryBlobs
from sandbox.storage.keystore import SqliteKeyStore
from sandbox.storage.memory import MemoryLedgers
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.sqlite import SqliteLedgers

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def ledgers(request, tmp_path) -> Iterator[Ledgers]:
    house: Ledgers
    if request.param == "sqlite":
        house = SqliteLedgers(tmp_path / "db", busy_timeout_s=0.2)
    elif request.param == "memory":
        house = MemoryLedgers(busy_timeout_s=0.2)
    else:
        at = request.getfixturevalue("postgres").emptied()
        house = PostgresLedgers(at.application, busy_timeout_s=0.2)
    yield house
    house.close()


@pytest.fixture
def store(ledgers) -> LedgerStore:
    return ledgers.create("a" * 32)


@pytest.fixture(params=["folder", "memory"])
def blobs(request, tmp_path) -> BlobStore:
    return FileBlobs(tmp_path / "blobs") if request.param == "folder" else MemoryBlobs()


@pytest.fixture(params=["sqlite", "memory"])
def keys(request, tmp_path) -> Iterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    opened = SqliteKeyStore(tmp_path / "vault" / "keys.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def child() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start `storage_child.py` with arguments; what still runs at the end is killed."""
    started = []

    def start(*arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("storage_child.py")),
                *map(str, arguments),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
