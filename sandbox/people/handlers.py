"""Which handler answers which command of this room."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sandbox.acts import Command, Handler
from sandbox.people import (
    accounts,
    hospitals,
    permits,
    policy,
    sessions,
    training,
    witnesses,
)
from sandbox.people import commands as c


def handlers(
    conflicting: hospitals.Conflicting,
) -> Mapping[type[Command], Handler[Any]]:  # Any: each handler takes its own command type
    """The handlers of this room.

    Args:
        conflicting: Whether duties keep a new role apart from roles already held.
    """
    return MappingProxyType(
        {
            c.FoundPlatform: accounts.Founding(),
            c.CreateAccount: accounts.Creation(),
            c.EnrolFactor: accounts.Enrolment(),
            c.ConfirmFactor: accounts.Confirmation(),
            c.RemoveAccount: accounts.Removal(),
            c.EnrolKey: accounts.KeyEnrolment(),
            c.OpenSession: sessions.Opening(),
            c.CloseSession: sessions.Closing(),
            c.RefuseLogin: sessions.Refusal(),
            c.OpenHospital: hospitals.HospitalOpening(),
            c.AdoptPolicy: policy.Adoption(),
            c.ProposePolicy: policy.Proposing(),
            c.ApprovePolicy: policy.Approving(),
            c.RejectPolicy: policy.Rejecting(),
            c.OpenLedger: hospitals.LedgerOpening(),
            c.GrantMembership: hospitals.Granting(conflicting),
            c.RevokeMembership: hospitals.Revoking(),
            c.IssuePermit: permits.PermitIssuing(),
            c.RevokePermit: permits.PermitRevoking(),
            c.RecordTraining: training.TrainingRecording(),
            c.RequireWitnesses: witnesses.WitnessRequiring(),
            c.ReadLog: hospitals.LogReading(),
        }
    )
