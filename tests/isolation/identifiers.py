"""Everything in what a project got that looks like an identifier, whatever it stands in."""

import json
import re
from collections.abc import Iterator
from io import BytesIO

import pydicom
from enclave_house import LEDGER, EnclaveHouse

from policies.vocabulary import Action
from sandbox.exchange import item_name, record_name
from sandbox.label.custody import IssuedKeys
from sandbox.records.labels import ProjectItem, Task

# What a UID, a pseudonym, a tag's letters, an id, a digest, a key or a date look like.
SHAPES = (
    re.compile(r"\b[0-9]+(?:\.[0-9]+){4,}\b"),
    re.compile(r"\bS-[0-9A-F]{12}\b"),
    re.compile(r"(?<=-)[B-Z]{6}(?=[\] ])"),
    re.compile(r"[0-9a-f]{16,}"),
    re.compile(r"[A-Za-z0-9+/]{22,}={0,2}"),
    re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?:[-./年]?[0-9]{1,2}){2}(?![0-9])"),
)
PIXELS = b"\xe0\x7f\x10\x00"


def looks_like_identifiers(text: str) -> set[str]:
    return {found for shape in SHAPES for found in shape.findall(text)}


def contents(house: EnclaveHouse, project: str) -> dict[str, bytes]:
    """What a project's people are shown, by the master it came from."""
    keys = IssuedKeys(house.serving, house.blobs)
    return {row.source_item: keys.open_item(row) for row in house.issued(project)}


def of_project(house: EnclaveHouse, project: str) -> set[str]:
    """Identifier-like values of all that belongs to one project, keys and log included."""
    return {value for text in _texts(house, project) for value in looks_like_identifiers(text)}


def _texts(house: EnclaveHouse, project: str) -> Iterator[str]:
    for content in contents(house, project).values():
        header, _, _ = content.partition(PIXELS)
        yield header.decode("utf_8", "replace")
        yield header.decode("latin_1")
        if content[128:132] == b"DICM":
            yield str(pydicom.dcmread(BytesIO(content)))
    rows = house.issued(project)
    for row in rows:
        # `source_item` and `subject` stand in rows that only the house reads.
        yield f"{row.id} {row.blob} {row.commitment} {row.project}"
        yield house.serving.key(item_name(row.id)).hex()
        yield house.exchange.get(item_name(row.id)).hex()
        yield house.serving.key(record_name(row.id)).hex()
        yield house.exchange.get(record_name(row.id)).hex()
    with house.snapshot() as tables:
        for task in tables.of(Task).find(project=project):
            yield f"{task.id} {task.item} {task.project}"
    for entry in entries(house, project, rows):
        if entry["action"] == Action.PERMIT_ISSUE:
            entry.pop("signed")  # the steward's key, and the days until which the contract runs
            entry.pop("outcome")
        yield json.dumps({key: value for key, value in entry.items() if key not in OF_THE_LEDGER})


OF_THE_LEDGER = frozenset({"prev", "at", "index", "ledger", "actor", "granted_by", "policy"})
"""Members of an entry that are the ledger's, its worker's or its policy's own: the same anyway."""


def entries(house: EnclaveHouse, project: str, rows: list[ProjectItem]) -> list[dict]:
    """Entries of a ledger that name the project or one of its items."""
    names = {project, *(row.id for row in rows)}
    return [e for e in house.entries() if names & set(e["objects"].values())]


def common(house: EnclaveHouse, dataset: str) -> set[str]:
    """What every project of a dataset says: the dataset, its hospital's ledger, the policy."""
    return {dataset, LEDGER, house.gate.decision_point.digest.removeprefix("sha256:")}
