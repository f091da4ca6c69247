"""The log: publishing, receipts, the notary's answer, and an audit from the ledger's entries."""

import hashlib
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from figures import best_of, record

from crypto.merkle import Tree, leaf_hash
from policies.ruling import Ruling
from policies.vocabulary import Action, Role
from sandbox.acts import Commitment, Outcome
from sandbox.provenance.entry import Deed, Doer, Place, build, read
from sandbox.provenance.notary import NotaryState
from sandbox.provenance.publishing import Publisher
from sandbox.provenance.receipts import SignedHead, proof_text

LEDGER = "ab" * 16
ENTRIES = 20_000
BATCH = 64


def run() -> None:
    entries, built_s = timed(make_entries)
    leaves = [leaf_hash(entry) for entry in entries]
    record("log", "entry_build", len(entries) / built_s, "entries/s")
    _, read_s = timed(lambda: [read(entry) for entry in entries])
    record("log", "audit_strict_read", len(entries) / read_s, "entries/s")
    with tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name:
        measure_log(Path(name), entries, leaves)


def measure_log(folder: Path, entries: list[bytes], leaves: list[bytes]) -> None:
    notary = NotaryState(folder / "notary", "anbiao.bench", now)
    publisher = Publisher(folder / "log")
    tree, sign_s, publish_s = Tree(), 0.0, 0.0
    for start in range(0, len(entries), BATCH):
        part = leaves[start : start + BATCH]
        tree.extend(part)
        note, took_s = timed(lambda start=start, part=part: notary.extend(LEDGER, start, part))
        sign_s += took_s
        _, took_s = timed(
            lambda note=note: publisher.publish(LEDGER, tree, note, lambda a, b: entries[a:b])
        )
        publish_s += took_s
    batches = -(-len(entries) // BATCH)
    record("log", f"notary_extend_{BATCH}", sign_s / batches * 1e3, "ms")
    record("log", f"publish_batches_of_{BATCH}", len(entries) / publish_s, "entries/s")
    head = SignedHead(note, tree.size, b"")
    proof_s = best_of(lambda: proof_text(tree, 12_345, head))
    record("log", "receipt", 1 / proof_s, "receipts/s")
    notary.close()


def make_entries() -> list[bytes]:
    entries: list[bytes] = []
    before, at = b"", now()
    doer = Doer("ef" * 16, "firm:one", [Role.LABELLER], [3], "hospital")
    facts = {"grade": 3, "category": "general", "stage": "LEASED", "own_lease": True}
    ruling = Ruling(True, "label-submit-1", "sha256:" + "0" * 64, facts)
    for index in range(ENTRIES):
        outcome = Outcome(
            objects={"label": f"{index:032x}"},
            commitments=(Commitment("label", hashlib.sha256(before).digest()),),
        )
        deed = Deed(Action.LABEL_SUBMIT, {"task": f"{index:032x}"}, ruling, outcome=outcome)
        before = build(Place(LEDGER, index, hashlib.sha256(before).digest(), at), doer, deed)
        entries.append(before)
    return entries


def timed(act):
    begun = time.perf_counter()
    result = act()
    return result, time.perf_counter() - begun


def now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    run()
