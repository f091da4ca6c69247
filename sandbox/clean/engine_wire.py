"""What passes between the worker and a child that cleans for it: JSON heads, octets beside them.

No object is revived from what a child sends: it has read a stranger's file, and what it says is
data and nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.clean.engine import Job
from sandbox.deid.forms import FileKind, Register, RegisterRow, Result, Verdict
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.text_moving import Moved
from sandbox.errors import Malformed


@dataclass(frozen=True)
class Order:
    """The head of a job: everything but the file and the register."""

    name: str
    recipe: str
    key: bytes
    subject: str | None
    register: Register | None

    @classmethod
    def read(cls, head: bytes) -> "Order":
        """What `order_of` wrote."""
        told = json.loads(head)
        rows = told["register"]
        register = None if rows is None else Register(tuple(RegisterRow(**row) for row in rows))
        return cls(
            told["name"], told["recipe"], bytes.fromhex(told["key"]), told["subject"], register
        )

    def job(self, data: bytes, register: Register) -> Job:
        """The job that was ordered."""
        return Job(data, self.name, self.recipe, Pseudonyms(self.key), register, self.subject)


def order_of(job: Job, *, with_register: bool) -> bytes:
    """The head of a job; the register only where the child doesn't have it yet."""
    rows = [vars(row) for row in job.register.rows] if with_register else None
    return json.dumps(
        {
            "name": job.name,
            "recipe": job.recipe,
            "key": job.pseudonyms.key.hex(),
            "subject": job.subject,
            "register": rows,
        }
    ).encode()


def answer_of(verdict: Verdict) -> bytes:
    """A verdict but for its octets."""
    return json.dumps(
        {
            "result": verdict.result,
            "kind": verdict.kind,
            "reason": verdict.reason,
            "octets": verdict.pieces is not None,
            "actions": dict(verdict.actions),
            "removed": dict(verdict.removed),
            "modality": verdict.modality,
            "frames": verdict.frames,
            "subject": verdict.subject,
            "moves": [
                None if one is None else [one.day.isoformat(), *one.form] for one in verdict.moves
            ],
            "mark": verdict.mark,
        }
    ).encode()


def has_octets(head: bytes) -> bool:
    """Whether octets follow an answer's head.

    Raises:
        Malformed: `answer-malformed`.
    """
    return bool(_told(head).get("octets"))


def verdict_of(head: bytes, octets: bytes | None) -> Verdict:
    """The verdict that a child sent.

    Raises:
        Malformed: `answer-malformed`, it isn't in the form that ours have.
    """
    told = _told(head)
    try:
        return Verdict(
            Result(told["result"]),
            FileKind(told["kind"]),
            _text_or_none(told["reason"]),
            None if octets is None else (octets,),
            _counts(told["actions"]),
            _counts(told["removed"]),
            str(told["modality"]),
            int(told["frames"]),
            _text_or_none(told["subject"]),
            tuple(_moved(one) for one in told["moves"]),
            str(told["mark"]),
        )
    except (KeyError, ValueError, TypeError):
        raise Malformed("answer-malformed", "A child's answer isn't in its form.") from None


def _told(head: bytes) -> dict[str, Any]:  # Any: JSON, checked member by member
    try:
        told = json.loads(head)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Malformed("answer-malformed", "A child's answer isn't in its form.")
    return told


def _counts(told: object) -> Mapping[str, int]:
    if not isinstance(told, dict):
        raise TypeError
    return {str(what): int(count) for what, count in told.items()}


def _text_or_none(told: object) -> str | None:
    return None if told is None else str(told)


def _moved(told: list[str] | None) -> Moved | None:
    return None if told is None else Moved(date.fromisoformat(told[0]), tuple(map(str, told[1:])))
