"""The guard of tests/conftest.py is in force while the suite runs."""

import socket

import pytest

pytestmark = pytest.mark.requirement("R86")


@pytest.mark.parametrize("host", ["192.0.2.1", "203.0.113.7", "8.8.8.8"])
def test_no_connection_leaves_this_machine(host):
    with socket.socket() as calling, pytest.raises(PermissionError):
        calling.connect((host, 443))


def test_no_packet_leaves_this_machine():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as calling,
        pytest.raises(PermissionError),
    ):
        calling.sendto(b"?", ("192.0.2.1", 53))


def test_no_name_is_looked_up():
    with pytest.raises(PermissionError):
        socket.getaddrinfo("example.org", 443)


def test_this_machine_may_be_reached():
    with socket.socket() as listening, socket.socket() as calling:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        calling.connect(listening.getsockname())
