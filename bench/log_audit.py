"""How fast and in how much memory a regulator audits a log with `crypto/verifier.py` alone.

- The log is made outside the measured time: a steward, a labelling firm, and labels as a
  hospital's day has them; one entry in a hundred carries a person's signature. Only what a label's
  entry has of its own (index, link, time, commitment) differs from one to the next.
- The crypto audit (signatures, tiles, bundles, tree) stands beside the Go auditor of the tests,
  which drives golang.org/x/mod unmodified, on the same files.
- The semantic audit is canonical JSON, form, chain, roles, permits and every verdict ruled again
  by the decision table.
- Memory: the whole audit of ever larger logs, each in a process of its own. `ANBIAO_BENCH_LARGE=1`
  adds the log of ten million entries (8 GB of disk).
- A proof for one entry of ten million: how long it takes, and how long it is.

CPU seconds, as other work on the machine would tell in elapsed ones.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from figures import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "auditor"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "verifier"))


import auditor
from small_hospital import SmallHospital
from small_log import TABLE, named

from crypto import tiles, verifier
from crypto.merkle import Tree
from sandbox.provenance.receipts import SignedHead, proof_text

ENTRIES = 100_000
SIZES = (10_000, 100_000, 1_000_000)
COMPARED = 1_000_000
LARGEST = 10_000_000
SIGNED_EVERY = 100
GOAL_SEMANTIC = 60_000
GOAL_CRYPTO = 0.8
GOAL_FLAT = 1.25
GOAL_PROOF_MS = 5
GOAL_PROOF_BYTES = 7 * 1024


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        folder = Path(name)
        vkeys = make_log(folder / "log", ENTRIES)
        measure_semantic(folder / "log", vkeys[0])
        shutil.rmtree(folder / "log")
        measure_memory(folder)
    measure_proof()


def compare_crypto(folder: Path, vkeys: list[str], size: int) -> None:
    keys = folder.parent / "keys"
    keys.write_text("".join(f"{vkey}\n" for vkey in vkeys))
    theirs = [str(auditor.built()), "log", str(folder), str(keys)]
    code = "import sys; sys.argv[1:] = []\n" + CRYPTO.format(
        module=verifier.__file__, folder=str(folder), vkey=vkeys[0]
    )
    ours = [sys.executable, "-I", "-c", code]
    best = [min(cpu_of(each)[0] for _ in range(3)) for each in (ours, theirs)]
    ratio = best[1] / best[0]
    record(
        "log", "audit_crypto", size / best[0], "entries/CPU s", "the Go auditor", ratio,
        f">= {GOAL_CRYPTO}", ratio >= GOAL_CRYPTO,
    )  # fmt: skip


CRYPTO = """
import importlib.util
spec = importlib.util.spec_from_file_location("verifier", {module!r})
verifier = importlib.util.module_from_spec(spec)
sys.modules["verifier"] = verifier
spec.loader.exec_module(verifier)
from pathlib import Path
verifier.verify_log(verifier.Folder(Path({folder!r})), verifier.read_pins([{vkey!r}]))
"""


def measure_semantic(folder: Path, vkey: str) -> None:
    pins = verifier.read_pins([vkey])
    tables = {TABLE.digest: verifier.parse_table(TABLE.encoded, "table")}
    log = verifier.verify_log(verifier.Folder(folder), pins)
    took = min(cpu_s(lambda: verifier.read_story(log, pins, tables)) for _ in range(3))
    per_s = ENTRIES / took
    alone = ENTRIES / min(cpu_s(lambda: parse_alone(log.raw)) for _ in range(3))
    record(
        "log", "audit_semantic", per_s, "entries/CPU s", "parse and hash alone", per_s / alone,
        f">= {GOAL_SEMANTIC}", per_s >= GOAL_SEMANTIC,
    )  # fmt: skip


def parse_alone(raw: verifier.Entries) -> None:
    """What any reader of such a log must do at the least: parse, write again, hash twice."""
    for octets in raw:
        verifier.parse_canonical(octets, "entry")
        verifier.leaf_hash(octets)
        verifier.sha256(octets)


def measure_memory(folder: Path) -> None:
    """Peak memory of whole audits; the largest against that of 100,000 entries."""
    peaks: dict[int, float] = {}
    for size in (*SIZES, *([LARGEST] if os.environ.get("ANBIAO_BENCH_LARGE") else [])):
        log = folder / f"log-{size}"
        # Made in a process of its own: what a process once held, its children's peak would show.
        maker = [sys.executable, __file__, str(log), str(size)]
        vkeys = subprocess.run(maker, check=True, capture_output=True, text=True).stdout.split()
        whole = [sys.executable, "-I", verifier.__file__, str(log), "--key", vkeys[0]]
        took, peaks[size] = cpu_of(whole)
        flat = peaks[size] / peaks[min(size, ENTRIES)]
        record(
            "log", f"audit_memory_{size}_entries", peaks[size], "MiB", f"{ENTRIES} entries", flat,
            f"<= {GOAL_FLAT}", flat <= GOAL_FLAT,
        )  # fmt: skip
        record("log", f"audit_whole_{size}_entries", size / took, "entries/CPU s")
        if size == COMPARED:
            compare_crypto(log, vkeys, size)
        shutil.rmtree(log)


def measure_proof() -> None:
    tree = Tree()
    for start in range(0, LARGEST, 100_000):
        leaves = (
            hashlib.sha256(start.to_bytes(8) + bytes([n % 256]) + n.to_bytes(8))
            for n in range(100_000)
        )
        tree.extend(leaf.digest() for leaf in leaves)
    log = SmallHospital()
    log.tree, log.raw = tree, range(LARGEST)  # only its length is asked for
    head = SignedHead(log.checkpoint(), LARGEST, log.keys_file)
    spent: list[float] = []
    for index in range(1, LARGEST, LARGEST // 200):
        begun = time.perf_counter()
        text = proof_text(tree, index, head)
        spent.append(time.perf_counter() - begun)
    worst_ms = max(spent) * 1e3
    record(
        "log", "proof_of_ten_million", worst_ms, "ms", None, None,
        f"< {GOAL_PROOF_MS}", worst_ms < GOAL_PROOF_MS,
    )  # fmt: skip
    plain = len(proof_text(tree, LARGEST // 3, SignedHead(head.note, LARGEST, b"")))
    record(
        "log", "proof_bytes_with_mldsa", plain, "bytes", None, None,
        f"<= {GOAL_PROOF_BYTES}", plain <= GOAL_PROOF_BYTES,
    )  # fmt: skip
    record("log", "proof_bytes_with_mldsa_and_keys", len(text), "bytes")


def make_log(folder: Path, size: int) -> list[str]:
    """Publish a log of `size` entries in `folder`; its verifier keys."""
    log = SmallHospital()
    log.enrol()
    log.collect()
    log.label()
    log.submit("labeller")
    part: list[bytes] = []
    for place, octets in enumerate(written(log, size)):
        part.append(octets)
        if len(part) == tiles.WIDTH or place == size - 1:
            put(
                folder / tiles.entries_path(place // tiles.WIDTH, len(part)),
                tiles.encode_bundle(part),
            )
            log.tree.extend(hashlib.sha256(b"\x00" + each).digest() for each in part)
            part.clear()
    for tile in tiles.tiles_between(0, size):
        put(folder / tile.path, tiles.hash_tile(log.tree, tile.level or 0, tile.index, tile.width))
    log.raw = range(size)  # only its length is asked for
    put(folder / "checkpoint", log.checkpoint().encode())
    put(folder / "keys", log.keys_file)
    return log.vkeys


def written(log: SmallHospital, size: int) -> Iterator[bytes]:
    """The entries that are there, then labels like the last of them and signed acts."""
    yield from log.raw
    log.tree = Tree()
    shape = log.raw[-1].decode()
    index, last = len(log.raw), log.entries[-1]
    for name in ("index", "prev", "at"):
        shape = shape.replace(f'"{name}":{said(last[name])}', f'"{name}":{{{name}}}')
    shape = shape.replace("{", "{{").replace("}", "}}")
    for name in ("index", "prev", "at"):
        shape = shape.replace(f"{{{{{name}}}}}", f"{{{name}}}")
    shape = shape.replace(last["outcome"]["commitments"]["label"], "{label}")
    before = log.raw[-1]
    for index in range(len(log.raw), size):
        log.now += timedelta(milliseconds=7)
        if index % SIGNED_EVERY == 0:
            before = signed_act(log, index, before)
        else:
            digest = hashlib.sha256(before).hexdigest()
            at = log.now.isoformat(timespec="microseconds")[:26]
            before = shape.format(
                index=index, prev=f'"sha256:{digest}"', at=f'"{at}Z"', label=digest
            ).encode()
        yield before


def said(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def signed_act(log: SmallHospital, index: int, before: bytes) -> bytes:
    """A deposit's opening, at its place behind entries that `log` does not hold."""
    log.raw, log.entries = Behind(before, index), []
    deposit = {"dataset": named("dataset"), "deposit": named(f"deposit {index}")}
    terms = {"manifest": "sha256:" + hashlib.sha256(b"%d" % index).hexdigest()}
    facts = log.facts | {"stage": "READY"}
    tree, log.tree = log.tree, Tree()
    log.add("steward", "deposit.open", deposit, facts=facts, terms=terms)
    log.tree = tree
    return log.raw.last


class Behind(list[bytes]):
    """The last of `size` entries; `SmallLog` looks at no other when it adds one."""

    def __init__(self, last: bytes, size: int) -> None:
        super().__init__([last])
        self.last, self._size = last, size

    def __len__(self) -> int:
        return self._size

    def append(self, octets: bytes) -> None:
        self.last = octets


def put(path: Path, octets: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)


def cpu_of(program: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MiB of a program that has to succeed."""
    done = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(done.pid, 0)
    assert status == 0, program[:3]
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def cpu_s(act) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    print(*make_log(Path(sys.argv[1]), int(sys.argv[2])))
