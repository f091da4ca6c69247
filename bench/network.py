"""`python -m bench.network [COMMAND ...]`: runs a command where the kernel counts what goes out.

The command (the demo, unless another is given) gets a network of its own: the loopback, and one way
out, by which every packet for anywhere else would leave, and is counted. That it counts is shown
first, by a packet sent on purpose. Native code, other programs and look-ups of names are seen, too.
Takes root, or a kernel that lets users make networks. Exit 0 when nothing was sent, 1 when
something was or the command failed, 2 when no such network can be made.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSIDE = "--inside"
WAY_OUT = "out"
ELSEWHERE = ("203.0.113.9", 9)  # a network for documentation: nobody is there
SETUP = (
    "ip link set lo up",
    f"ip link add {WAY_OUT} type veth peer name far",
    # Nothing but what programs send: no neighbours are asked for, and none is announced to.
    f"for n in {WAY_OUT} far; do echo 1 > /proc/sys/net/ipv6/conf/$n/disable_ipv6 || true; done",
    f"ip link set {WAY_OUT} arp off up",
    "ip link set far up",
    f"ip address add 198.51.100.2/24 dev {WAY_OUT}",
    "ip route add default via 198.51.100.1",
)


def measured(command: Sequence[str] = ()) -> dict[str, object]:
    """What a command sent, as the kernel counted it."""
    with tempfile.TemporaryDirectory(prefix="anbiao-network-") as place:
        demo = [sys.executable, "-m", "api.cli.main", "demo", "--dir", f"{place}/house"]
        wanted = list(command) or demo
        for unshare in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
            if shutil.which(unshare[0]) is None:
                break
            done = subprocess.run(
                [*unshare, sys.executable, "-m", "bench.network", INSIDE, *wanted],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            lines = done.stdout.splitlines()
            if lines and lines[-1].startswith("{"):
                return {**json.loads(lines[-1]), "possible": True}
    return {"possible": False, "control": 0, "sent": 0, "exit": 0}


def inside(command: Sequence[str]) -> dict[str, object]:
    """In the new network: show that the way out counts, then run the command."""
    for step in SETUP:
        subprocess.run(["sh", "-c", step], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as planted:
        planted.sendto(b"control", ELSEWHERE)
    control = sent()
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    return {"control": control, "sent": sent() - control, "exit": done.returncode}


def sent() -> int:
    """Packets that took the way out."""
    command = ["ip", "-s", "-j", "link", "show", "dev", WAY_OUT]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return int(told[0]["stats64"]["tx"]["packets"])


def main() -> int:
    if sys.argv[1:2] == [INSIDE]:
        print(json.dumps(inside(sys.argv[2:])), flush=True)
        return 0
    told = measured(sys.argv[1:])
    print(json.dumps(told))
    if not told["possible"]:
        return 2
    return int(told["sent"] != 0 or told["control"] != 1 or told["exit"] != 0)


if __name__ == "__main__":
    sys.exit(main())
