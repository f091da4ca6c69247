"""The notary's socket: frames, peers, and everything that a bad one may send."""

import os
import socket
import stat
import struct
import threading
from datetime import UTC, datetime

import pytest

from crypto import canonical
from sandbox.errors import LedgerHalted, Unavailable
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.notary_doors import UnixDoor, UnixWay
from sandbox.provenance.notary_wire import (
    LEAVES_PER_REQUEST,
    MAX_FRAME_BYTES,
    NotaryClient,
    NotaryServer,
)
from sandbox.provenance.publishing import head_of

LEDGER = "ab" * 16


@pytest.fixture
def state(tmp_path):
    opened = NotaryState(
        tmp_path / "notary", "anbiao.test", lambda: datetime(2026, 7, 1, tzinfo=UTC)
    )
    yield opened
    opened.close()


@pytest.fixture
def serve(tmp_path, state):
    """Start servers; all are closed at the end."""
    servers = []

    def start(path=None, **options):
        server = NotaryServer(UnixDoor(path or tmp_path / "notary.sock", **options), state)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def client(tmp_path):
    made = NotaryClient(UnixWay(tmp_path / "notary.sock"), timeout_s=5)
    yield made
    made.close()


def test_far_notary_answers_as_the_near_one(serve, client, state):
    serve()

    note = client.extend(LEDGER, 0, [bytes(32)] * 3)

    assert note == state.extend(LEDGER, 0, ())
    assert client.keys(LEDGER) == state.keys(LEDGER)


def test_long_tail_goes_in_several_frames(serve, client):
    serve()

    note = client.extend(LEDGER, 0, [bytes(32)] * (2 * LEAVES_PER_REQUEST + 1))

    assert head_of(note).size == 2 * LEAVES_PER_REQUEST + 1


def test_refusals_arrive_as_what_they_are(serve, client):
    serve()
    client.extend(LEDGER, 0, [bytes(32)])

    with pytest.raises(LedgerHalted) as differs:
        client.extend(LEDGER, 0, [b"x" * 32])
    with pytest.raises(Unavailable) as behind:
        client.extend(LEDGER, 5, [bytes(32)])

    assert differs.value.code == "ledger-differs"
    assert behind.value.code == "notary-behind"
    assert not isinstance(behind.value, LedgerHalted)


def test_silent_notary_is_unavailable(client):
    with pytest.raises(Unavailable) as caught:
        client.keys(LEDGER)

    assert caught.value.code == "notary-unavailable"


def test_client_reconnects_after_the_notary_was_started_anew(serve, client):
    serve().close()
    with pytest.raises(Unavailable):
        client.keys(LEDGER)
    first = serve()
    keys = client.keys(LEDGER)
    first.close()

    serve()

    assert client.keys(LEDGER) == keys


def test_socket_is_for_its_owner_only(serve, tmp_path):
    serve()

    mode = (tmp_path / "notary.sock").stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_peer_of_another_user_is_hung_up_on(serve, client):
    serve(uids={os.getuid() + 1})

    with pytest.raises(Unavailable):
        client.keys(LEDGER)


def test_second_notary_at_one_socket_is_refused(serve):
    serve()

    with pytest.raises(Unavailable) as caught:
        serve()

    assert caught.value.code == "socket-taken"


def test_socket_left_by_a_killed_notary_is_taken_over(serve, client, tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "notary.sock"))

    serve()

    assert client.keys(LEDGER)


def test_socket_works_where_its_path_is_longer_than_the_kernel_allows(serve, tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    serve(deep / "notary.sock")

    client = NotaryClient(UnixWay(deep / "notary.sock"))

    assert client.keys(LEDGER)
    client.close()


def test_missing_folder_is_unavailable(serve, tmp_path):
    with pytest.raises(Unavailable) as caught:
        serve(tmp_path / "nowhere" / "notary.sock")

    assert caught.value.code == "socket-refused"


def test_threads_share_one_client(serve, client):
    serve()
    ledgers = [f"{n:032x}" for n in range(12)]
    sizes = {}

    def use(ledger):
        sizes[ledger] = head_of(client.extend(ledger, 0, [bytes(32)] * 7)).size

    threads = [threading.Thread(target=use, args=(ledger,)) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sizes == dict.fromkeys(ledgers, 7)


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def said(path, octets: bytes) -> bytes:
    """What the server answers to raw bytes before it hangs up (or all of one frame)."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(5)
        peer.connect(str(path))
        peer.sendall(octets)
        peer.shutdown(socket.SHUT_WR)
        answer = b""
        while part := peer.recv(65_536):
            answer += part
        return answer


HOPELESS = {
    "cut length": b"\x00\x00",
    "cut body": b"\x00\x00\x00\x05ab",
    "too large": struct.pack(">I", MAX_FRAME_BYTES + 1),
    "far too large": b"\xff\xff\xff\xff",
    "no json": frame(b"hello"),
    "not canonical": frame(b'{"ledger": "platform", "do": "keys"}'),
    "deep": frame(b"[" * 1000),
}


@pytest.mark.parametrize("kind", HOPELESS)
def test_bad_frame_ends_the_conversation_and_nothing_else(serve, client, tmp_path, kind):
    serve()

    assert said(tmp_path / "notary.sock", HOPELESS[kind]) == b""
    assert client.keys(LEDGER)


MALFORMED = {
    "no object": [],
    "unknown verb": {"do": "sign", "ledger": LEDGER},
    "surplus member": {"do": "keys", "ledger": LEDGER, "x": 1},
    "ledger outside": {"do": "keys", "ledger": "../../etc"},
    "no leaves": {"do": "extend", "ledger": LEDGER, "start": 0},
    "leaves no hex": {"do": "extend", "ledger": LEDGER, "start": 0, "leaves": "zz"},
    "short leaf": {"do": "extend", "ledger": LEDGER, "start": 0, "leaves": "00"},
    "start in words": {"do": "extend", "ledger": LEDGER, "start": "0", "leaves": ""},
    "start below zero": {"do": "extend", "ledger": LEDGER, "start": -1, "leaves": ""},
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_request_is_refused_by_code(serve, tmp_path, kind):
    serve()

    answer = said(tmp_path / "notary.sock", frame(canonical.encode(MALFORMED[kind])))

    refused = canonical.decode(answer[4:])
    assert refused["refused"].endswith("-malformed")
    assert refused["halted"] is False


@pytest.fixture
def liar(tmp_path):
    """A server at the socket that answers every request with the given bytes."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "notary.sock"))
    server.listen()

    def answer_with(octets: bytes):
        def run():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65_536)
                    peer.sendall(octets)

        threading.Thread(target=run, daemon=True).start()

    yield answer_with
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        frame(b"nonsense"),
        frame(b"[]"),
        frame(b"{}"),
        frame(b'{"keys":[1]}'),
        frame(b'{"keys":"x"}'),
        frame(b'{"refused":1}'),
        b"\xff\xff\xff\xff",
    ],
)
def test_senseless_answer_is_unavailable(liar, client, octets):
    liar(octets)

    with pytest.raises(Unavailable) as caught:
        client.keys(LEDGER)

    assert caught.value.code == "notary-unavailable"
    assert not isinstance(caught.value, LedgerHalted)


def test_stranger_in_the_notarys_place_is_not_believed(serve, tmp_path):
    serve()
    wary = NotaryClient(UnixWay(tmp_path / "notary.sock", uid=os.getuid() + 1), timeout_s=5)

    with pytest.raises(Unavailable) as caught:
        wary.keys("platform")

    assert caught.value.code == "notary-foreign"
