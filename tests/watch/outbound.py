"""Every connection, listening and look-up of this interpreter, written down as it happens (R86).

- An audit hook of the interpreter sees it, whichever library asks. What would leave the machine is
  written down and refused.
- Each event is one line, appended at once: a process that is killed has told all it did.
- A Python that is started takes the watch along. One that is told to look at no environment is an
  escape, and a program that is no Python is named: neither is watched.

What it does not see: native code that opens sockets by itself. The same suite runs in a network
of its own under `make torture`, where the kernel counts what goes out.
"""

import ipaddress
import json
import os
import secrets
import socket
import sys
from collections.abc import MutableMapping
from pathlib import Path

FOLDER = "OUTBOUND_WATCH"
OWNER = "OUTBOUND_OWNER"
HERE = str(Path(__file__).resolve().parent)
NAMES = frozenset({None, "", "localhost", b"localhost"})
ADDRESSED = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}
LOOKED_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
KERNEL = {getattr(socket, name, None) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG")}
BLINDING = {"-I", "-E", "-S"}
ALONE = {"verifier.py"}
"""Started with nothing of ours around it on purpose: that is what its tests are about."""

PYTHONS = ("python", "anbiao", "pytest")


def stays_here(host: object) -> bool:
    """Whether a host is this machine itself."""
    if host in NAMES:
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def kind_of(event: str, given: tuple) -> tuple[str, object] | None:
    """What an event is (`unix`, `loopback`, `other`) and the host it names; None for no address."""
    if event in ADDRESSED:
        at, address = given[0], given[1]
        if address is None:
            return None  # along a connection that was looked at when it was made
        if at.family in KERNEL:
            return "unix", None
        host = address[0] if isinstance(address, tuple) else address
        if event == "socket.bind" and host == "":
            return "other", "every address"
    elif event in LOOKED_UP:
        host = given[0]
    elif event == "socket.getnameinfo":
        host = given[0][0]
    else:
        return None
    return "loopback" if stays_here(host) else "other", host


def escape_of(given: tuple) -> tuple[str, str] | None:
    """A started program that is not watched: (`unwatched` or `program`, its name)."""
    executable, arguments, _folder, environment = given
    if isinstance(arguments, (str, bytes)):
        arguments = [arguments]
    words = [os.fsdecode(word) for word in arguments]
    name = Path(os.fsdecode(executable) if executable else words[0]).name
    if not name.startswith(PYTHONS):
        return "program", name
    if environment is not None:
        take_along(environment)
    if not BLINDING & set(words[1:3]):
        return None
    if words[1] == "-I" and Path(words[2]).name in ALONE:
        return "program", f"{words[1]} {Path(words[2]).name}"
    return "unwatched", " ".join(words[:3])


def take_along(environment: MutableMapping) -> None:
    """A test that gives a program an environment of its own gives it the watch, too."""
    environment.setdefault(FOLDER, os.environ[FOLDER])
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    if HERE not in paths:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [HERE, *paths]))


class Watch:
    """The hook of this process, and the file that it writes to."""

    def __init__(self, folder: str) -> None:
        self._file = os.open(
            Path(folder) / f"{os.getpid()}-{secrets.token_hex(4)}",
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
            0o600,
        )

    def __call__(self, event: str, given: tuple) -> None:
        if event.startswith("socket."):
            found = kind_of(event, given)
            if found is not None:
                self._tell(found[0], event, found[1])
                if found[0] == "other":
                    raise PermissionError(f"a test must not reach {found[1]!r}")
        elif event == "subprocess.Popen":
            escape = escape_of(given)
            if escape is not None:
                self._tell(escape[0], event, escape[1])

    def _tell(self, kind: str, event: str, what: object) -> None:
        detail = "" if kind in {"unix", "loopback"} else str(what)
        os.write(self._file, f"{json.dumps([kind, event, detail])}\n".encode())


def watch() -> None:
    """Watch this interpreter from now on, where a folder is named and nobody does yet."""
    folder = os.environ.get(FOLDER)
    if folder and Path(folder).is_dir() and not getattr(sys, "_outbound_watch", False):
        sys._outbound_watch = True
        sys.addaudithook(Watch(folder))


def told(folder: Path) -> dict[str, object]:
    """What all processes wrote below `folder`, counted."""
    counts = dict.fromkeys(("total", "loopback", "unix", "other"), 0)
    said = {"other": set(), "unwatched": set(), "program": set()}
    files = sorted(folder.iterdir())
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, event, detail = json.loads(line)
            if kind in counts:
                counts["total"] += 1
                counts[kind] += 1
            if kind in said:
                said[kind].add(f"{event} {detail}" if kind == "other" else detail)
    return {
        **counts,
        "processes": len(files),
        "attempts": sorted(said["other"]),
        "unwatched": sorted(said["unwatched"]),
        "programs": sorted(said["program"]),
    }
