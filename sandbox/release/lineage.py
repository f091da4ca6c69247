"""What the verified log says of a release; the worker rests on this and never on rows.

Pure functions over parsed entries, in order, that were checked against a signed checkpoint:

- `accepted`: the labels that another person accepted and nobody reopened since;
- `grading_in`, `documents_in`: what dataset and project said when they were made;
- `request_in`, `screening_in`: what was asked for, by whom, for whom, and which package came of it;
- `votes_in`: where the votes on that package stand. Whether a vote, or the grant that enrolled a
  key, was signed by someone who could, is for the trust walk to say, entry by entry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.vocabulary import Action
from sandbox.errors import CheckpointPending, VerificationFailed

Entry = Mapping[str, Any]  # parsed canonical JSON, its form checked


@dataclass(frozen=True)
class AcceptedLabel:
    """A label as the log knows it; `commitment` is hex."""

    label: str
    task: str
    item: str
    version: int
    commitment: str
    index: int


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    index: int
    requester: str
    recipient: str
    project: str
    digest: str


@dataclass(frozen=True)
class Grading:
    """How sensitive a dataset is, as the entry that made it says."""

    grade: int
    category: str


@dataclass
class _TaskStory:
    """One task while its entries pass by."""

    label: AcceptedLabel | None = None
    accepted: bool = False


def accepted(entries: Sequence[Entry], project: str) -> dict[str, AcceptedLabel]:
    """Accepted labels of a project by label id."""
    stories: dict[str, _TaskStory] = {}
    authors: dict[str, set[str]] = {}
    for entry in _done(entries, project):
        task = entry["objects"].get("task", "")
        story = stories.setdefault(task, _TaskStory())
        action = entry["action"]
        if action == Action.LABEL_SUBMIT:
            story.label, story.accepted = _label(entry), False
            authors.setdefault(task, set()).add(entry["actor"])
        elif action == Action.REVIEW_SUBMIT:
            story.accepted = _accepts(entry, story) and entry["actor"] not in authors[task]
        elif action == Action.TASK_REOPEN:
            story.accepted = False
    return {s.label.label: s.label for s in stories.values() if s.label and s.accepted}


def labellers(entries: Sequence[Entry], project: str) -> set[str]:
    """Pseudonyms of everyone who saved a label in the project."""
    return {e["actor"] for e in _done(entries, project) if e["action"] == Action.LABEL_SUBMIT}


def request_in(entries: Sequence[Entry], release: str) -> Request:
    """The last request for a release.

    Raises:
        VerificationFailed: `release-not-requested`.
    """
    entry = _last(entries, Action.RELEASE_REQUEST, release, "release-not-requested")
    return Request(
        index=entry["index"],
        requester=entry["actor"],
        recipient=entry["objects"]["recipient"],
        project=entry["objects"]["project"],
        digest=entry["outcome"]["digests"]["request"],
    )


def refuse_early(entries: Sequence[Entry], *indices: int) -> None:
    """Wait for entries that are committed and not yet under a signed checkpoint.

    Raises:
        CheckpointPending: one of them is not among the verified entries.
    """
    if max(indices, default=0) >= len(entries):
        raise CheckpointPending


def grading_in(entries: Sequence[Entry], dataset: str) -> Grading:
    """Grade and category of a dataset.

    Raises:
        VerificationFailed: `dataset-unknown`.
    """
    for entry in _of(entries, Action.DATASET_CREATE, "dataset", dataset):
        outcome = entry["outcome"]
        return Grading(outcome["counts"]["grade"], outcome["codes"]["category"])
    raise VerificationFailed("dataset-unknown", "the log does not know it")


def documents_in(entries: Sequence[Entry], project: str) -> tuple[str, str]:
    """Digests of a project's guideline and schema.

    Raises:
        VerificationFailed: `project-unknown`.
    """
    for entry in _of(entries, Action.PROJECT_CREATE, "project", project):
        digests = entry["outcome"]["digests"]
        return digests["guideline"], digests["schema"]
    raise VerificationFailed("project-unknown", "the log does not know it")


def dataset_of(entries: Sequence[Entry], project: str) -> str:
    """The dataset of a project.

    Raises:
        VerificationFailed: `project-unknown`.
    """
    for entry in _of(entries, Action.PROJECT_CREATE, "project", project):
        return str(entry["objects"]["dataset"])
    raise VerificationFailed("project-unknown", "the log does not know it")


def screening_in(entries: Sequence[Entry], release: str) -> Entry:
    """The last screening of a release, when it let the package through.

    Raises:
        VerificationFailed: `release-not-screened`.
    """
    entry = _last(entries, Action.RELEASE_SCREEN, release, "release-not-screened")
    if not {"package", "statement", "ciphertext"} <= entry["outcome"].get("digests", {}).keys():
        raise VerificationFailed("release-not-screened", "screening blocked the release")
    return entry


def votes_in(entries: Sequence[Entry], release: str, after: int) -> list[Entry]:
    """Done votes on a release behind the entry at `after`."""
    cast = _of(entries, Action.RELEASE_VOTE, "release", release)
    return [entry for entry in cast if entry["index"] > after]


def approvals_in(entries: Sequence[Entry], dataset: str) -> list[int]:
    """Indices of the officers' signatures under a dataset's batches."""
    return [e["index"] for e in _of(entries, Action.APPROVAL_SIGN, "dataset", dataset)]


def closure(entries: Sequence[Entry], wanted: set[int]) -> list[int]:
    """`wanted` and every grant that they rest on, up to entry 0, in order."""
    found, queue = {0}, sorted(wanted)
    while queue:
        index = queue.pop()
        if index not in found:
            found.add(index)
            queue.extend(entries[index]["granted_by"])
    return sorted(found)


def _done(entries: Sequence[Entry], project: str) -> Iterator[Entry]:
    for entry in entries:
        objects = entry["objects"]
        if entry["refusal"] is None and objects.get("project") == project and "task" in objects:
            yield entry


def _label(entry: Entry) -> AcceptedLabel:
    outcome = entry["outcome"]
    return AcceptedLabel(
        label=entry["objects"]["label"],
        task=entry["objects"]["task"],
        item=outcome["objects"]["item"],
        version=outcome["counts"]["version"],
        commitment=outcome["commitments"]["label"],
        index=entry["index"],
    )


def _accepts(entry: Entry, story: _TaskStory) -> bool:
    outcome = entry["outcome"]
    label = story.label.label if story.label else None
    return bool(
        outcome.get("codes", {}).get("verdict") == "accept"
        and outcome.get("objects", {}).get("label") == label
    )


def _of(entries: Sequence[Entry], action: Action, kind: str, name: str) -> Iterator[Entry]:
    for entry in entries:
        done = entry["action"] == action and entry["refusal"] is None
        if done and entry["objects"].get(kind) == name:
            yield entry


def _last(entries: Sequence[Entry], action: Action, release: str, code: str) -> Entry:
    for entry in reversed(list(_of(entries, action, "release", release))):
        return entry
    raise VerificationFailed(code, "the log does not know it")
