"""The notary on another machine: who gets in, who is believed, and everybody who is not."""

import socket
import ssl
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.errors import LedgerHalted, Unacceptable, Unavailable
from sandbox.layout import Process
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.notary_certificates import make
from sandbox.provenance.notary_tls import (
    AUTHORITY,
    CERTIFICATE,
    FOLDER,
    KEY,
    PEERS,
    TlsDoor,
    TlsWay,
    ends_at,
    identity,
    pin_of,
)
from sandbox.provenance.notary_wire import NotaryClient, NotaryServer
from sandbox.provenance.publishing import head_of
from sandbox.settings import is_near, split_address

pytestmark = pytest.mark.requirement("R84")
LEDGER = "ab" * 16
YEAR = timedelta(days=365)
REQUEST = b'\0\0\0\x21{"do":"keys","ledger":"platform"}'


def laid(folder, files):
    """A process's own folder with what it was given."""
    (folder / FOLDER).mkdir(parents=True)
    for name, octets in files.items():
        (folder / FOLDER / name).write_bytes(octets)
        (folder / FOLDER / name).chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def made():
    return make(datetime.now(UTC), YEAR)


@pytest.fixture(scope="module")
def strangers():
    """All of another authority, made in the same way."""
    return make(datetime.now(UTC), YEAR)


@pytest.fixture
def state(tmp_path):
    opened = NotaryState(
        tmp_path / "books", "anbiao.test", lambda: datetime(2026, 7, 1, tzinfo=UTC)
    )
    yield opened
    opened.close()


@pytest.fixture
def listening(tmp_path, made, state):
    """Start a notary on a free port; gives its address."""
    servers = []

    def start(files=None):
        own = identity(laid(tmp_path / f"notary{len(servers)}", files or made[Process.NOTARY]))
        door = TlsDoor("127.0.0.1:0", own)
        servers.append(NotaryServer(door, state))
        servers[-1].start()
        return door.address

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def reaching(tmp_path):
    """Make clients; all are closed at the end."""
    clients = []

    def reach(address, files):
        own = identity(laid(tmp_path / f"client{len(clients)}", files))
        clients.append(NotaryClient(TlsWay(address, own), timeout_s=5))
        return clients[-1]

    yield reach
    for client in clients:
        client.close()


@pytest.mark.parametrize("who", [Process.SERVE, Process.WORKER])
def test_server_and_worker_get_their_checkpoints(listening, reaching, made, state, who):
    client = reaching(listening(), made[who])

    note = client.extend(LEDGER, 0, [bytes(32)] * 3)

    assert note == state.extend(LEDGER, 0, ())
    assert client.keys(LEDGER) == state.keys(LEDGER)


def test_refusals_arrive_as_what_they_are(listening, reaching, made):
    client = reaching(listening(), made[Process.SERVE])
    client.extend(LEDGER, 0, [bytes(32)])

    with pytest.raises(LedgerHalted) as differs:
        client.extend(LEDGER, 0, [b"x" * 32])

    assert differs.value.code == "ledger-differs"


