"""Requests: what is to leave, to whom and why; and giving a request up.

R51: without context and control statement nothing is asked for. A new request is moved through
DRAFT and SUBMITTED to SCREENING in one act: releases in SCREENING are the worker's queue.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from crypto.canonical import encode
from policies.ruling import Facts
from policies.states import RELEASE
from policies.vocabulary import ReleaseState, Role, TaskState
from sandbox.acts import HOSPITAL_DOMAIN, Acting, Outcome
from sandbox.errors import Conflict, Forbidden, Unacceptable
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Task
from sandbox.records.people import Membership
from sandbox.records.port import Tables
from sandbox.records.releases import Release
from sandbox.records.standing import project_facts, runs
from sandbox.records.transitions import step
from sandbox.release.commands import RequestRelease, WithdrawRelease
from sandbox.release.rows import NONE, project_of, release_of, standing

Scan = Callable[[str], Sequence[str]]
MAX_TEXT = 2_000
MISSING = "control-statement-missing"


def request_digest(context: str, control_statement: str) -> str:
    """`sha256:<hex>` of the two texts, as the entry holds it; both leave with the package."""
    said = encode({"context": context, "control_statement": control_statement})
    return "sha256:" + hashlib.sha256(said).hexdigest()


def fault_in(context: str, control_statement: str, scan: Scan) -> tuple[str, str] | None:
    """What keeps the texts of a request from being accepted: code and field."""
    texts = {"context": context, "control_statement": control_statement}
    for field, text in texts.items():
        if not text.strip():
            return MISSING, field
    for field, text in texts.items():
        if len(text) > MAX_TEXT:
            return "text-too-long", field
        if scan(text):
            return "identifier-found", field
    return None


class RequestReleaseHandler:
    """`release.request`."""

    def facts(self, tables: Tables, command: RequestRelease, acting: Acting) -> Facts:
        """The dataset's standing, and the state of the request so far.

        Raises:
            Unacceptable: `control-statement-missing`; the field is named.
            NotFound: no such project.
        """
        project = project_of(tables, command, acting)
        if command.fault and command.fault[0] == MISSING:
            raise Unacceptable(MISSING, "say in what context and under what control",
                               field=command.fault[1])  # fmt: skip
        former = self._former(tables, command, acting)
        return {
            **project_facts(tables, project, acting.now),
            "controls_given": bool(command.context.strip() and command.control_statement.strip()),
            "stage": str(former.state) if former else NONE,
        }

    def act(self, tables: Tables, command: RequestRelease, acting: Acting) -> Outcome:
        """Keep the request and hand it to screening.

        Raises:
            Unacceptable: `identifier-found`, `text-too-long`, `recipient-unknown`.
            Conflict: `nothing-locked`, no label is accepted yet.
            Forbidden: `not-the-requester`, another's request came back.
        """
        if command.fault:
            raise Unacceptable(command.fault[0], field=command.fault[1])
        project = project_of(tables, command, acting)
        _check_recipient(tables, command, acting)
        locked = tables.of(Task).count(project=project.id, state=TaskState.LOCKED)
        if not locked:
            raise Conflict("nothing-locked", "no label of this project is accepted yet")
        release = self._row(tables, command, acting)
        return Outcome(
            objects={"dataset": release.dataset},
            counts={"labels": locked},
            digests={"request": request_digest(command.context, command.control_statement)},
            states={"release": str(release.state)},
            reply={"release": release.id, "state": str(release.state)},
        )

    def _former(self, tables: Tables, command: RequestRelease, acting: Acting) -> Release | None:
        known = tables.of(Release).get(command.release)
        return release_of(tables, command, acting) if known else None

    def _row(self, tables: Tables, command: RequestRelease, acting: Acting) -> Release:
        """The request in SCREENING, kept."""
        project = project_of(tables, command, acting)
        former = self._former(tables, command, acting)
        if former and former.requester != acting.account:
            raise Forbidden("not-the-requester", "only its requester may send it again")
        state = former.state if former else ReleaseState.DRAFT
        dataset = tables.of(Dataset).require(project.dataset)
        row = Release(
            id=command.release,
            project=project.id,
            dataset=project.dataset,
            requester=acting.account,
            recipient=command.recipient,
            context=command.context,
            control_statement=command.control_statement,
            grade=int(dataset.grade),
            state=_to_screening(state),
            findings=(),
            package_blob=None,
            package_digest=None,
            statement=None,
            sealed_blob=None,
            passport=None,
            requested_index=acting.index,
            screened_index=None,
            recall_reason=None,
            requested_at=acting.now,
        )
        releases = tables.of(Release)
        (releases.replace if former else releases.insert)(row)
        return row


class WithdrawReleaseHandler:
    """`release.withdraw`."""

    def facts(self, tables: Tables, command: WithdrawRelease, acting: Acting) -> Facts:
        """State of the request, and whose it is.

        Raises:
            NotFound: no such release.
        """
        release = release_of(tables, command, acting)
        return {
            **standing(tables, release, acting.now),
            "own": release.requester == acting.account,
        }

    def act(self, tables: Tables, command: WithdrawRelease, acting: Acting) -> Outcome:
        """Give the request up.

        Raises:
            IllegalTransition: it can't be withdrawn from where it is.
        """
        release = release_of(tables, command, acting)
        state = step(RELEASE, release.state, ReleaseState.WITHDRAWN)
        tables.of(Release).replace(replace(release, state=state))
        return Outcome(
            states={"release": str(state)}, reply={"release": release.id, "state": str(state)}
        )


def _to_screening(state: ReleaseState) -> ReleaseState:
    submitted = step(RELEASE, state, ReleaseState.SUBMITTED)
    return step(RELEASE, submitted, ReleaseState.SCREENING)


def _check_recipient(tables: Tables, command: RequestRelease, acting: Acting) -> None:
    here = {HOSPITAL_DOMAIN, command.domain}
    for member in tables.of(Membership).find(pseudonym=command.recipient):
        current = runs(member, acting.now)
        fit = member.role is Role.RECIPIENT and member.domain in here
        if fit and current and member.sealing_key:
            return
    raise Unacceptable(
        "recipient-unknown", "no recipient with a sealing key has this name", field="recipient"
    )
