"""No test reaches beyond this machine: the interpreter itself refuses (R86).

Processes that tests start are not watched; `promises/test_shape_of_the_house.py` keeps the modules
that know the network on a list.
"""

import ipaddress
import signal
import sys

NAMES = frozenset({None, "", "localhost", b"localhost"})


def stays_here(host: object) -> bool:
    """Whether a host is this machine itself."""
    if host in NAMES:
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def watch(event: str, given: tuple) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = given[1]
        # A Unix socket's address is a path.
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = given[0]
    else:
        return
    if not stays_here(host):
        raise PermissionError(f"a test must not reach {host!r}")


sys.addaudithook(watch)

# Whoever starts the tests in the background may have Ctrl-C ignored; what the tests start must not
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
