"""How fast a regulator audits a log of 100,000 entries, with `crypto/verifier.py` alone.

The log is made here, outside the measured time: a steward, a labelling firm, and acts as a
hospital's day has them; one in a hundred carries a person's signature. Measured are the whole
audit from files (signatures, tiles, tree, chain, form, roles) and its share without the files.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import record

from crypto import verifier

HERE = Path(__file__).parent
ENTRIES = 100_000
SIGNED_EVERY = 100
GOAL_PER_S = 10_000


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        folder = Path(name)
        # In a process of its own, so that this one is small when it starts the audit.
        maker = [sys.executable, __file__, str(folder)]
        vkey = subprocess.run(maker, check=True, capture_output=True, text=True).stdout.strip()
        spent, peak_mib = audit(folder, vkey)
        parsed = parse_alone(folder)
    per_s = ENTRIES / spent
    record(
        "log", "audit_100k_entries", per_s, "entries/CPU s", "parse and hash alone",
        per_s / parsed, f">= {GOAL_PER_S}", per_s >= GOAL_PER_S,
    )  # fmt: skip
    record("log", "audit_100k_memory", peak_mib, "MiB")


def make_log(folder: Path, entries: int) -> str:
    """Publish a log in `folder`; its verifier key."""
    sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "verifier")]
    from small_hospital import SmallHospital  # noqa: PLC0415 - the makers of the tests
    from small_log import named  # noqa: PLC0415

    log = SmallHospital()
    log.enrol()
    log.collect()
    log.label()
    while len(log.raw) < entries:
        number = len(log.raw)
        if number % SIGNED_EVERY == 0:
            deposit = {"dataset": named("dataset"), "deposit": named(f"deposit {number}")}
            terms = {"manifest": "sha256:" + hashlib.sha256(b"%d" % number).hexdigest()}
            facts = log.facts | {"stage": "READY"}
            log.add("steward", "deposit.open", deposit, facts=facts, terms=terms)
        else:
            log.submit("labeller")
    for name, octets in log.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(octets)
    return log.vkeys[0]


def audit(folder: Path, vkey: str) -> tuple[float, float]:
    """CPU seconds and peak memory of one audit, in a process of its own."""
    program = [sys.executable, "-I", verifier.__file__, str(folder), "--key", vkey]
    done = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(done.pid, 0)
    assert status == 0, "the log is sound"
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def parse_alone(folder: Path) -> float:
    """Entries per CPU second that parsing, writing again and hashing alone allow."""
    raw = verifier.read_entries(verifier.Folder(folder), ENTRIES)
    before = time.process_time()
    for octets in raw:
        verifier.parse_canonical(octets, "entry")
        verifier.leaf_hash(octets)
        verifier.sha256(octets)
    return ENTRIES / (time.process_time() - before)


if __name__ == "__main__":
    print(make_log(Path(sys.argv[1]), ENTRIES))
