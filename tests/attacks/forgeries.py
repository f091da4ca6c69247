"""Forgeries: things put together anew by someone who knows the formats, with keys of their own.

The attacker holds every published file of every log, a witness's and a stranger's keys, and never
the pinned keys; only where it says so does the operator lie who holds those, too.
"""

import json
import random

from edited_logs import log_of, with_keys
from mutations import flip, mutation
from originals import FILE, NOW, Thing, World, cosigned
from small_hospital import RELEASE, SmallHospital

from crypto import canonical, strict64
from crypto.checkpoint import Checkpoint, parse, sign_checkpoint
from crypto.note import split_note

LOG, NOTE, COSIGNED = frozenset({"log"}), frozenset({"checkpoint"}), frozenset({"cosigned"})
PROOFS = frozenset({"proof", "receipt"})


# --- checkpoints of other sizes, other logs, other keys ------------------------------------------
@mutation("stale-checkpoint", LOG)
def stale(chance: random.Random, world: World, thing: Thing) -> Thing:
    """Today's files under an earlier head, or earlier files under today's."""
    size = chance.randrange(world.size)
    if chance.random() < 0.5:
        return thing.having("checkpoint", world.house.checkpoint(size).encode())
    return Thing(
        "log", {**world.house.files(size), "checkpoint": world.house.checkpoint().encode()}
    )


@mutation("rollback", LOG)
def rollback(chance: random.Random, world: World, _thing: Thing) -> Thing:
    """An earlier state of the very log, shown to someone who has seen a later one."""
    later = chance.randrange(1, world.size + 1)
    return Thing(
        "log", world.house.files(chance.randrange(later)), world.house.checkpoint(later).encode()
    )


@mutation("fork-kept-checkpoint", LOG)
def forked(chance: random.Random, world: World, thing: Thing) -> Thing:
    """A second history under the same keys, where a checkpoint of the first was kept."""
    shared = next(i for i, raw in enumerate(world.house.raw) if raw != world.fork.raw[i])
    kept = world.house.checkpoint(chance.randint(shared + 1, world.size)).encode()
    size = chance.randint(shared + 1, world.size)
    del thing
    return Thing("log", world.fork.files(size), kept)


@mutation("wrong-origin", LOG | NOTE)
def wrong_origin(chance: random.Random, world: World, thing: Thing) -> Thing:
    """The head of another log, under its keys or ours, or ours under another name."""
    log = world.elsewhere
    head = Checkpoint(log.origin, world.size, world.house.tree.root())
    notes = [
        sign_checkpoint(head, log.signers, log.now),
        log.checkpoint(),
        world.house.checkpoint().replace(world.house.ledger, log.ledger),
        world.house.checkpoint().replace(world.house.origin, world.house.origin + "x", 1),
    ]
    note = chance.choice(notes).encode()
    if thing.kind == "checkpoint":
        return Thing("checkpoint", {FILE: note})
    keys = chance.choice([log.keys_file, world.house.keys_file])
    return thing.having("checkpoint", note).having("keys", keys)


@mutation("swapped-keys", LOG | NOTE)
def swapped_keys(chance: random.Random, world: World, thing: Thing) -> Thing:
    """A line of a stranger's key in the place of a pinned one's, or under its id."""
    text, lines = split_note(thing.files["checkpoint" if thing.kind == "log" else FILE])
    theirs = split_note(sign_checkpoint(parse(text), world.stranger.signers, world.house.now))[1]
    at = chance.randrange(2)
    name, key_id, _ = lines[at]
    forms = [theirs[at], (name, key_id, theirs[at][2]), (name, key_id, lines[1 - at][2])]
    forms.append((name, lines[1 - at][1], lines[at][2]))
    lines[at] = chance.choice(forms)
    note = _joined(text, lines)
    if thing.kind == "checkpoint":
        return Thing("checkpoint", {FILE: note})
    return Thing("log", with_keys(chance, world, {**thing.files, "checkpoint": note}), thing.since)


@mutation("signature-replayed", LOG | NOTE | COSIGNED)
def replayed(chance: random.Random, world: World, thing: Thing) -> Thing | None:
    """A line of the log's own from another of its checkpoints."""
    file = "checkpoint" if thing.kind == "log" else FILE
    text, lines = split_note(thing.files[file])
    donor = chance.choice([world.house, world.fork])
    other = split_note(donor.checkpoint(chance.randint(1, len(donor.raw))))
    if other[0] == text:
        return None
    at = chance.randrange(2)
    lines[at] = other[1][at]
    return thing.having(file, _joined(text, lines))


