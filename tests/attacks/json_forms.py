"""JSON in other spellings, with names that stand twice, and with other values."""

import json
import random
from collections.abc import Sequence

from mutations import MUTATIONS, Change, Mutation
from originals import FILE, Thing, World

from crypto import canonical

JSONS = frozenset({"receipt", "passport", "package", "pack"})


def _document(thing: Thing, chance: random.Random) -> tuple[str, bytes]:
    names = [name for name in thing.files if name.endswith(".json") or name == FILE]
    file = chance.choice(sorted(names))
    return file, thing.files[file]


def of_json(name: str, change: Change) -> None:
    """A way that alters a document, or the entry that stands as text in it."""

    def act(chance: random.Random, _world: World, thing: Thing) -> Thing | None:
        file, octets = _document(thing, chance)
        if thing.kind == "receipt" and chance.random() < 0.6:
            record = json.loads(octets)
            inner = change(chance, record["entry"].encode())
            if inner is None:
                return None
            record["entry"] = inner.decode("utf-8", "replace")
            return thing.having(file, _written(record))
        changed = change(chance, octets)
        return None if changed is None else thing.having(file, changed)

    MUTATIONS.append(Mutation(name, JSONS, act))


def _written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _places(octets: bytes, signs: bytes) -> Sequence[int]:
    return [at for at, octet in enumerate(octets) if octet in signs]


def blanks(chance: random.Random, octets: bytes) -> bytes | None:
    places = _places(octets, b'{}[],:"')
    if not places:
        return None
    at = chance.choice(places) + chance.randint(0, 1)
    return octets[:at] + chance.choice([b" ", b"\n", b"\t", b"\r"]) + octets[at:]


def other_order(chance: random.Random, octets: bytes) -> bytes:
    def turned(value):
        if isinstance(value, dict):
            pairs = [(name, turned(each)) for name, each in value.items()]
            chance.shuffle(pairs)
            return dict(pairs)
        return [turned(each) for each in value] if isinstance(value, list) else value

    return json.dumps(
        turned(json.loads(octets)), ensure_ascii=False, separators=(",", ":")
    ).encode()


def double_member(chance: random.Random, octets: bytes) -> bytes:
    """A name twice: the second time with the same value, another, or none."""
    made = []

    def pairs_of(value):
        if isinstance(value, dict):
            pairs = [(name, pairs_of(each)) for name, each in value.items()]
            made.append(pairs)
            return pairs
        return [pairs_of(each) for each in value] if isinstance(value, list) else value

    whole = pairs_of(json.loads(octets))
    place = chance.choice([pairs for pairs in made if pairs] or [[("a", 1)]])
    name, value = chance.choice(place)
    place.insert(chance.randint(0, len(place)), (name, chance.choice([value, None, 0, "", [], {}])))
    return _spelt(whole, made).encode("utf-8", "surrogatepass")


def _spelt(value: object, objects: list) -> str:
    if isinstance(value, list) and any(value is one for one in objects):
        inner = ",".join(f"{json.dumps(n)}:{_spelt(v, objects)}" for n, v in value)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(_spelt(each, objects) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def escapes(chance: random.Random, octets: bytes) -> bytes | None:
    """A letter of a string written as an escape, or a half of one that is none."""
    places = [at for at in _places(octets, b"abcdefghijklmnopqrstuvwxyz") if octets[at - 1] != 0x5C]
    if not places:
        return None
    at = chance.choice(places)
    made = chance.choice(
        [b"\\u%04x" % octets[at], b"\\u%04X" % octets[at], b"\\ud800", b"\\/", b"\\x61"]
    )
    return octets[:at] + made + octets[at + 1 :]


def number_spelling(chance: random.Random, octets: bytes) -> bytes | None:
    digits = [at for at in _places(octets, b"0123456789") if octets[at - 1] in b":,["]
    if not digits:
        return None
    at = chance.choice(digits)
    end = at
    while octets[end] in b"0123456789":
        end += 1
    number = octets[at:end]
    forms = (
        b"%s.0", b"%se0", b"-%s", b"0%s", b"+%s", b'"%s"', b"%s0000000000000000000", b"1e400",
        b"NaN", b"Infinity", b"-0", b"9007199254740992", b"true", b"null", b"%s.",
    )  # fmt: skip
    form = chance.choice(forms)
    return octets[:at] + (form % number if b"%s" in form else form) + octets[end:]


def rewritten(chance: random.Random, octets: bytes) -> bytes | None:
    """Another value at one place, and all of it canonical again."""
    value = json.loads(octets)
    places: list[tuple[dict | list, str | int]] = []

    def walk(one: object) -> None:
        for name in (
            one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        ):
            places.append((one, name))
            walk(one[name])

    walk(value)
    if not places:
        return None
    place, name = chance.choice(places)
    _alter(chance, place, name)
    try:
        return canonical.encode(value)
    except canonical.VerificationError:
        return _written(value)


DEEP: list = []
for _ in range(70):
    DEEP = [DEEP]
OTHER = (
    None, True, False, 0, 1, -1, 2**53 - 1, 2**53, "", "x", "a b", "\x00", "\x1b[2J", "\ud83d\ude00",
    "A" * 70_000, [], {}, ["x"], {"x": 1}, DEEP, "0" * 32, "sha256:" + "0" * 64, "Zhang San",
)  # fmt: skip


def _alter(chance: random.Random, place: dict | list, name: str | int) -> None:
    what = chance.random()
    if what < 0.2:
        del place[name]
    elif what < 0.4 and isinstance(place, dict):
        place[chance.choice(["x", "Index", "v ", "signed", "", "\u00e9", "__proto__"])] = place[
            name
        ]
    elif what < 0.5 and isinstance(place, list) and len(place) > 1:
        chance.shuffle(place)
    elif what < 0.6 and isinstance(place, list):
        place.append(place[chance.randrange(len(place))])
    else:
        place[name] = chance.choice(OTHER)


def trailing(chance: random.Random, octets: bytes) -> bytes:
    return octets + chance.choice([b"\n", b" ", b"{}", b"null", b",", b"\0", octets])


of_json("non-canonical-blanks", blanks)
of_json("non-canonical-order", other_order)
of_json("duplicate-keys", double_member)
of_json("non-canonical-escape", escapes)
of_json("non-canonical-number", number_spelling)
of_json("value-rewritten", rewritten)
of_json("trailing-content", trailing)
