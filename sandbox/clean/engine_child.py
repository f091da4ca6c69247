"""The program of a child that cleans for the worker: jobs in, verdicts out, by one pipe.

`python -m sandbox.clean.engine_child DESCRIPTOR MEMORY_BYTES`. It is started anew, so that it
holds none of the worker's keys but the pseudonyms' of the job at hand; it opens no file and no
store, and what it reads and writes stays in its memory.
"""

import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from sandbox.clean.crew import settle
from sandbox.clean.engine import LocalEngine
from sandbox.clean.engine_wire import Order, answer_of
from sandbox.clean.recipes import recipe_named
from sandbox.deid.forms import FileKind, Register, Result, Verdict


def serve(pipe: "Connection[bytes, bytes]") -> None:
    """Do jobs until the worker is gone."""
    engine, register = LocalEngine(recipe_named), Register()
    with suppress(EOFError, OSError):
        while True:
            order = Order.read(pipe.recv_bytes())
            data = pipe.recv_bytes()
            register = register if order.register is None else order.register
            verdict = _verdict(engine, order, data, register)
            pipe.send_bytes(answer_of(verdict))
            if verdict.data is not None:
                pipe.send_bytes(verdict.data)


def _verdict(engine: LocalEngine, order: Order, data: bytes, register: Register) -> Verdict:
    try:
        return engine.clean(order.job(data, register))
    except MemoryError:
        return Verdict(Result.QUARANTINED, FileKind.UNKNOWN, "too-large")
    except Exception:  # noqa: BLE001 - the edge of a process: a trace could quote the file
        return Verdict(Result.QUARANTINED, FileKind.UNKNOWN, "engine-failed")


if __name__ == "__main__":
    settle(int(sys.argv[2]))
    serve(Connection(int(sys.argv[1])))
