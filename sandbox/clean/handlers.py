"""The handlers of `clean`, by command type."""

from collections.abc import Mapping
from typing import Any

from sandbox.acts import Command, Handler
from sandbox.clean.approvals import OpeningApproval, Sampling, Signing, Viewing
from sandbox.clean.commands import (
    CleanItem,
    IssueItem,
    OpenApproval,
    RequeueItem,
    SampleApproval,
    SignApproval,
    ViewSample,
)
from sandbox.clean.issuing import Issuing
from sandbox.clean.items import Cleaning, Requeueing


def handlers() -> Mapping[type[Command], Handler[Any]]:
    """One handler per command; `Any` because each takes its own command type."""
    return {
        CleanItem: Cleaning(),
        RequeueItem: Requeueing(),
        OpenApproval: OpeningApproval(),
        SampleApproval: Sampling(),
        ViewSample: Viewing(),
        SignApproval: Signing(),
        IssueItem: Issuing(),
    }
