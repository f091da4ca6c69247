"""Whether a thing tells the truth, in its one spelling: what nobody may be blamed for accepting.

It asks no judge: it compares with what the attacked log's keys did sign, so that a change that
claims nothing (a line of an unpinned witness, clause 7.3; another sound proof of the same entry;
the same keys in another order) is told from a lie by rule. The fork is signed by the same keys:
alone it is as true as the house, only both of them in one thing are a lie.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from originals import NOW, Thing, World, parts
from small_files import FILES
from small_hospital import RELEASE, SmallHospital
from small_log import TABLE, Files

from crypto import canonical, tlogproof
from crypto.errors import VerificationError

LINE = re.compile(r"— ([^ \n]+) ([A-Za-z0-9+/]+=*)")


def is_true(world: World, thing: Thing) -> bool:
    """Whether one of the histories that the pinned keys signed holds all that the thing says."""
    judge = {
        "log": _log, "checkpoint": _checkpoint, "cosigned": _cosigned, "proof": _proof,
        "receipt": _receipt, "passport": _passport, "package": _package, "pack": _pack,
    }.get(thing.kind, _nothing)  # fmt: skip
    try:
        return any(judge(world, log, thing) for log in (world.house, world.fork, world.large))
    except (VerificationError, ValueError, KeyError, TypeError, IndexError):
        return False


def _nothing(_world: World, _log: SmallHospital, _thing: Thing) -> bool:
    return False


def _size_in(world: World, log: SmallHospital, note: str) -> int:
    """The size that a note of this history speaks of; -1 when it is of none, or spelt otherwise."""
    body, _, tail = note.partition("\n\n")
    origin, size, root = body.split("\n")
    at = int(size)
    wanted = base64.b64encode(log.tree.root(at)).decode() if at <= len(log.raw) else ""
    if (origin, size, root) != (log.origin, str(at), wanted) or not tail.endswith("\n"):
        return -1
    lines = [LINE.fullmatch(line) for line in tail[:-1].split("\n")]
    names = {log.origin} | {witness.vkey.name for witness in world.witnesses}
    spelt = all(
        m and (m[1] not in names or base64.b64encode(base64.b64decode(m[2])).decode() == m[2])
        for m in lines
    )
    own = {m[2][:5] for m in lines if m and m[1] == log.origin}
    # Two keys and no other line under the log's own name (5.2).
    wanted_ids = {base64.b64encode(s.vkey.key_id).decode()[:5] for s in log.signers}
    return at if spelt and own == wanted_ids else -1


def _checkpoint(world: World, log: SmallHospital, thing: Thing) -> bool:
    return _size_in(world, log, thing.one.decode()) >= 0


def _cosigned(world: World, log: SmallHospital, thing: Thing) -> bool:
    note = thing.one.decode()
    if _size_in(world, log, note) < 0:
        return False
    for witness in world.witnesses:
        stamps = [
            int.from_bytes(base64.b64decode(m[2])[4:12], "big")
            for m in LINE.finditer(note)
            if m[1] == witness.vkey.name and base64.b64decode(m[2])[:4] == witness.vkey.key_id
        ]
        if stamps != [NOW]:
            return False
    return True


def _is_keys(log: SmallHospital, octets: bytes) -> bool:
    lines = octets.decode().split("\n")
    return lines.pop() == "" and sorted(lines) == sorted(log.vkeys)


def _log(world: World, log: SmallHospital, thing: Thing) -> bool:
    return _folder(world, log, thing.files, thing.since)


def _folder(world: World, log: SmallHospital, files: Files, since: bytes | None) -> bool:
    size = _size_in(world, log, files["checkpoint"].decode())
    if size < 0 or not _is_keys(log, files["keys"]):
        return False
    if since is not None and not 0 <= _size_in(world, log, since.decode()) <= size:
        return False
    tiles = {n: octets for n, octets in files.items() if n not in {"checkpoint", "keys"}}
    wanted = {n: octets for n, octets in log.files(size).items() if n.startswith("tile/")}
    # Partial tiles of earlier checkpoints may lie about (5.4).
    return wanted.items() <= tiles.items() and all(
        octets == _partial(log, name, size) for name, octets in tiles.items() - wanted.items()
    )


def _partial(log: SmallHospital, name: str, size: int) -> bytes | None:
    found = re.fullmatch(r"tile/(?:0|entries)/([0-9]{3})\.p/([1-9][0-9]*)", name)
    if found is None or int(found[1]) * 256 + int(found[2]) > size:
        return None
    return log.tile(0, int(found[1]), int(found[2])).get(name)


def _proof(world: World, log: SmallHospital, thing: Thing) -> bool:
    return _proves(world, log, thing.one.decode(), thing.entry) is not None


def _proves(world: World, log: SmallHospital, text: str, entry: bytes) -> int | None:
    """The index at which this sound proof of the log's shows the entry."""
    proof = tlogproof.parse_proof(text)
    size = _size_in(world, log, proof.checkpoint)
    spelt = tlogproof.format_proof(proof.index, proof.hashes, proof.checkpoint, proof.extra)
    if spelt != text or size < 0 or log.raw[proof.index] != entry:
        return None
    if proof.extra is not None and not _is_keys(log, proof.extra):
        return None
    path = log.tree.inclusion(proof.index, size)
    return proof.index if list(proof.hashes) == path else None


