"""The composition root: what each process is made of. The only place that reads settings.

- `serving` builds what the HTTP door stands on, `enclave` and `working` the worker's side,
  `notary` the signer.
- Nothing here opens the vault for `serve` or serving keys for the worker: each function touches
  its own folder only, so that different users of the operating system can run them.
- A room joins by one line in `all_handlers` and, where it has a door, one field of `House`.
"""

import hmac
import logging
import os
import resource
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL

import crypto
from crypto.keytree import KeyStore
from policies.duties import conflicts
from policies.pack import read_pack
from sandbox import worker_account
from sandbox.acts import PLATFORM, Command, Handler
from sandbox.clean.engine_pool import PoolEngine, processes
from sandbox.clean.handlers import handlers as clean_handlers
from sandbox.clean.recipes import NAMES as RECIPES
from sandbox.clean.recipes import recipe_named
from sandbox.collect.handlers import handlers as collect_handlers
from sandbox.collect.pulse import Pulse
from sandbox.enclave import Enclave
from sandbox.erasure.handlers import handlers as erasure_handlers
from sandbox.errors import LedgerUnavailable, Unavailable, VerificationFailed
from sandbox.gate import Gate
from sandbox.gate.governing import Governing
from sandbox.history import Histories, signed_head
from sandbox.label.handlers import handlers as label_handlers
from sandbox.layout import OWN, RUN, Process, is_apart, owners
from sandbox.people.delays import Delays
from sandbox.people.desk import Desk, LastSeen, Limits
from sandbox.people.handlers import handlers as people_handlers
from sandbox.people.passwords import Hasher
from sandbox.people.presence import Presence, SharedPresence
from sandbox.people.room import People, furnish
from sandbox.people.setup_code import SetupCode
from sandbox.provenance import notary_place
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer
from sandbox.provenance.publishing import Publisher
from sandbox.provenance.shelf import TableShelf
from sandbox.provenance.witnesses import find_policy, published_witnessed
from sandbox.records.port import BlobStore, Ledgers
from sandbox.release.handlers import handlers as release_handlers
from sandbox.scanning import identifiers_in
from sandbox.serving import Serving, open_serving
from sandbox.settings import Mode, Settings
from sandbox.storage.blobs import FileBlobs
from sandbox.storage.folders import exclusive
from sandbox.storage.keystore import SqliteKeyStore
from sandbox.storage.orphans import sweep_orphans
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_link import address_given
from sandbox.storage.postgres_moments import PostgresMoments
from sandbox.storage.sqlite import SqliteLedgers
from sandbox.vault import open_vault, pin_serve
from sandbox.worker import Worker
from sandbox.worker import furnish as furnish_worker

_HASHES_AT_ONCE = 2  # each takes `password_memory_kib`; more only wait for one another
_INVITATION = timedelta(days=7)
_LOGIN_DELAY_S = 60.0  # the longest, after failed logins
_log = logging.getLogger("anbiao.wiring")


