"""A process of its own that acts on a ledger shared with others.

Usage: gate_child.py FOLDER FIRST COUNT [KILL_AT KILL_AFTER]

KILL_AT names the moment at which the process kills itself (SIGKILL) once KILL_AFTER acts are
done; with `never`, an act that was not acknowledged is asked for again until it is. Each
acknowledged act is printed as `slot index`.
"""

# ruff: noqa: T201 - it tells its parent what was acknowledged

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from gate_house import House

from sandbox.errors import LedgerHalted, Unavailable
from sandbox.provenance.notary_doors import UnixWay
from sandbox.provenance.notary_wire import NotaryClient
from sandbox.provenance.publishing import Publisher, _Log


class Fuse:
    def __init__(self, at: str, after: int) -> None:
        self.at, self.left = at, after

    def pass_by(self, moment: str) -> None:
        if moment == self.at:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)


class FusedNotary(NotaryClient):
    def __init__(self, way, fuse) -> None:
        super().__init__(way)
        self.fuse = fuse

    def extend(self, ledger, start, leaf_hashes):
        self.fuse.pass_by("committed")
        note = super().extend(ledger, start, leaf_hashes)
        self.fuse.pass_by("signed")
        return note


def fuse_the_log(fuse) -> None:
    """Let the process die between two files of the published log."""
    put = _Log.put

    def put_then_perhaps_die(self, name, octets):
        put(self, name, octets)
        fuse.pass_by("tile" if name.startswith("tile/") else "checkpoint")

    _Log.put = put_then_perhaps_die


def kept(house: House, slot: str, *, patient: bool):
    while True:
        try:
            return house.keep(slot, request_key=slot)
        except Unavailable as error:
            if not patient or isinstance(error, LedgerHalted):
                raise


def main(folder: str, first: str, count: str, at: str = "", after: str = "0") -> None:
    place = Path(folder)
    fuse = Fuse(at, int(after))
    fuse_the_log(fuse)
    notary = FusedNotary(UnixWay(place / "notary.sock"), fuse)
    house = House(place, notary=notary, publisher=Publisher(place / "log"))
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(int(first), int(first) + int(count)):
        slot = f"{n:032x}"
        receipt = kept(house, slot, patient=at == "never")
        print(slot, receipt.index, flush=True)
    house.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