@mutation("huge-size-signed-by-a-stranger", LOG | NOTE)
def huge(chance: random.Random, world: World, thing: Thing) -> Thing:
    """A tree as large as a number goes, so that a reader who believes it never ends."""
    size = chance.choice([2**63 - 1, 2**62, 2**40, 10**12])
    head = Checkpoint(world.house.origin, size, world.house.tree.root())
    note = sign_checkpoint(head, world.stranger.signers, world.house.now).encode()
    if thing.kind == "checkpoint":
        return Thing("checkpoint", {FILE: note})
    return Thing("log", with_keys(chance, world, {**thing.files, "checkpoint": note}), thing.since)


def _joined(text: str, lines: list[tuple[str, bytes, bytes]]) -> bytes:
    made = (_line(name, key_id + field) for name, key_id, field in lines)
    return f"{text}\n{''.join(made)}".encode()


def _line(name: str, field: bytes) -> str:
    return f"— {name} {strict64.encode(field)}\n"


# --- cosignatures --------------------------------------------------------------------------------
def _cosigned(thing: Thing) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    return split_note(thing.one)


def _one(world: World, chance: random.Random) -> int:
    """Which line: those of the log come first."""
    return 2 + chance.randrange(len(world.witnesses))


@mutation("cosignature-forged", COSIGNED)
def forged(chance: random.Random, world: World, thing: Thing) -> Thing:
    """A signature of the right length that nobody made, or that somebody else made."""
    text, lines = _cosigned(thing)
    at = _one(world, chance)
    name, key_id, field = lines[at]
    other = world.unpinned.sign(text, NOW)
    forms = [field[:8] + chance.randbytes(len(field) - 8), field[:8] + bytes(len(field) - 8), other]
    forms += [field[:-1], field + b"\0", field[:8], flip(chance, field) or b""]
    lines[at] = name, key_id, chance.choice(forms)
    return Thing("cosigned", {FILE: _joined(text, lines)})


@mutation("cosignature-replayed", COSIGNED)
def cosignature_replayed(chance: random.Random, world: World, thing: Thing) -> Thing | None:
    """What the witness signed about another size, or another history."""
    text, lines = _cosigned(thing)
    donor = chance.choice([world.house, world.fork])
    other = split_note(cosigned(donor, world.witnesses, chance.randint(1, len(donor.raw))))
    if other[0] == text:
        return None
    at = _one(world, chance)
    lines[at] = other[1][at]
    return Thing("cosigned", {FILE: _joined(text, lines)})


@mutation("cosignature-of-another-time", COSIGNED)
def another_time(chance: random.Random, world: World, thing: Thing) -> Thing:
    """The signature stays, the time that it claims does not."""
    text, lines = _cosigned(thing)
    at = _one(world, chance)
    name, key_id, field = lines[at]
    now = chance.choice([0, 1, NOW + 1, 2**63 - 1, 2**63, 2**64 - 1, NOW + 86_400])
    lines[at] = name, key_id, now.to_bytes(8, "big") + field[8:]
    return Thing("cosigned", {FILE: _joined(text, lines)})


@mutation("witnesses-swapped", COSIGNED)
def witnesses_swapped(chance: random.Random, world: World, thing: Thing) -> Thing:
    """One witness's line under the other's name, id, or both; or left out, or a stranger's."""
    text, lines = _cosigned(thing)
    (name, key_id, field), (name2, id2, field2) = lines[2], lines[3]
    stranger = world.unpinned.vkey
    lines[2:] = chance.choice(
        [
            [(name, key_id, field2), (name2, id2, field)],
            [(name2, key_id, field), (name, id2, field2)],
            [(name2, id2, field), (name, key_id, field2)],
            [(name, key_id, field)],
            [(name2, id2, field2)],
            [
                (stranger.name, stranger.key_id, world.unpinned.sign(text, NOW)),
                (name2, id2, field2),
            ],
            [(name, key_id, field), (name, key_id, field), (name2, id2, field2)],
            [],
        ]
    )
    return Thing("cosigned", {FILE: _joined(text, lines)})


@mutation("witness-line-as-the-logs", COSIGNED)
def as_the_logs(chance: random.Random, world: World, thing: Thing) -> Thing:
    """A witness's signature where the log's own belongs, and the log's where a witness's does."""
    text, lines = _cosigned(thing)
    a, b = chance.randrange(2), _one(world, chance)
    lines[a], lines[b] = (*lines[a][:2], lines[b][2]), (*lines[b][:2], lines[a][2])
    return Thing("cosigned", {FILE: _joined(text, lines)})


# --- proofs and receipts -------------------------------------------------------------------------
def _taken(thing: Thing) -> tuple[bytes, str]:
    if thing.kind == "proof":
        return thing.entry, thing.one.decode()
    record = json.loads(thing.one)
    return record["entry"].encode(), record["proof"]


def _made(thing: Thing, entry: bytes, proof: str) -> Thing:
    if thing.kind == "proof":
        return Thing("proof", {FILE: proof.encode()}, entry=entry)
    record = {**json.loads(thing.one), "entry": entry.decode("utf-8", "replace"), "proof": proof}
    return thing.having(FILE, canonical.encode(record))