@dataclass(frozen=True)
class House:
    """What the HTTP door stands on."""

    settings: Settings
    gate: Gate
    ledgers: Ledgers
    blobs: BlobStore
    exchange: KeyStore
    custody: Serving
    people: People
    log: Path
    policy: Path
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    pulse: Pulse
    moments: PostgresMoments | None = None

    def begin(self) -> None:
        """What a start does: finish signed tails, offer the setup code on an empty store.

        A notary that is not there yet, or a halted ledger, keeps the other ledgers from nothing:
        each settles its own tail before its next act.
        """
        try:
            self.gate.finish_tails()
        except Unavailable as error:
            _log.warning("tails are not signed yet: %s", error.code)
        self.people.enrolments.offer_setup()
        self.turn()

    def turn(self) -> None:
        """Do `serve`'s part in a change of its keys, if the worker asks for one."""
        with exclusive(self.settings.dir / "serve" / ".lock"):  # one of several that serve
            try:
                self.custody.turn()
            except VerificationFailed as error:
                _log.warning("keys are not changed: %s", error.code)

    def close(self) -> None:
        """Finish what is queued and let go of everything."""
        try:
            self.people.entrance.close()
        except Unavailable:
            _log.warning("failed logins of the last minute could not be entered")
        self.gate.close()
        self.gate.notary.close()
        self.ledgers.close()
        if self.moments is not None:
            self.moments.close()


Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A random id: 128 bits, 32 hex digits."""
    return secrets.token_hex(16)


def all_handlers(settings: Settings) -> Mapping[type[Command], Handler[Any]]:  # Any: see below
    """The handlers of all rooms, one line per room; each takes a command type of its own."""
    return {
        **people_handlers(conflicts),
        **collect_handlers(new_id, RECIPES, timedelta(seconds=settings.deposit_idle_s)),
        **clean_handlers(),
        **label_handlers(),
        **erasure_handlers(timedelta(seconds=settings.erasure_within_s)),
        **release_handlers(read_pack()),
    }


def serving(settings: Settings, clock: Clock = now_utc) -> House:
    """What the HTTP door stands on; touches everything but `vault/` and `notary/`.

    Raises:
        VerificationFailed: a root key's file is exposed, malformed or locked otherwise.
        Unavailable: a store can't be opened.
    """
    folder = _made(settings.dir)
    gate, ledgers, governing = _gate(settings, Process.SERVE, clock)
    exchange = _key_store(folder / "exchange")
    own = folder / "serve"
    with exclusive(_made(own) / ".lock"):  # several that start at once make one root and one pair
        custody = open_serving(own, _key_store(own), exchange, _passphrase(settings))
    moments, delays, presence = _moments(settings, custody, clock)
    sightings = None if moments is None else moments.sightings
    desk = Desk(
        gate=gate,
        hasher=Hasher(settings.password_memory_kib, at_once=_HASHES_AT_ONCE),
        delays=delays,
        presence=presence,
        setup_code=SetupCode(own / "setup-code"),
        seal=custody,
        invitation_key=custody.door_key(),
        limits=Limits(
            idle=timedelta(seconds=settings.session_idle_s),
            longest=timedelta(seconds=settings.session_longest_s),
            invitation=_INVITATION,
        ),
        clock=clock,
        new_id=new_id,
    )
    return House(
        settings=settings,
        gate=gate,
        ledgers=ledgers,
        blobs=FileBlobs(folder / "blobs"),
        exchange=exchange,
        custody=custody,
        people=furnish(desk, lambda: governing.policy, lambda: governing.table),
        log=folder / "log",
        policy=folder / "policy",
        clock=clock,
        new_id=new_id,
        pulse=Pulse(clock, timedelta(seconds=settings.deposit_idle_s), sightings),
        moments=moments,
    )


def _moments(
    settings: Settings, custody: Serving, clock: Clock
) -> tuple[PostgresMoments | None, Delays, LastSeen]:
    """Delays and sightings: of this process alone, or of all that share a database."""
    longest = timedelta(seconds=settings.session_longest_s)
    address = database_address(settings)
    if address is None:
        seen_file = settings.dir / "serve" / "presence.json"
        return None, Delays(_LOGIN_DELAY_S), Presence(seen_file, longest)
    moments = PostgresMoments(address)
    # One key for all processes: a subject is one and the same in each of them.
    key = hmac.digest(custody.door_key(), b"anbiao-delays-v1", "sha256")
    delays = Delays(_LOGIN_DELAY_S, moments.failures, key)
    # Sightings of deposits stand in the same book: none is forgotten before it stops to count.
    keep = max(longest, timedelta(seconds=settings.deposit_idle_s))
    return moments, delays, SharedPresence(moments.sightings, clock, keep)


def enclave(settings: Settings) -> Enclave:
    """What the worker stands on; touches everything but `serve/` and `notary/`.

    Raises:
        VerificationFailed: `pin-missing`, `account-missing`: what it must be told is not there
            yet; or a key's file is exposed, malformed or locked otherwise.
        Unavailable: a store can't be opened.
    """
    folder = _made(settings.dir)
    own = _made(folder / "vault")
    store = _key_store(own)
    try:
        vault = open_vault(own, store, _passphrase(settings))
        account = worker_account.kept(own)
    except VerificationFailed:
        store.close()
        raise
    try:
        gate, ledgers, _ = _gate(settings, Process.WORKER, for_hospitals=True)
    except LedgerUnavailable:
        store.close()
        raise
    cosigned = partial(published_witnessed, folder / "log")
    return Enclave(
        gate=gate,
        ledgers=ledgers,
        blobs=FileBlobs(folder / "blobs"),
        exchange=_key_store(folder / "exchange"),
        vault=vault,
        history=Histories(ledgers, gate.notary, settings.pins, own / "log-pins", cosigned),
        actor=worker_account.actor_of(ledgers, account),
        clock=now_utc,
        new_id=new_id,
        witness_policies=partial(find_policy, folder / "policy"),
    )


def working(settings: Settings) -> Worker:
    """The worker over its enclave, with engines in processes of their own.

    Raises:
        VerificationFailed: as `enclave`.
        Unavailable: a store can't be opened.
    """
    own = enclave(settings)
    furnished = furnish_worker(
        own,
        PoolEngine(recipe_named, processes(settings.worker_processes)),
        identifiers_in,
        read_pack(),
        time.monotonic,
        settings.clean_bytes,
    )
    blobs = FileBlobs(settings.dir / "blobs")
    return replace(furnished, tidy=partial(sweep_orphans, own.ledgers, blobs, own.exchange))


def keep_worker_account(settings: Settings, account: str) -> None:
    """Tell the worker its service account.

    Raises:
        Unacceptable: it is no account id.
    """
    worker_account.keep(_made(settings.dir / "vault"), account)


def pin_serving_key(settings: Settings, public_key: bytes) -> None:
    """Tell the worker whom it seals to: `serve`'s public key, received out of band."""
    pin_serve(_made(settings.dir / "vault"), public_key)


