"""`prober.py UID GID GROUPS FOLDER`: what below a folder that user can read, write, list or take away.

Reads paths, one a line, from standard input; prints one JSON object.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path


def manages(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def opened(path: str, flags: int) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC))


def removed(path: str) -> None:
    """Whether the name could be taken away: tried by a rename to itself and back."""
    Path(path).rename(f"{path}.probed").rename(path)


def reached(path: str) -> None:
    """Hang up before a word is said: whoever is not admitted is dropped, and asked nothing."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)


def main() -> None:
    user, group, groups, folder = sys.argv[1:]
    paths = [line for line in sys.stdin.read().split("\0") if line]
    kinds = {path: "socket" if Path(path).is_socket() else "folder" if Path(path).is_dir() else "file" for path in paths}  # fmt: skip
    os.chdir("/")
    os.setgroups([int(one) for one in groups.split(",") if one])
    os.setresgid(*[int(group)] * 3)
    os.setresuid(*[int(user)] * 3)
    found: dict[str, list[str]] = {"read": [], "write": [], "remove": []}
    for path, kind in kinds.items():
        tries = {
            "file": {"read": opened(path, os.O_RDONLY), "write": opened(path, os.O_WRONLY)},
            "folder": {"read": lambda p=path: list(Path(p).iterdir()), "write": lambda p=path: made(p)},
            "socket": {"read": lambda p=path: reached(p)},
        }[kind]  # fmt: skip
        for what, act in tries.items():
            if manages(act):
                found[what].append(os.path.relpath(path, folder))
        if manages(lambda p=path: removed(p)):
            found["remove"].append(os.path.relpath(path, folder))
    print(json.dumps(found))  # noqa: T201 - its answer


def made(folder: str) -> None:
    probe = Path(folder) / ".probe"
    probe.mkdir(0o700)
    probe.rmdir()


if __name__ == "__main__":
    main()
