"""The labelling room's handlers, by command."""

from collections.abc import Mapping
from typing import Any

from sandbox.acts import Command, Handler
from sandbox.label import commands as c
from sandbox.label.agreement import ReadAgreementHandler
from sandbox.label.projects import CreateProjectHandler
from sandbox.label.reviews import OpenReviewHandler, ReopenTaskHandler, SubmitReviewHandler
from sandbox.label.tasks import CloseLeaseHandler, OpenTaskHandler, SubmitLabelHandler


def handlers() -> Mapping[type[Command], Handler[Any]]:  # Any: each takes its own command type
    """One handler for each command of this room."""
    return {
        c.CreateProject: CreateProjectHandler(),
        c.OpenTask: OpenTaskHandler(),
        c.SubmitLabel: SubmitLabelHandler(),
        c.CloseLease: CloseLeaseHandler(),
        c.OpenReview: OpenReviewHandler(),
        c.SubmitReview: SubmitReviewHandler(),
        c.ReopenTask: ReopenTaskHandler(),
        c.ReadAgreement: ReadAgreementHandler(),
    }