def notary(settings: Settings) -> NotaryServer:
    """The signer behind its door; touches `notary/` and `run/` only.

    Raises:
        Unacceptable: what `notary_place.door` raises.
        Unavailable: `socket-taken`: a notary answers there already, say.
    """
    folder = _made(settings.dir)
    _made(folder / RUN)
    state = NotaryState(_made(folder / "notary"), settings.origin, now_utc)
    admitted = {os.getuid(), *owners(folder).values()}
    return NotaryServer(notary_place.door(settings, admitted), state)


def harden(folder: Path) -> None:
    """What every process does first: private files, no core dumps, our own `crypto`.

    Where the processes are different users, files in the folders that they share are for both.

    Raises:
        VerificationFailed: `crypto-foreign`: another package of that name is in the way.
    """
    os.umask(0o007 if is_apart(folder) else 0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ours = Path(__file__).resolve().parent.parent / "crypto"
    if Path(crypto.__file__ or "").resolve().parent != ours:
        raise VerificationFailed("crypto-foreign", "another package named crypto is in the way")


def _gate(
    settings: Settings, process: Process, clock: Clock = now_utc, *, for_hospitals: bool = False
) -> tuple[Gate, Ledgers, Governing]:
    """A gate of this process over the ledgers, and the policy that governs it."""
    folder, ledgers = settings.dir, _ledgers(settings)
    ledgers.create(PLATFORM)
    client = NotaryClient(notary_place.way(settings, process))
    pins = folder / OWN[process] / "log-pins"
    governing = Governing(
        ledgers,
        TableShelf(_made(folder / "policy")),
        lambda: signed_head(client, pins, PLATFORM),
        must_adopt=settings.mode == Mode.PRODUCTION,
    )
    try:
        governing.require_start(for_hospitals=for_hospitals)
    except LedgerUnavailable:
        ledgers.close()
        raise
    gate = Gate(
        ledgers=ledgers,
        decision_point=governing,
        governing=governing.in_unit,
        handlers=all_handlers(settings),
        notary=client,
        publisher=Publisher(_made(folder / "log")),
        clock=clock,
        new_id=new_id,
    )
    return gate, ledgers, governing


def database_address(settings: Settings) -> URL | None:
    """Where the house's PostgreSQL is; None when its ledgers are files.

    Raises:
        Unacceptable: `database-url-malformed`.
        VerificationFailed: `file-exposed`, `file-missing`.
    """
    return address_given(settings.database, settings.database_file)


def check_database(settings: Settings) -> None:
    """Open the ledgers and close them again; raises the `SandboxError` that stands in the way."""
    _ledgers(settings).close()


def _ledgers(settings: Settings) -> Ledgers:
    address = database_address(settings)
    return SqliteLedgers(settings.dir / "db") if address is None else PostgresLedgers(address)


def _passphrase(settings: Settings) -> bytes | None:
    """The passphrase of the root keys, from a file that nobody else can read.

    Raises:
        VerificationFailed: `file-exposed`, or there is no such file.
    """
    path = settings.passphrase_file
    if path is None:
        return None
    with suppress(OSError):
        if path.stat().st_mode & 0o077 == 0:
            return path.read_bytes().rstrip(b"\n")
    raise VerificationFailed("file-exposed", "the passphrase file must exist with mode 0600")


def _key_store(folder: Path) -> SqliteKeyStore:
    return SqliteKeyStore(_made(folder) / "keys.sqlite")


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
