"""How far the labellers of a project agree: gathered from their first, blind labels.

- An item counts once every slot has its first label: then its blindness has ended (R41), and it
  never counts less again. First versions only: what was corrected after a review is no
  independent judgement any more.
- Reading is an act: the gate rules on it and the log tells of it. Who labels in the project,
  under whatever account, never reads it: figures of their own items would tell them of others.
- Labellers stand by their pseudonyms in this ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict
from sandbox.formats.label_schema import Schema
from sandbox.formats.label_value import Mark, marks_of
from sandbox.label import blindness, leases
from sandbox.label.commands import ReadAgreement
from sandbox.label.desk import RecordKeys
from sandbox.label.scoring import MIN_ITEMS, Said, Score, scores, whole_tens
from sandbox.records.documents import schema_of
from sandbox.records.labels import Label, Project, Task
from sandbox.records.people import Pseudonym
from sandbox.records.port import Ledgers, Tables
from sandbox.records.sealed_labels import LabelPayload, open_label


class ReadAgreementHandler:
    """`agreement.read`."""

    def facts(self, tables: Tables, command: ReadAgreement, acting: Acting) -> Facts:
        """The dataset's standing, and whether the reader labels here.

        Raises:
            NotFound: no such project.
        """
        project = leases.project_of(tables, command, acting)
        return {
            **leases.standing(tables, project, acting.now),
            "labels_here": blindness.labels_here(tables, project, acting.account, acting.now),
        }

    def act(self, tables: Tables, command: ReadAgreement, acting: Acting) -> Outcome:
        """Say that the figures were read, and over how many items.

        Raises:
            Conflict: `agreement-without-overlap`; `agreement-too-few`, below which a figure
                could tell what one person said.
        """
        if leases.project_of(tables, command, acting).overlap == 1:
            raise Conflict("agreement-without-overlap", "one person labels each item here")
        if command.items < MIN_ITEMS:
            raise Conflict(
                "agreement-too-few", f"fewer than {MIN_ITEMS} items have all their labels"
            )
        return Outcome(counts={"items": command.items}, reply={"items": command.items})


@dataclass(frozen=True)
class Labelled:
    """A project's complete items, in the order in which they were completed."""

    project: Project
    items: tuple[tuple[Label, ...], ...]
    names: dict[str, str]  # of authors: pseudonyms

    @property
    def counting(self) -> int:
        """How many of the items figures rest on: whole tens."""
        return len(self.items) // MIN_ITEMS * MIN_ITEMS


class Agreements:
    """Gathers and measures; what it opens stays here."""

    def __init__(self, ledgers: Ledgers, keys: RecordKeys) -> None:
        self._ledgers = ledgers
        self._keys = keys

    def gather(self, ledger: str, project: str) -> Labelled:
        """The complete items of a project, still sealed.

        Raises:
            NotFound: no such project.
        """
        with self._ledgers.open(ledger).snapshot() as tables:
            row = tables.of(Project).require(project)
            firsts = {x.task: x for x in tables.of(Label).find(project=project, version=1)}
            slots: dict[str, list[str]] = {}
            for task in tables.of(Task).find(project=project):
                slots.setdefault(task.item, []).append(task.id)
            found = [
                tuple(firsts[task] for task in tasks)
                for tasks in slots.values()
                if len(tasks) >= row.overlap
                and all(task in firsts and not firsts[task].erased for task in tasks)
            ]
            authors = {label.author for labels in found for label in labels}
            names = {a: tables.of(Pseudonym).require(a).pseudonym for a in authors}
        found.sort(key=lambda labels: max(label.index for label in labels))
        return Labelled(row, tuple(found), names)

    def scores(self, labelled: Labelled) -> list[Score]:
        """The figures of what was gathered.

        Raises:
            NotFound: an item's record key is not here any more.
            VerificationFailed: a record was altered.
        """
        schema = schema_of(labelled.project)
        said = [
            {labelled.names[label.author]: _marks(schema, key, label) for label in labels}
            for labels in labelled.items
            for key in [self._keys.record_key(labels[0].item)]
        ]
        return scores(schema, _complete(said, labelled.project.overlap))


def _complete(items: Sequence[Said], overlap: int) -> Sequence[Said]:
    """Items that as many different people labelled as the project wants."""
    return whole_tens([said for said in items if len(said) >= overlap])


def _marks(schema: Schema, key: bytes, label: Label) -> list[Mark]:
    secret = open_label(key, label.project, label.id, label.sealed)
    value = LabelPayload.decoded(secret.label.text).value
    if not schema.short:
        return marks_of(schema, value, None)
    (own,) = schema.types
    chosen = value["classes"]
    return [
        Mark(0, -1, place, (), ())
        for place, name in enumerate(own.classes)
        if isinstance(chosen, list) and name in chosen
    ]
