"""What a pack's summary tells, before it is set as HTML or PDF: the same log, the same summary.

It is made of the verifier's own answers and of what the entries say; it holds no time of its own
and nothing that is not in the log. Names are pseudonyms, as everywhere in it.

Source: docs/spec/evidence.md, clause 8.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crypto.verifier import Answer, Inquiry, spans
from sandbox.provenance.timeline import Lane, lane_of, lanes

Texts = tuple[str, str]  # Chinese, English
_KINDS: Final[Mapping[str, Texts]] = {
    "dataset": ("数据集", "dataset"),
    "project": ("标注项目", "project"),
    "subject": ("主体", "subject"),
    "period": ("期间", "period"),
    "ledger": ("账本", "ledger"),
}
_WHAT: Final[Mapping[str, Texts]] = {
    "item": ("数据项", "item"),
    "sample": ("脱敏抽样", "sample"),
    "labels": ("出域包内容", "labels of a package"),
    "package": ("出域包下载", "download"),
    "figures": ("一致性指标", "figures"),
    "log": ("日志与证据", "log and evidence"),
}


_MOST_SPANS: Final = 48


def few(indices: Sequence[int]) -> str:
    """Indices for people to read: the first ones, and how many there are in all."""
    told = spans(indices).split(", ")
    if len(told) <= _MOST_SPANS:
        return ", ".join(told)
    return ", ".join(told[:_MOST_SPANS]) + f" … ({len(set(indices))})"


@dataclass
class Person:
    """Somebody who acted: as which roles, how often, from when to when."""

    pseudonym: str
    roles: set[str] = field(default_factory=set)
    organisations: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    first: str = ""
    last: str = ""


@dataclass(frozen=True)
class Summary:
    """Everything that is told, in the order in which it is told."""

    about: tuple[Texts, str]
    head: Sequence[tuple[Texts, str]]
    answers: Sequence[Answer]
    lanes: Sequence[Lane]
    people: Sequence[Person]
    looks: Sequence[Sequence[str]]
    releases: Sequence[Mapping[str, Any]]


def summarise(inquiry: Inquiry) -> Summary:
    """The summary of what an inquiry is about."""
    note, scope = inquiry.log.note, inquiry.scope
    entries = list(_concerned(inquiry))
    answers = inquiry.answers()
    by_name = {answer.name: answer for answer in answers}
    head = (
        (("账本", "ledger"), inquiry.log.ledger),
        (("日志名", "log"), note.origin),
        (("条目数", "entries"), str(note.size)),
        (("树根", "root"), note.root.hex()),
        (("相关条目", "entries concerned"), str(len(entries))),
        (("决策表", "decision tables"), ", ".join(sorted(_policies(entries))) or "-"),
    )
    return Summary(
        about=(_KINDS[scope.kind], scope.words),
        head=head,
        answers=answers,
        lanes=lanes([(lane_of(entry), entry["at"]) for entry in entries]),
        people=_people(entries),
        looks=list(_looks(by_name["who-saw"])),
        releases=by_name["left"].rows,
    )


def _concerned(inquiry: Inquiry) -> Iterator[Mapping[str, Any]]:
    """The entries that the summary is about, in order."""
    scope, told = inquiry.scope, inquiry.told
    indices = set(inquiry.handled())
    for look in inquiry.looks():
        indices |= {look.index, look.closed}
    projects = {name for name, dataset in told.projects.items() if dataset == scope.name}
    projects |= {scope.name} if scope.kind == "project" else set()
    for octets in inquiry.log.raw:
        entry: Mapping[str, Any] = json.loads(octets)
        named = {**entry["objects"], **entry["outcome"].get("objects", {})}
        project = named.get("project", entry["domain"].partition(":")[2])
        match scope.kind:
            case "period":
                concerned = scope.start <= entry["at"] < scope.stop
            case "subject":
                concerned = entry["index"] in indices
            case "dataset" | "project":
                concerned = scope.name == named.get(scope.kind) or project in projects
            case _:
                concerned = True
        if concerned:
            yield entry


def _policies(entries: Sequence[Mapping[str, Any]]) -> set[str]:
    return {entry["ruling"]["policy"] for entry in entries if entry["ruling"] is not None}


def _people(entries: Sequence[Mapping[str, Any]]) -> list[Person]:
    found: dict[str, Person] = {}
    for entry in entries:
        person = found.setdefault(entry["actor"], Person(entry["actor"], first=entry["at"]))
        person.roles |= set(entry["roles"])
        person.organisations.add(entry["organisation"])
        person.last = entry["at"]
        if entry["refusal"] is None:
            person.done[entry["action"]] += 1
        else:
            person.refused += 1
    return list(found.values())


def _looks(answer: Answer) -> Iterator[Sequence[str]]:
    """Who was let see what: who, as what, from where, what, how often, when, why, by which rule."""
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in answer.rows:
        who = row["actor"], "+".join(row["roles"]), row["organisation"], row["what"]
        alike.setdefault((*who, row["purpose"] or "-", row["rule"]), []).append(row)
    for (actor, roles, firm, what, purpose, rule), rows in alike.items():
        whole = sum(row["counted"] == "all" for row in rows)
        times = f"{len(rows)}" + (f" ({whole} 全部/all)" if whole else "")
        when = f"{rows[0]['at'][:19]}Z – {rows[-1]['at'][:19]}Z"
        indices = few([row["index"] for row in rows])
        yield (
            actor,
            f"{roles} · {firm}",
            " ".join(_WHAT[what]),
            times,
            when,
            purpose,
            rule,
            indices,
        )
