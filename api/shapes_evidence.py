"""Forms of what is asked of the log."""

from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from api.shapes import Form
from crypto.verifier import Inquiry
from sandbox.acts import Receipt


class PeriodForm(Form):
    """From when, and until when (not included)."""

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since >= self.until:
            raise ValueError("the period ends before it begins")
        for at in (self.since, self.until):
            # Beyond the years that UTC has, there is nothing to tell of.
            try:
                at.astimezone(UTC)
            except OverflowError as error:
                raise ValueError("no such time") from error
        return self


class LookShape(BaseModel):
    """That somebody was let see something of the subject; `counted` says how much counts as seen.

    `what` is `item`, `sample`, `labels`, `package`, `figures` or `log`. An `item` is counted
    `exact`, or `all` where nobody counted; `shown`, `views` and `seconds` are there if known.
    """

    index: int
    at: datetime
    actor: str
    organisation: str
    roles: list[str]
    domain: str
    action: str
    what: str
    objects: dict[str, str]
    dataset: str
    project: str
    item: str
    purpose: str
    rule: str
    policy: str
    counted: str
    closed: int | None = None
    frames: int | None = None
    shown: int | None = None
    views: int | None = None
    seconds: int | None = None


class OriginShape(BaseModel):
    """Where the subject's data came from: by which deposit, handed in by whom, when recorded."""

    index: int
    actor: str
    deposit: str


class SubjectReportShape(BaseModel):
    """Who was let see anything of one subject, from the log's first `entries` entries.

    `handled` are entries by which services handled it and nobody saw it; `unlinked` is how many
    issued items tell nothing of whom they are about, so that looks at them are not in here.
    """

    subject: str
    entries: int
    root: str
    origins: list[OriginShape]
    looks: list[LookShape]
    handled: list[int]
    unlinked: int
    said_en: str
    said_zh: str
    index: int
    receipt: dict[str, str]


def report_shape(inquiry: Inquiry, receipt: Receipt) -> SubjectReportShape:
    """The answer about the subject that an inquiry is about."""
    answer = inquiry.who_saw()
    return SubjectReportShape(
        subject=inquiry.scope.name,
        entries=inquiry.log.note.size,
        root=inquiry.log.note.root.hex(),
        origins=[
            OriginShape(index=index, actor=actor, deposit=deposit)
            for index, actor, deposit in inquiry.origins()
        ],
        looks=[LookShape.model_validate(row) for row in answer.rows],
        handled=inquiry.handled(),
        unlinked=inquiry.unlinked(),
        said_en=answer.said[0],
        said_zh=answer.said[1],
        index=receipt.index,
        receipt={"entry": receipt.entry.decode(), "proof": receipt.proof},
    )
