"""Changes of policy from a policy admin's side: seen first, then signed."""

from collections.abc import Sequence

from api.client.enrolment import checked_key, signed_body
from api.client.http import Door, Json, new_id
from api.client.keys import PersonKeys

PLATFORM = "platform"


def adopt(door: Door) -> Json:
    """Take the policy that ships with the program for the house's first.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    return door.create("/policies", {"policy": door.get("/version")["policy"]})


def preview(door: Door, add: Sequence[str], remove: Sequence[str], anew: str = "") -> Json:
    """What a change would come to: its difference, its digests, and what it breaks.

    With `anew` it is the whole policy as the server's program makes it: `rows` in force, `shipped`.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    return door.post("/policies/preview", _asked(add, remove, anew))


def propose(
    door: Door, keys: PersonKeys, add: Sequence[str], remove: Sequence[str], anew: str = ""
) -> Json:
    """Propose a change, signed over the digests that the preview showed.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    seen = preview(door, add, remove, anew)
    terms = {
        "base": str(seen["base"]),
        "diff": str(seen["diff_digest"]),
        "table": str(seen["table"]),
    }
    objects = {"policy": new_id()}
    signed = signed_body(keys, PLATFORM, "policy.propose", objects, terms)
    body = {**objects, **_asked(add, remove, anew), "terms": terms, **signed}
    return door.create("/policies/proposals", body)


def _asked(add: Sequence[str], remove: Sequence[str], anew: str) -> dict[str, object]:
    return {"add": list(add), "remove": list(remove), **({"anew": anew} if anew else {})}


def approve(door: Door, keys: PersonKeys, proposal: Json) -> Json:
    """Put another's proposal in force, signed over its table as `policies` showed it.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    name, terms = str(proposal["policy"]), {"table": str(proposal["table"])}
    signed = signed_body(keys, PLATFORM, "policy.approve", {"policy": name}, terms)
    return door.post(f"/policies/proposals/{name}/approve", {"terms": terms, **signed})


def reject(door: Door, keys: PersonKeys, proposal: str, reason: str) -> Json:
    """Turn a proposal down; `reason` is a code without blanks.

    Raises:
        ClientError: the server refused, or can't be reached.
    """
    terms = {"reason": reason}
    signed = signed_body(keys, PLATFORM, "policy.reject", {"policy": proposal}, terms)
    return door.post(f"/policies/proposals/{proposal}/reject", {"terms": terms, **signed})


def grant_role(door: Door, keys: PersonKeys, account: str, role: str, fingerprint: str) -> Json:
    """Give an account a role on the platform, as an operator, by signature over its key.

    Raises:
        ClientError: `fingerprint-differs`: the server shows another key than the person told;
            or the server refused, or can't be reached.
    """
    card = door.get(f"/accounts/{account}")
    terms = {
        "role": role,
        "domain": PLATFORM,
        "organisation": PLATFORM,
        "signing_key": checked_key(card, fingerprint),
        "sealing_key": str(card["sealing_key"] or ""),
        "expires_at": "",
    }
    objects = {"account": account, "membership": new_id()}
    signed = signed_body(keys, PLATFORM, "member.grant", objects, terms)
    return door.create("/platform/members", {**objects, "terms": terms, **signed})
