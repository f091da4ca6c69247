"""The airlock's handlers, by command."""

from collections.abc import Mapping
from typing import Any

from policies.pack import Pack
from sandbox.acts import Command, Handler
from sandbox.release import commands as c
from sandbox.release import delivery, evidence, requests, seals, votes


def handlers(pack: Pack) -> Mapping[type[Command], Handler[Any]]:  # Any: one command type each
    """One handler for each command of this room; `pack` says whose votes a release needs."""
    return {
        c.RequestRelease: requests.RequestReleaseHandler(),
        c.WithdrawRelease: requests.WithdrawReleaseHandler(),
        c.ScreenRelease: seals.ScreenReleaseHandler(),
        c.InspectRelease: votes.InspectReleaseHandler(),
        c.VoteRelease: votes.VoteReleaseHandler(pack),
        c.SealRelease: seals.SealReleaseHandler(pack),
        c.DownloadRelease: delivery.DownloadReleaseHandler(),
        c.RecallRelease: delivery.RecallReleaseHandler(),
        c.ExportEvidence: evidence.AskEvidenceHandler(),
        c.ReportSubject: evidence.AskEvidenceHandler(),
    }