@mutation("another-entry", PROOFS)
def another_entry(chance: random.Random, world: World, thing: Thing) -> Thing | None:
    """A sound proof, of another entry: of this log, or of another."""
    entry, proof = _taken(thing)
    other = chance.choice(chance.choice((world.house, *world.others)).raw)
    return None if other == entry else _made(thing, other, proof)


@mutation("another-path", PROOFS)
def another_path(chance: random.Random, world: World, thing: Thing) -> Thing:
    """The path of another index, another size or another log; the checkpoint stays."""
    entry, proof = _taken(thing)
    log: SmallHospital = chance.choice((world.house, *world.others))
    size = chance.randint(1, len(log.raw))
    head, _, note = log.proof(chance.randrange(size), size).partition("\n\n")
    own_head, _, own_note = proof.partition("\n\n")
    parts = chance.choice([(head, own_note), (own_head, note)])
    return _made(thing, entry, "\n\n".join(parts))


@mutation("proof-by-a-stranger", PROOFS)
def by_a_stranger(chance: random.Random, world: World, thing: Thing) -> Thing:
    """The true entry and path, under a checkpoint that a stranger signed in the log's name."""
    entry, proof = _taken(thing)
    log = chance.choice([world.stranger, world.elsewhere])
    twin = log_of(world.house.raw, log)
    index = chance.randrange(world.size)
    made = twin.proof(index)
    if chance.random() < 0.5:  # and it brings the pinned keys along
        _, extra, *rest = made.split("\n")
        own = next(line for line in proof.split("\n") if line.startswith("extra "))
        made = "\n".join([made.split("\n", 1)[0], own, *rest])
        del extra
    return _made(thing, world.house.raw[index] if thing.kind == "receipt" else entry, made)


# --- passports, packages, packs ------------------------------------------------------------------
@mutation("evidence-reordered", frozenset({"passport"}))
def evidence(chance: random.Random, world: World, thing: Thing) -> Thing:
    """Records swapped, doubled, left out, or of another log."""
    document = json.loads(thing.one)
    records = document["evidence"]
    foreign = json.loads(chance.choice(world.others).passports[RELEASE])["evidence"]
    at = chance.randrange(len(records))
    what = chance.randrange(4)
    if what == 0:
        other = chance.randrange(len(records))
        records[at], records[other] = records[other], records[at]
    elif what == 1:
        records.insert(at, records[at])
    elif what == 2:
        del records[at]
    else:
        records[at] = chance.choice(foreign)
    return thing.having(FILE, canonical.encode(document))


@mutation("envelope-of-another", frozenset({"passport"}))
def envelope(chance: random.Random, world: World, thing: Thing) -> Thing | None:
    """Statement or signatures of another passport; signatures left out, doubled, renamed."""
    document = json.loads(thing.one)
    own = document["envelope"]
    theirs = json.loads(chance.choice(world.others).passports[RELEASE])["envelope"]
    lines = own["signatures"]
    at = chance.randrange(len(lines))
    what = chance.randrange(5)
    if what == 0:
        document["envelope"] = {**own, "payload": theirs["payload"]}
    elif what == 1:
        del lines[at]
    elif what == 2:
        lines.append(lines[at])
    elif what == 3:
        lines[at] = {**lines[at], "keyid": lines[at - 1]["keyid"]}
    else:
        lines[at] = {**lines[at], "sig": lines[at - 1]["sig"]}
    return thing.having(FILE, canonical.encode(document))


@mutation("file-left-out", frozenset({"log", "package", "pack"}))
def left_out(chance: random.Random, _world: World, thing: Thing) -> Thing:
    return thing.without(chance.choice(sorted(thing.files)))


@mutation("file-put-in", frozenset({"log", "package", "pack"}))
def put_in(chance: random.Random, _world: World, thing: Thing) -> Thing:
    """A file that nothing explains: an unknown name, another's content under a likely one."""
    names = ["README", "tile/0/000.p/1", "tile/1/000.p/1", "tile/entries/001", "tile/0/000.p/256",
             "passport.json", "log/tile/0/999", "proofs/0.tlog-proof", "policy/x.json", "../x", "",
             "packages/x/passport.json", "checkpoint.old", "keys/x", "tile/8/000", "log/x"]  # fmt: skip
    octets = thing.files[chance.choice(sorted(thing.files))]
    name = chance.choice(names)
    return thing.having(name, octets if name not in thing.files else octets + b"\n")


@mutation("files-swapped", frozenset({"log", "package", "pack"}))
def swapped(chance: random.Random, _world: World, thing: Thing) -> Thing:
    a, b = chance.sample(sorted(thing.files), 2)
    return thing.having(a, thing.files[b]).having(b, thing.files[a])
