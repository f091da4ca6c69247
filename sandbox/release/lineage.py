"""What the verified log says of a release; the worker rests on this and never on rows.

Pure functions over parsed entries, in order, that were checked against a signed checkpoint:

- `accepted`: the labels that another person accepted, or an adjudicator decided, with as many
  people's labels before them as the project wants, and that nobody reopened since;
- `grading_in`, `documents_in`: what dataset and project said when they were made;
- `request_in`, `screening_in`: what was asked for, by whom, for whom, and which package came of it;
- `votes_in`: where the votes on that package stand. Whether a vote, or the grant that enrolled a
  key, was signed by someone who could, is for the trust walk to say, entry by entry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.vocabulary import Action
from sandbox.errors import CheckpointPending, VerificationFailed

UNWITNESSED = "unwitnessed"
NOBODY = "none"
ACCEPT, DECIDE = "accept", "decide"
"""Verdicts after which a label may leave: another's label, or the adjudicator's own."""

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
class _ItemStory:
    """One item while the entries of its tasks pass by."""

    labels: dict[str, AcceptedLabel] = field(default_factory=dict)  # by task, the last of each
    writers: dict[str, str] = field(default_factory=dict)  # by task, of the last label
    authors: set[str] = field(default_factory=set)
    accepted: str | None = None  # the task


def accepted(entries: Sequence[Entry], project: str) -> dict[str, AcceptedLabel]:
    """Accepted labels of a project by label id, one of each item.

    R06, R41: an item's label counts only when as many people as the project wants had labelled
    the item, all of them different, and the one who accepted or decided was none of them.
    """
    overlap = _overlap(entries, project)
    stories: dict[str, _ItemStory] = {}
    for entry in _done(entries, project):
        item = entry["outcome"].get("objects", {}).get("item")
        if item is not None:
            _take(entry, stories.setdefault(item, _ItemStory()), overlap)
    chosen = (s.labels[s.accepted] for s in stories.values() if s.accepted is not None)
    return {label.label: label for label in chosen}


def _take(entry: Entry, story: _ItemStory, overlap: int) -> None:
    action, task, actor = entry["action"], entry["objects"]["task"], entry["actor"]
    if action == Action.LABEL_SUBMIT:
        story.labels[task], story.writers[task] = _label(entry), actor
        story.authors.add(actor)
        story.accepted = None
    elif action == Action.REVIEW_SUBMIT:
        verdict = entry["outcome"].get("codes", {}).get("verdict")
        full = len(set(story.writers.values())) >= overlap and actor not in story.authors
        known = full and task in story.labels
        story.accepted = None
        if known and verdict == ACCEPT and _names(entry, story.labels[task].label):
            story.accepted = task
        elif known and verdict == DECIDE:
            story.labels[task], story.accepted = _label(entry), task
            story.authors.add(actor)
    elif action == Action.TASK_REOPEN:
        story.accepted = None


def _overlap(entries: Sequence[Entry], project: str) -> int:
    """How many people label each item, as the entry that made the project says."""
    for entry in _of(entries, Action.PROJECT_CREATE, "project", project):
        return int(entry["outcome"].get("counts", {}).get("overlap", 1))
    return 1


def labellers(entries: Sequence[Entry], project: str) -> set[str]:
    """Pseudonyms of everyone who saved a label in the project, an adjudicator's own included."""
    return {e["actor"] for e in _done(entries, project) if _saves_label(e)}


def _saves_label(entry: Entry) -> bool:
    if entry["action"] == Action.LABEL_SUBMIT:
        return True
    verdict = entry["outcome"].get("codes", {}).get("verdict")
    return bool(entry["action"] == Action.REVIEW_SUBMIT and verdict == DECIDE)


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


def witnesses_in(entries: Sequence[Entry], before: int) -> str:
    """The policy of witnesses that a steward asked for last before an entry; else `unwitnessed`.

    Source: docs/spec/provenance-log.md, clause 9.7.
    """
    asked = witness_act_in(entries, before)
    policy = NOBODY if asked is None else str(asked["signed"]["terms"]["policy"])
    return UNWITNESSED if policy == NOBODY else policy


def witness_act_in(entries: Sequence[Entry], before: int) -> Entry | None:
    """The last act before an entry by which a steward asked for witnesses, or for none."""
    acts = (
        entry
        for entry in entries[:before][::-1]
        if entry["action"] == Action.WITNESS_REQUIRE and entry["refusal"] is None
    )
    return next(acts, None)


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
        # A submitted label is asked for by its id; a decision's is part of what came of it.
        label=entry["objects"].get("label") or outcome["objects"]["label"],
        task=entry["objects"]["task"],
        item=outcome["objects"]["item"],
        version=outcome["counts"]["version"],
        commitment=outcome["commitments"]["label"],
        index=entry["index"],
    )


def _names(entry: Entry, label: str) -> bool:
    return bool(entry["outcome"].get("objects", {}).get("label") == label)


def _of(entries: Sequence[Entry], action: Action, kind: str, name: str) -> Iterator[Entry]:
    for entry in entries:
        done = entry["action"] == action and entry["refusal"] is None
        if done and entry["objects"].get(kind) == name:
            yield entry


def _last(entries: Sequence[Entry], action: Action, release: str, code: str) -> Entry:
    for entry in reversed(list(_of(entries, action, "release", release))):
        return entry
    raise VerificationFailed(code, "the log does not know it")