def _receipt(world: World, log: SmallHospital, thing: Thing) -> bool:
    record = _read(thing.one)
    part = record.pop("part", None)
    if part is not None and part["commitment"] != parts()[part["index"]].hex():
        return False
    return _attests(world, log, record)


def _attests(world: World, log: SmallHospital, record: Mapping[str, Any]) -> bool:
    at = _proves(world, log, record["proof"], record["entry"].encode())
    return at is not None and record.keys() == {"entry", "proof"}


def _passport(world: World, log: SmallHospital, thing: Thing) -> bool:
    return _lets_out(world, log, thing.one)


def _lets_out(world: World, log: SmallHospital, octets: bytes) -> bool:
    """The statement that was voted on, the same signatures, and at least the same evidence."""
    said, honest = _read(octets), _read(log.passports[RELEASE])
    envelopes = [_unordered(one["envelope"]) for one in (said, honest)]
    shown, needed = ([r["entry"] for r in one["evidence"]] for one in (said, honest))
    return (
        said.keys() == honest.keys()
        and envelopes[0] == envelopes[1]
        and set(needed) <= set(shown)
        and shown == sorted(set(shown), key=lambda e: json.loads(e)["index"])
        and all(_attests(world, log, record) for record in said["evidence"])
    )


def _unordered(envelope: Mapping[str, Any]) -> dict[str, Any]:
    lines = sorted((line["keyid"], line["sig"]) for line in envelope["signatures"])
    return {**envelope, "signatures": lines}


def _package(world: World, log: SmallHospital, thing: Thing) -> bool:
    passport = thing.files["passport.json"]
    own = {n: octets for n, octets in thing.files.items() if n != "passport.json"}
    return own == FILES and _lets_out(world, log, passport)


def _pack(world: World, log: SmallHospital, thing: Thing) -> bool:
    folders: dict[str, Files] = {}
    for name, octets in thing.files.items():
        folder, _, rest = name.partition("/")
        folders.setdefault(folder, {})[rest] = octets
    manifest = _read(folders.pop("manifest.json")[""])
    made = _read(log.manifest({n: o for n, o in thing.files.items() if n != "manifest.json"}))
    made["created_at"] = manifest["created_at"]  # the exporter's word: nothing signs it
    return (
        manifest == made
        and folders.keys() == {"log", "proofs", "policy", "packages"}
        and _folder(world, log, folders["log"], None)
        and folders["policy"] == {f"{TABLE.digest.removeprefix('sha256:')}.json": TABLE.encoded}
        and folders["packages"].keys() == {f"{RELEASE}/passport.json"}
        and folders["packages"][f"{RELEASE}/passport.json"] == log.passports[RELEASE]
        and all(_is_proofs(world, log, folders["proofs"]))
    )


def _is_proofs(world: World, log: SmallHospital, proofs: Files) -> Iterator[bool]:
    acts = {"approval.sign", "release.seal"}
    wanted = {e["index"] for e in log.entries if e["action"] in acts and not e["refusal"]}
    yield {f"{index}.tlog-proof" for index in wanted} == proofs.keys()
    for name, octets in proofs.items():
        index = int(name.removesuffix(".tlog-proof"))
        yield _proves(world, log, octets.decode(), log.raw[index]) == index


def _read(octets: bytes) -> dict[str, Any]:
    """The document, when these bytes are its one spelling."""
    value = json.loads(octets)
    if canonical.encode(value) != octets:
        raise ValueError
    return dict(value)