def test_threads_share_one_connection(listening, reaching, made):
    client = reaching(listening(), made[Process.WORKER])
    sizes = {}

    def use(ledger):
        sizes[ledger] = head_of(client.extend(ledger, 0, [bytes(32)] * 7)).size

    ledgers = [f"{n:032x}" for n in range(8)]
    threads = [threading.Thread(target=use, args=(ledger,)) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sizes == dict.fromkeys(ledgers, 7)


def met(address, context):
    """What a stranger hears: the answer to a request, or nothing."""
    with ExitStack() as ends:
        peer = ends.enter_context(socket.create_connection(split_address(address), timeout=5))
        try:
            if context:
                peer = ends.enter_context(context.wrap_socket(peer))
            peer.sendall(REQUEST)
            return peer.recv(65_536)
        except OSError:
            return b""


def trusting_all(version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        context.maximum_version = version
    return context


@pytest.mark.parametrize(
    "context",
    [None, trusting_all(), trusting_all(ssl.TLSVersion.TLSv1_2)],
    ids=["plain TCP", "no certificate", "older TLS"],
)
def test_stranger_without_a_certificate_hears_nothing(listening, reaching, made, context):
    address = listening()

    heard = met(address, context)

    assert LEDGER.encode() not in heard
    assert b"keys" not in heard
    assert b"refused" not in heard
    assert reaching(address, made[Process.SERVE]).keys(LEDGER)


def refused(client):
    with pytest.raises(Unavailable) as caught:
        client.extend(LEDGER, 0, [bytes(32)])
    return caught.value.code


def test_client_of_another_authority_is_not_let_in(listening, reaching, made, strangers, state):
    files = {**strangers[Process.SERVE], AUTHORITY: made[Process.SERVE][AUTHORITY]}
    files[PEERS] = made[Process.SERVE][PEERS]

    assert refused(reaching(listening(), files)) == "notary-unavailable"
    assert head_of(state.extend(LEDGER, 0, ())).size == 0


def test_client_that_is_not_pinned_is_not_let_in(listening, reaching, made, state):
    only_worker = made[Process.NOTARY][PEERS].splitlines()[1] + b"\n"
    address = listening({**made[Process.NOTARY], PEERS: only_worker})

    assert refused(reaching(address, made[Process.SERVE])) == "notary-unavailable"
    assert head_of(state.extend(LEDGER, 0, ())).size == 0


def test_notary_of_another_authority_is_not_believed(listening, reaching, made, strangers):
    address = listening(strangers[Process.NOTARY])

    assert refused(reaching(address, made[Process.SERVE])) == "notary-foreign"


def test_notary_that_is_not_pinned_is_not_believed(listening, reaching, made):
    files = {**made[Process.SERVE], PEERS: b"sha256:" + b"0" * 64 + b"\n"}

    assert refused(reaching(listening(), files)) == "notary-foreign"


def test_a_client_is_no_notary(listening, reaching, made):
    pinned = made[Process.NOTARY][PEERS].splitlines()[0] + b"\n"
    address = listening({**made[Process.SERVE], PEERS: made[Process.NOTARY][PEERS]})

    assert refused(reaching(address, {**made[Process.WORKER], PEERS: pinned})) == "notary-foreign"


def test_the_notarys_certificate_opens_no_door(listening, reaching, made):
    notary = made[Process.NOTARY]
    pinned = made[Process.SERVE][PEERS]
    address = listening({**notary, PEERS: notary[PEERS] + pinned})

    assert refused(reaching(address, {**notary, PEERS: pinned})) == "notary-unavailable"


def test_expired_certificates_open_no_door(listening, reaching):
    old = make(datetime.now(UTC) - timedelta(days=3), timedelta(days=2))

    assert refused(reaching(listening(old[Process.NOTARY]), old[Process.SERVE])) == "notary-foreign"


def test_expired_client_is_not_let_in(listening, reaching, made):
    old = make(datetime.now(UTC) - timedelta(days=3), timedelta(days=2))
    trusted = made[Process.NOTARY][AUTHORITY] + old[Process.NOTARY][AUTHORITY]
    files = {
        **made[Process.NOTARY],
        AUTHORITY: trusted,
        PEERS: old[Process.NOTARY][PEERS],
    }
    client = {**old[Process.SERVE], AUTHORITY: made[Process.SERVE][AUTHORITY]}
    client[PEERS] = made[Process.SERVE][PEERS]

    assert refused(reaching(listening(files), client)) == "notary-unavailable"


def test_door_stays_open_for_ours_while_strangers_stand_on_the_threshold(listening, reaching, made):
    address = listening()
    silent = [socket.create_connection(split_address(address)) for _ in range(8)]

    assert reaching(address, made[Process.SERVE]).keys(LEDGER)
    for one in silent:
        one.close()


@pytest.mark.parametrize("name", [AUTHORITY, CERTIFICATE, KEY, PEERS])
def test_start_without_one_of_its_files_is_refused(tmp_path, made, name):
    laid(tmp_path / "serve", made[Process.SERVE])
    (tmp_path / "serve" / FOLDER / name).unlink()

    with pytest.raises(Unacceptable) as caught:
        identity(tmp_path / "serve")

    assert caught.value.code == "notary-tls-missing"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_start_with_a_key_that_others_reach_is_refused(tmp_path, made, mode):
    laid(tmp_path / "serve", made[Process.SERVE])
    (tmp_path / "serve" / FOLDER / KEY).chmod(mode)

    with pytest.raises(Unacceptable) as caught:
        identity(tmp_path / "serve")

    assert caught.value.code == "notary-tls-exposed"


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        (PEERS, b""),
        (PEERS, b"sha256:zz"),
        (PEERS, b"\xff"),
        (PEERS, b"sha256:" + b"A" * 64),
        (PEERS, (b"sha256:" + b"0" * 64 + b"\n") * 65),
        (CERTIFICATE, b"no pem"),
        (AUTHORITY, b"no pem"),
        (KEY, b"no pem"),
    ],
)
def test_start_with_a_spoilt_file_is_refused(tmp_path, made, name, octets):
    laid(tmp_path / "notary", {**made[Process.NOTARY], name: octets})

    with pytest.raises(Unacceptable) as caught:
        TlsDoor("127.0.0.1:0", identity(tmp_path / "notary"))

    assert caught.value.code == "notary-tls-malformed"


def test_key_of_another_certificate_is_refused(tmp_path, made, strangers):
    laid(tmp_path / "serve", {**made[Process.SERVE], KEY: strangers[Process.SERVE][KEY]})

    with pytest.raises(Unacceptable) as caught:
        TlsWay("127.0.0.1:1", identity(tmp_path / "serve"))

    assert caught.value.code == "notary-tls-malformed"


@pytest.mark.parametrize("address", ["8.8.8.8:9", "0.0.0.0:9", "[::]:9", "[2001:4860::1]:9"])
def test_public_address_is_neither_listened_on_nor_connected_to(tmp_path, made, address):
    own = identity(laid(tmp_path / "notary", made[Process.NOTARY]))

    with pytest.raises(Unavailable) as listened:
        TlsDoor(address, own)
    with pytest.raises(Unavailable) as connected:
        TlsWay(address, own).reached(1)

    assert listened.value.code == connected.value.code == "notary-address-public"


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.0.9", True),
        ("::1", True),
        ("fd00::1", True),
        ("8.8.8.8", False),
        ("172.32.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("::", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_which_addresses_are_near(host, near):
    assert is_near(host) is near


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("notary:8421", ("notary", 8421)),
        ("[fd00::1]:1", ("fd00::1", 1)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("notary", None),
        ("notary:65536", None),
        (":1", None),
        ("fd00::1:1", None),
        ("a b:1", None),
        ("user@host:1", None),
    ],
)
def test_an_address_is_host_and_port(text, parts):
    assert split_address(text) == parts


def test_certificates_say_when_they_end_and_differ_by_process(tmp_path, made):
    folders = [laid(tmp_path / str(one), files) for one, files in made.items()]

    ends = {ends_at(folder) for folder in folders}
    pins = {
        pin_of(ssl.PEM_cert_to_DER_cert(files[CERTIFICATE].decode())) for files in made.values()
    }

    assert len(pins) == len(made)
    assert all(timedelta(days=364) < end - datetime.now(UTC) < YEAR for end in ends)
