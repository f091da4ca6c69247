"""Writes `tests/vectors/verifier/`: things to verify, each with its verdict, for any verifier.

    python tests/verifier/make_cases.py

ML-DSA signatures are hedged, so that each run writes other bytes with the same verdicts; the
committed ones are only written anew when a format changes.

- `key`: the verifier key to pin. Every file below is of its log.
- `pack.zip`, `receipt.json`, `passport.json`: sound.
- `edits.json`: `{name, file, edits, expect}`; an edit is `["flip", offset, bit]`, `["cut", count]`
  off the end, or `["add", hex]` to the end.
- `logs.json`: `{name, files, expect}`, `files` by path in base64; an operator's lies, all signed.
`expect` is `sound`, `cannot-tell`, or the code of what is broken.
"""

import base64
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parent / "vectors" / "verifier"
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from small_hospital import RELEASE, SmallHospital, hospital  # noqa: E402 - the path comes first
from small_log import Entry, Files, b64, named  # noqa: E402


def main() -> None:
    house = hospital()
    FOLDER.mkdir(exist_ok=True)
    files = {
        "pack.zip": house.pack(),
        "receipt.json": house.receipt(12),
        "passport.json": house.passports[RELEASE],
    }
    for name, octets in files.items():
        (FOLDER / name).write_bytes(octets)
    (FOLDER / "key").write_text(f"{house.vkeys[0]}\n")
    write("edits.json", list(edits(files)))
    write("logs.json", list(logs()))


def write(name: str, cases: list[dict[str, object]]) -> None:
    text = json.dumps(cases, indent=1, ensure_ascii=False)
    (FOLDER / name).write_text(f"{text}\n", encoding="utf-8")


def edits(files: Files) -> Iterator[dict[str, object]]:
    """Sound files, and edits at places that are found by what stands there."""
    for name, octets in files.items():
        code = "evidence-not-canonical" if name == "pack.zip" else "not-canonical-json"
        yield case(f"{name} as it is", name, [], "sound")
        yield case(f"{name} cut by a byte", name, [["cut", 1]], code)
        yield case(f"{name} cut in half", name, [["cut", len(octets) // 2]], code)
        yield case(f"{name} with a line feed", name, [["add", "0a"]], code)
        yield case(f"{name}, first bit", name, [["flip", 0, 0]], "not-canonical-json")
    receipt = files["receipt.json"]
    for what, after, bit, expect in (
        ("a word of the entry", b'clock\\":\\"', 0, "entry-not-in-log"),
        ("the proof's first line", b"tlog-proof", 0, "proof-malformed"),
        ("a key of the log", b"extra ", 0, "verifier-key-id-mismatch"),
        ("the index", b"nindex 1", 0, "entry-not-in-log"),
        ("the origin", b"\\n\\nanbiao", 1, "bad-verifier-key"),
        ("a signer's name", "— anbiao.test".encode(), 1, "signature-missing"),
    ):
        at = receipt.index(after) + len(after)
        yield case(f"receipt, {what}", "receipt.json", [["flip", at, bit]], expect)


def case(name: str, file: str, changes: list[list[object]], expect: str) -> dict[str, object]:
    return {"name": name, "file": file, "edits": changes, "expect": expect}


def logs() -> Iterator[dict[str, object]]:
    """Small logs: sound ones, files that don't fit, and entries that should not be."""
    sound = house()
    yield told("three people", sound, "sound")
    yield told("an older partial tile", sound, "sound", **sound.tile(0, 0, 2))
    yield told("a foreign file", sound, "unknown-file", notes=b"x")
    yield told("a partial tile that is no prefix", sound, "partial-tile-differs",
               **{"tile/0/000.p/1": bytes(32)})  # fmt: skip
    yield told("no tile", sound, "file-missing", **{"tile/0/000.p/3": None})
    for name, expect, act in LIES:
        log = house()
        act(log)
        yield told(name, log, expect)


def told(name: str, log: SmallHospital, expect: str, **more: bytes | None) -> dict[str, object]:
    files = {**log.files(), **more}
    kept = {path: b64(octets) for path, octets in files.items() if octets is not None}
    return {"name": name, "files": kept, "expect": expect}


def house() -> SmallHospital:
    log = SmallHospital()
    log.found()
    log.grant("worker", "worker", organisation="platform")
    log.grant("guest", "regulator", organisation="regulator", expires_at="2026-07-01T09:00:00Z")
    return log


def reading(change: Callable[[Entry], object]) -> Callable[[SmallHospital], object]:
    return lambda log: log.add("guest", "log.read", {}, change=lambda e: change(e) and None)


def granting(change: Callable[[Entry], object], by: str = "steward") -> Callable[..., object]:
    def act(log: SmallHospital) -> None:
        log.grant("friend", "privacy-officer", by=by, change=lambda e: change(e) and None)

    return act


def allowed(entry: Entry) -> None:
    entry["ruling"]["allowed"] = True


def twice(log: SmallHospital) -> None:
    log.grant("friend", "regulator")
    signed = log.entries[-1]["signed"]
    log.grant(
        "friend", "regulator", change=lambda e: e.update(signed=signed, objects=signed["objects"])
    )


LIES: tuple[tuple[str, str, Callable[[SmallHospital], object]], ...] = (
    ("an honest reading", "sound", reading(lambda _: None)),
    ("a role that nobody granted", "role-not-granted",
     reading(lambda e: e.update(roles=["steward"]))),
    ("another's grant", "role-not-granted", reading(lambda e: e.update(granted_by=[0]))),
    ("an expired grant", "role-not-granted",
     reading(lambda e: e.update(at="2026-07-01T09:00:00.000000Z"))),
    ("another organisation", "organisation-not-granted",
     reading(lambda e: e.update(organisation="hospital"))),
    ("time runs backwards", "time-runs-backwards",
     reading(lambda e: e.update(at="2026-07-01T07:00:00.000000Z"))),
    ("a chain that does not follow", "chain-broken",
     reading(lambda e: e.update(prev="sha256:" + "0" * 64))),
    ("another index", "entry-out-of-place", reading(lambda e: e.update(index=7))),
    ("a sentence in a field", "entry-field-wrong",
     reading(lambda e: e.update(organisation="a whole sentence"))),
    ("done without permission", "act-done-without-permission",
     reading(lambda e: e["ruling"].update(allowed=False))),
    ("a grant that nobody signed", "signature-of-person-missing",
     granting(lambda e: e.pop("signed"))),
    ("a grant by no steward", "granted-by-no-steward", granting(allowed, by="worker")),
    ("a signature over other terms", "signature-of-person-wrong",
     granting(lambda e: e["signed"]["terms"].update(role="steward"))),
    ("a signature over fewer objects", "signed-act-malformed",
     granting(lambda e: e["signed"].update(objects={"member": named("friend")}, signature=""))),
    ("a signed act again", "signed-act-replayed", twice),
    ("a ledger that opens again", "granted-by-no-steward",
     lambda log: log.add("worker", "ledger.open", {"member": named("worker")}, terms={
         "organisation": "hospital", "role": "steward", "sealing_key": "",
         "signing_key": b64(log.person("worker").key.public_bytes)}, change=allowed)),
)  # fmt: skip


def unpacked(files: dict[str, str]) -> Files:
    return {name: base64.b64decode(text) for name, text in files.items()}


if __name__ == "__main__":
    main()
