"""A labelling firm's side: projects, the next task, its frames or text, labels and reviews.

Frames are pictures to be looked at, one by one; nothing here keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.client.errors import ClientError
from api.client.http import Door, Json

ACCEPT = "accept"
RETURN = "return"


@dataclass(frozen=True)
class Project:
    """A project at one hospital."""

    door: Door
    ledger: str
    project: str

    @property
    def hospital(self) -> str:
        """Path of the hospital."""
        return f"/hospitals/{self.ledger}"

    @property
    def path(self) -> str:
        """Path of the project."""
        return f"{self.hospital}/projects/{self.project}"

    def create(
        self,
        dataset: str,
        title: str,
        firm: str,
        documents: Mapping[str, object],
        lease_s: int | None = None,
        overlap: int = 1,
    ) -> Json:
        """Open the project on a dataset; `documents` are `guideline` and `schema`.

        `overlap` people label each item, blind to one another.

        Raises:
            ClientError: the server refused, naming the field, or can't be reached.
        """
        body = {
            "project": self.project,
            "dataset": dataset,
            "title": title,
            "firm": firm,
            "lease_s": lease_s,
            "overlap": overlap,
            **documents,
        }
        return self.door.create(f"{self.hospital}/projects", body)

    def status(self) -> Json:
        """The project and how many tasks are in each state.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return self.door.get(self.path)

    def agreement(self) -> Json:
        """How far the labellers agree, over items whose labels are all in.

        Raises:
            ClientError: `forbidden` to who labels here, `agreement-too-few`,
                `agreement-without-overlap`, or the server can't be reached.
        """
        return self.door.get(f"{self.path}/agreement")

    def next_task(self, task: str | None = None) -> Json | None:
        """Lease the next task, or the named one; None when none is left for this person.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return self._next("tasks", task)

    def next_review(self, task: str | None = None) -> Json | None:
        """Lease the next label to be judged; None when none waits for this person.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return self._next("reviews", task)

    def lease(self, lease: str) -> Json:
        """What a live lease shows: kind, frames, guideline, schema; for a review, the label.

        Raises:
            ClientError: the lease is not live and one's own, or the server can't be reached.
        """
        return self.door.get(f"{self.hospital}/leases/{lease}")

    def frame(self, lease: str, number: int) -> bytes:
        """Frame `number` (from 0) as PNG.

        Raises:
            ClientError: the lease is not live and one's own, or there is no such frame.
        """
        return self.door.get_bytes(f"{self.hospital}/leases/{lease}/frames/{number}")

    def text(self, lease: str) -> str:
        """The text of a text item.

        Raises:
            ClientError: the lease is not live and one's own, or the item is no text.
        """
        return str(self.door.get(f"{self.hospital}/leases/{lease}/text")["text"])

    def submit(self, task: str, version: int, classes: Sequence[str], comment: str = "") -> Json:
        """Save a choice of classes over the version that was seen last.

        Raises:
            ClientError: `stale-version`, the schema is broken (the field is named), or else.
        """
        return self.submit_value(task, version, {"classes": list(classes)}, comment)

    def submit_value(
        self, task: str, version: int, value: Mapping[str, object], comment: str = ""
    ) -> Json:
        """Save a label in the form that the project's schema has: `classes` or `labels`.

        Raises:
            ClientError: `stale-version`, the schema is broken (the field is named as a pointer
                into `value`), or else.
        """
        body = {"value": dict(value), "comment": comment}
        headers = {"If-Match": f'"{version}"'}
        return self.door.create(f"{self.hospital}/tasks/{task}/labels", body, headers)

    def judge(
        self,
        task: str,
        verdict: str,
        reason: str = "",
        value: Mapping[str, object] | None = None,
    ) -> Json:
        """Accept a label, return it, send it to adjudication, or decide by a label of one's own.

        All but accepting need a reason; `value` is the label of a decision.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        body = {"verdict": verdict, "reason": reason, "value": value}
        return self.door.create(f"{self.hospital}/tasks/{task}/reviews", body)

    def reopen(self, task: str, reason: str) -> Json:
        """Take a locked task back into review.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return self.door.create(f"{self.hospital}/tasks/{task}/reopen", {"reason": reason})

    def close(self, lease: str) -> Json:
        """End a lease early.

        Raises:
            ClientError: the server refused, or can't be reached.
        """
        return self.door.create(f"{self.hospital}/leases/{lease}/close", {})

    def request_release(self, recipient: str, context: str, control_statement: str) -> Json:
        """Ask for the accepted labels to leave, to a recipient named by pseudonym.

        Raises:
            ClientError: the server refused, naming the field, or can't be reached.
        """
        body = {
            "recipient": recipient,
            "context": context,
            "control_statement": control_statement,
        }
        return self.door.create(f"{self.path}/releases", body)

    def _next(self, kind: str, task: str | None) -> Json | None:
        try:
            return self.door.create(f"{self.path}/{kind}/next", {"task": task})
        except ClientError as error:
            if error.code == "no-task":
                return None
            raise
