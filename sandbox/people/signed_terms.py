"""Terms that a steward signs, as they must stand in the signature: strings to strings.

Keys are base64; what is missing is the empty string, never left out.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime

from policies.vocabulary import Role
from sandbox.acts import Command
from sandbox.errors import Unacceptable
from sandbox.people.commands import GrantMembership, PolicyChange, RecordTraining

_REASON = re.compile(r"[a-z]+(?:-[a-z]+){0,3}")
_LONGEST_REASON = 32


def opening_terms(signing_key: bytes, sealing_key: bytes | None) -> Mapping[str, str]:
    """Terms of `ledger.open`."""
    return {
        "organisation": "hospital",
        "role": str(Role.STEWARD),
        "signing_key": key_text(signing_key),
        "sealing_key": key_text(sealing_key),
    }


def grant_terms(command: GrantMembership) -> Mapping[str, str]:
    """Terms of `member.grant`."""
    return {
        "role": str(command.role),
        "domain": command.granted_domain,
        "organisation": command.organisation,
        "signing_key": key_text(command.signing_key),
        "sealing_key": key_text(command.sealing_key),
        "expires_at": expiry_text(command.expires_at),
    }


def permit_terms(valid_from: datetime, valid_until: datetime) -> Mapping[str, str]:
    """Terms of `permit.issue`."""
    return {"valid_from": expiry_text(valid_from), "valid_until": expiry_text(valid_until)}


def witness_terms(policy: str) -> Mapping[str, str]:
    """Terms of `witness.require`: the digest of a policy file, or `none`."""
    return {"policy": policy}


def proposal_terms(change: PolicyChange) -> Mapping[str, str]:
    """Terms of `policy.propose`: digests of the table in force, the new one and the difference."""
    return {"base": change.base, "diff": change.diff, "table": change.table}


def approval_terms(table: str) -> Mapping[str, str]:
    """Terms of `policy.approve`: the digest of the table that comes into force."""
    return {"table": table}


def training_terms(command: RecordTraining) -> Mapping[str, str]:
    """Terms of `training.record`; the members in the order of the command, parted by commas."""
    return {
        "course": command.course,
        "members": ",".join(person.member for person in command.people),
        "passed_at": expiry_text(command.passed_at),
        "expires_at": expiry_text(command.expires_at),
    }


def require_terms(command: Command, expected: Mapping[str, str]) -> None:
    """What was signed is what is asked for, word by word.

    Raises:
        Unacceptable: `terms-differ`.
    """
    signed = command.signed.terms if command.signed else {}
    if dict(signed) != dict(expected):
        raise Unacceptable("terms-differ", "what was signed is not what is asked for")


def require_code(command: Command) -> None:
    """The signed reason is a code: it stands in the log for ever, and a sentence says too much.

    Raises:
        Unacceptable: `reason-missing`.
    """
    reason = command.signed.terms.get("reason", "") if command.signed else ""
    if len(reason) > _LONGEST_REASON or not _REASON.fullmatch(reason):
        raise Unacceptable(
            "reason-missing", "give a short code: letters and dashes", field="reason"
        )


def key_text(key: bytes | None) -> str:
    """A public key as terms hold it."""
    return base64.b64encode(key or b"").decode()


def expiry_text(at: datetime | None) -> str:
    """An expiry as terms hold it: microseconds and `Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else ""
