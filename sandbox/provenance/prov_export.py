"""Entries as a W3C PROV document, and a picture of how data went through the house.

- Each entry is an activity, each object an entity, each pseudonym an agent with its roles; an
  activity says in which log, at which index and with which digest it stands.
- What was refused used nothing and made nothing.
- The picture counts: one box for each kind of thing, in the order of the work.

Source: W3C PROV-DM; docs/spec/evidence.md, clause 12.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from prov.identifier import Namespace, QualifiedName
from prov.model import ProvDocument

from crypto.verifier import Inquiry
from sandbox.provenance.drawing import Box, Picture, Rule, Shape, Words

_DERIVED: Final[Mapping[str, tuple[str, str]]] = {
    "item.issue": ("project_item", "dataset"),
    "label.submit": ("label", "item"),
    "release.request": ("release", "project"),
}
"""Of what an act makes its new object."""

_COLOURS: Final = ("#2f7ed8", "#1aa198", "#8aa61f", "#e57c1f", "#d6532b", "#c2306f", "#8c2fa8")


def prov_document(inquiry: Inquiry) -> ProvDocument:
    """The whole log as one document."""
    origin = inquiry.log.note.origin
    document = ProvDocument()
    space = document.add_namespace("ab", f"urn:anbiao:{inquiry.log.ledger}:")
    known: set[QualifiedName] = set()
    for octets in inquiry.log.raw:
        entry: Mapping[str, Any] = json.loads(octets)
        _add(document, space, known, entry, {"log": origin, "digest": _digest(octets)})
    return document


def prov_json(inquiry: Inquiry) -> str:
    """The document as PROV-JSON."""
    said = prov_document(inquiry).serialize(format="json", indent=1)
    assert isinstance(said, str)  # noqa: S101 - without a destination it returns the text
    return f"{said}\n"


def _digest(octets: bytes) -> str:
    return "sha256:" + hashlib.sha256(octets).hexdigest()


def _add(
    document: ProvDocument,
    space: Namespace,
    known: set[QualifiedName],
    entry: Mapping[str, Any],
    place: Mapping[str, str],
) -> None:
    at = datetime.fromisoformat(entry["at"])
    act = space[f"entry/{entry['index']}"]
    document.activity(
        act,
        at,
        at,
        {
            "prov:type": entry["action"],
            space["log"]: place["log"],
            space["index"]: entry["index"],
            space["digest"]: place["digest"],
            space["refusal"]: entry["refusal"] or "",
        },
    )
    who = space[f"person/{entry['actor']}"]
    if who not in known:
        known.add(who)
        document.agent(who)
    roles = "+".join(entry["roles"]) or "none"
    document.association(act, who, other_attributes={"prov:role": roles})
    if entry["refusal"] is None:
        _things(document, space, known, entry, act)


def _things(
    document: ProvDocument,
    space: Namespace,
    known: set[QualifiedName],
    entry: Mapping[str, Any],
    act: QualifiedName,
) -> None:
    named = {**entry["objects"], **entry["outcome"].get("objects", {})}
    for kind, name in sorted(named.items()):
        thing = space[f"{kind}/{name}"]
        if thing in known:
            document.usage(act, thing)
            continue
        known.add(thing)
        document.entity(thing, {"prov:type": kind})
        document.generation(thing, act)
    made, source = _DERIVED.get(entry["action"], ("", ""))
    if made in named and source in named:
        whole, part = space[f"{source}/{named[source]}"], space[f"{made}/{named[made]}"]
        document.derivation(part, whole, act)


def graph(inquiry: Inquiry) -> Picture:
    """How data went: boxes with counts from the deposit to what left."""
    boxes = list(_stages(inquiry))
    width, gap, tall, top = 122.0, 26.0, 62.0, 52.0
    whole = 24 + len(boxes) * (width + gap)
    shapes: list[Shape] = [
        Words(24, 24, f"日志 log {inquiry.log.note.origin}, {inquiry.log.note.size}", 10)
    ]
    for number, ((zh, en, count), colour) in enumerate(zip(boxes, _COLOURS, strict=True)):
        x = 24 + number * (width + gap)
        middle = x + width / 2
        shapes += [
            Box(x, top, width, tall, colour, f"{en}: {count}"),
            Words(middle, top + 20, zh, 11, "middle", "#ffffff"),
            Words(middle, top + 34, en, 9, "middle", "#ffffff"),
            Words(middle, top + 53, str(count), 15, "middle", "#ffffff"),
        ]
        if number:
            shapes.append(Rule(x - gap + 2, top + tall / 2, x - 3, top + tall / 2, "#667788", True))
    shapes += _agents(inquiry, top + tall + 34)
    return Picture(
        whole, top + tall + 34 + 18 * len(_roles(inquiry)) + 16, "数据流向 data flow", shapes
    )


def _stages(inquiry: Inquiry) -> Iterator[tuple[str, str, int]]:
    told, releases = inquiry.told, inquiry.releases()
    fetched = [look for look in inquiry.looks() if look.what == "package"]
    yield "汇聚", "deposits", len(told.deposits)
    yield "已脱敏", "items cleaned", sum(sound for _, _, sound in told.cleaned.values())
    yield "已下发", "items issued", len(told.issued)
    yield "标签", "labels", len(told.labels)
    yield "审核", "reviews", len(told.reviews)
    yield "放行", "releases", len(releases)
    yield "下载", "downloads", len(fetched)


def _roles(inquiry: Inquiry) -> Sequence[tuple[str, int, int]]:
    """Each set of roles by which somebody was let see something: people, looks."""
    people: dict[str, set[str]] = {}
    looks: dict[str, int] = {}
    for look in inquiry.looks():
        role = "+".join(look.roles)
        people.setdefault(role, set()).add(look.actor)
        looks[role] = looks.get(role, 0) + 1
    return [(role, len(people[role]), looks[role]) for role in sorted(people)]


def _agents(inquiry: Inquiry, top: float) -> Iterator[Shape]:
    for number, (role, people, looks) in enumerate(_roles(inquiry)):
        text = f"{role}: {people} 人 people, {looks} 次查看 looks"
        yield Words(24, top + 18 * number, text, 10, "start", "#34495e")
