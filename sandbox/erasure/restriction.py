"""What is to be erased is taken out of work at once: nobody sees it any more (R78)."""

from dataclasses import replace

from policies.states import ITEM, PROJECT_ITEM, RELEASE, TASK
from policies.vocabulary import ItemState, ReleaseState, TaskState
from sandbox.erasure.concerned import Concerned
from sandbox.records.deposits import Item
from sandbox.records.labels import ProjectItem, Task
from sandbox.records.port import Tables
from sandbox.records.releases import Release
from sandbox.records.transitions import step

_LEAVING = frozenset(
    {
        ReleaseState.INDEPENDENT_REVIEW,
        ReleaseState.CONSOLIDATION,
        ReleaseState.APPROVED,
        ReleaseState.SEALING,
    }
)


def restrict(tables: Tables, found: Concerned) -> dict[str, int]:
    """Cancel tasks, call issued items back, stop packages; what there was. Repeatable.

    Afterwards items stand where neither cleaning nor issue finds them.
    """
    for item in found.items:
        if item.state is ItemState.APPROVED:
            recalled = step(ITEM, item.state, ItemState.RECALLED)
            tables.of(Item).replace(replace(item, state=recalled))
    for issued in found.project_items:
        if issued.state is ItemState.ISSUED:
            recalled = step(PROJECT_ITEM, issued.state, ItemState.RECALLED)
            tables.of(ProjectItem).replace(replace(issued, state=recalled))
    cancelled = _cancel(tables, found)
    stopped = [release for release in found.releases if release.state in _LEAVING]
    for release in stopped:
        state = step(RELEASE, release.state, ReleaseState.FAILED)
        tables.of(Release).replace(replace(release, state=state))
    return {
        "items": len(found.items),
        "project_items": len(found.project_items),
        "tasks": cancelled,
        "releases_stopped": len(stopped),
    }


def _cancel(tables: Tables, found: Concerned) -> int:
    cancelled = 0
    for task in found.tasks:
        if task.state is not TaskState.CANCELLED:
            # A lease shows nothing more from here on, and the worker closes it.
            state = step(TASK, task.state, TaskState.CANCELLED)
            tables.of(Task).replace(replace(task, state=state))
            cancelled += 1
    return cancelled


def out(found: Concerned) -> list[str]:
    """Releases that may hold something of it and have left: nobody can call them back for good."""
    return sorted(r.id for r in found.releases if r.sealed_blob is not None)
