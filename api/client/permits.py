"""Permits, training records and witnesses asked for, as a steward or a firm's lead signs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from api.client.enrolment import member_of, signed_body
from api.client.http import Door, Json, new_id
from api.client.keys import PersonKeys

COURSE = "data-handling"


@dataclass(frozen=True)
class Window:
    """From when until when."""

    start: datetime
    end: datetime


def issue_permit(
    door: Door, keys: PersonKeys, ledger: str, dataset: str, project: str, window: Window
) -> Json:
    """Permit a project on a dataset, as the hospital's steward.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    objects = {"dataset": dataset, "project": project}
    terms = {"valid_from": _time(window.start), "valid_until": _time(window.end)}
    signed = signed_body(keys, ledger, "permit.issue", objects, terms)
    return door.create(f"/hospitals/{ledger}/permits", {**objects, "terms": terms, **signed})


def revoke_permit(door: Door, keys: PersonKeys, ledger: str, project: str, reason: str) -> Json:
    """End a project's permit, as the hospital's steward; `reason` is a code without blanks.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    terms = {"reason": reason}
    signed = signed_body(keys, ledger, "permit.revoke", {"project": project}, terms)
    return door.delete(f"/hospitals/{ledger}/permits/{project}", {"terms": terms, **signed})


def require_witnesses(door: Door, keys: PersonKeys, ledger: str, policy: str) -> Json:
    """Ask for a quorum of witnesses under what leaves, as the hospital's steward.

    `policy` is the digest of a policy file, as `crypto.tlogpolicy` gives it, or `none`.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    terms = {"policy": policy}
    signed = signed_body(keys, ledger, "witness.require", {}, terms)
    return door.create(f"/hospitals/{ledger}/witnesses", {"terms": terms, **signed})


def record_training(
    door: Door, keys: PersonKeys, ledger: str, accounts: Sequence[str], course: str, window: Window
) -> Json:
    """Tell that accounts passed a course in the window's first moment, good until its last.

    The pseudonyms that the accounts will bear in this ledger are chosen here, where they bear
    none yet.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    people = [{"account": each, "member": member_of(door, ledger, each)} for each in accounts]
    terms = {
        "course": course,
        "members": ",".join(person["member"] for person in people),
        "passed_at": _time(window.start),
        "expires_at": _time(window.end),
    }
    objects = {"training": new_id()}
    signed = signed_body(keys, ledger, "training.record", objects, terms)
    body = {**objects, "people": people, "terms": terms, **signed}
    return door.create(f"/hospitals/{ledger}/training", body)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
