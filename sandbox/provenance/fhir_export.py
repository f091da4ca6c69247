"""Entries as FHIR R4 AuditEvents, after the patterns of IHE Basic Audit Log Patterns (BALP).

- One AuditEvent for each entry; it names the log, the index and the digest of its entry.
- People are pseudonyms, patients are the log's own ids of subjects, and only where a pack opens
  one. The log holds no network address, so BALP's `agent.network` is left out, and no profile is
  claimed in `meta`.
- Codes of ours stand beside the standard ones, under `urn:anbiao:...`.

Source: HL7 FHIR R4 AuditEvent; IHE ITI BALP 1.1.3; DICOM PS3.16 CID 400-405; docs/spec/evidence.md,
clause 12.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from crypto.verifier import LOOKS, Inquiry

Resource = dict[str, Any]  # JSON
_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_REST: Final = "http://hl7.org/fhir/restful-interaction"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_EXPORT: Final = ("110106", "Export")
_DECISION: Final = ("110113", "Security Alert")
_AUDIT_USED: Final = ("110101", "Audit Log Used")
_AUTHENTICATION: Final = ("110114", "User Authentication")
_ROLES_CHANGED: Final = ("110136", "Security Roles Changed")
_LOGIN: Final = {"session.open": ("110122", "Login"), "session.close": ("110123", "Logout")}
_AUDITS: Final = frozenset(action for action, what in LOOKS.items() if what == "log")
_DISCLOSES: Final = frozenset({"release.download", "release.seal"})
_DECIDES: Final = frozenset({"permit.issue", "permit.revoke", "member.grant", "member.revoke"})
_CREATES: Final = frozenset({"create", "complete", "grant", "issue", "open", "request", "submit"})


def audit_events(inquiry: Inquiry) -> Iterator[Resource]:
    """An AuditEvent for each entry, in order."""
    subjects = _subjects(inquiry)
    for octets in inquiry.log.raw:
        entry: Mapping[str, Any] = json.loads(octets)
        yield _event(entry, octets, inquiry.log.note.origin, subjects)


def bundle(inquiry: Inquiry) -> Resource:
    """All of them as one Bundle."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": "urn:anbiao:log", "value": inquiry.log.note.origin},
        "entry": [{"resource": event} for event in audit_events(inquiry)],
    }


def _subjects(inquiry: Inquiry) -> dict[str, str]:
    """Whose each item is: a deposited one by the log, an issued one where it is opened."""
    found = {item: subject for subject, items in inquiry.told.subjects.items() for item in items}
    if inquiry.scope.kind == "subject":
        found |= dict.fromkeys(inquiry.items[1], inquiry.scope.name)
    return found


def _event(
    entry: Mapping[str, Any], octets: bytes, origin: str, subjects: Mapping[str, str]
) -> Resource:
    named = {**entry["objects"], **entry["outcome"].get("objects", {})}
    kind, subtypes, action = _kind(entry)
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": f"{entry['ledger']}-{entry['index']}",
        "type": kind,
        "subtype": [*subtypes, {"system": "urn:anbiao:action", "code": entry["action"]}],
        "action": action,
        "recorded": entry["at"],
        "outcome": _outcome(entry),
        "agent": _agents(entry, origin),
        "source": {
            "observer": {"identifier": {"system": "urn:anbiao:log", "value": origin}},
            "type": [{"system": f"{_TERMS}/security-source-type", "code": "4"}],
        },
        "entity": [
            _log_entry(entry, octets, origin),
            *(_object(name, value) for name, value in sorted(named.items()) if name != "subject"),
            *(_patient(subject) for subject in sorted(_about(named, subjects))),
        ],
    }
    if entry["refusal"] is not None:
        event["outcomeDesc"] = entry["refusal"]
    purpose = entry["facts"].get("declared_purpose")
    if purpose:
        event["purposeOfEvent"] = [_concept("urn:anbiao:purpose", str(purpose))]
    return event


def _kind(entry: Mapping[str, Any]) -> tuple[Resource, list[Resource], str]:
    """Type, subtypes and action of an entry's event."""
    action, ruling = entry["action"], entry["ruling"]
    if ruling is not None and not ruling["allowed"]:
        return _dicom(_DECISION), [], "E"
    if action in _AUDITS:
        return _dicom(_AUDIT_USED), [], "R"
    if action in _DISCLOSES:
        disclose = {"system": f"{_TERMS}/iso-21089-lifecycle", "code": "disclose"}
        return _dicom(_EXPORT), [disclose], "R"
    if action in _DECIDES:
        changed = [_dicom(_ROLES_CHANGED)] if action.startswith("member.") else []
        return _dicom(_DECISION), changed, "E"
    if action in _LOGIN:
        return _dicom(_AUTHENTICATION), [_dicom(_LOGIN[action])], "E"
    return _rest(action)


def _rest(action: str) -> tuple[Resource, list[Resource], str]:
    rest = {"system": f"{_TERMS}/audit-event-type", "code": "rest"}
    if action in LOOKS:
        return rest, [{"system": _REST, "code": "read"}], "R"
    if action.partition(".")[2] in _CREATES:
        return rest, [{"system": _REST, "code": "create"}], "C"
    return rest, [{"system": _REST, "code": "update"}], "U"


def _outcome(entry: Mapping[str, Any]) -> str:
    """0 done; 8 refused by policy; 4 refused by the state of things, or without facts."""
    if entry["refusal"] is None:
        return "0"
    ruling = entry["ruling"]
    return "8" if ruling is not None and not ruling["allowed"] else "4"


def _agents(entry: Mapping[str, Any], origin: str) -> list[Resource]:
    person: Resource = {
        "type": _concept(f"{_TERMS}/v3-ParticipationType", "IRCP"),
        "who": {
            "identifier": {
                "system": f"urn:anbiao:pseudonym:{entry['ledger']}",
                "value": entry["actor"],
            }
        },
        "role": [_concept("urn:anbiao:role", role) for role in entry["roles"]]
        + [_concept("urn:anbiao:organisation", entry["organisation"])],
        "requestor": True,
    }
    if entry["ruling"] is not None:
        digest = entry["ruling"]["policy"]
        person["policy"] = [f"urn:anbiao:policy:{digest}#{entry['ruling']['rule']}"]
    house: Resource = {
        "type": _concept(_DCM, "110153"),
        "who": {"identifier": {"system": "urn:anbiao:log", "value": origin}},
        "requestor": False,
    }
    return [person, house]


def _log_entry(entry: Mapping[str, Any], octets: bytes, origin: str) -> Resource:
    index = str(entry["index"])
    digest = "sha256:" + hashlib.sha256(octets).hexdigest()
    return {
        "what": {"identifier": {"system": f"urn:anbiao:log:{origin}", "value": index}},
        "type": {"system": f"{_TERMS}/audit-entity-type", "code": "2"},
        "role": {"system": f"{_TERMS}/object-role", "code": "13"},
        "name": f"entry {index}",
        "detail": [{"type": "entry", "valueString": digest}],
    }


def _object(kind: str, name: str) -> Resource:
    return {
        "what": {"identifier": {"system": f"urn:anbiao:{kind}", "value": name}},
        "type": {"system": f"{_TERMS}/audit-entity-type", "code": "2"},
        "role": {"system": f"{_TERMS}/object-role", "code": "4"},
    }


def _patient(subject: str) -> Resource:
    return {
        "what": {"identifier": {"system": "urn:anbiao:subject", "value": subject}},
        "type": {"system": f"{_TERMS}/audit-entity-type", "code": "1"},
        "role": {"system": f"{_TERMS}/object-role", "code": "1"},
    }


def _about(named: Mapping[str, str], subjects: Mapping[str, str]) -> set[str]:
    items = [named[kind] for kind in ("item", "project_item") if kind in named]
    found = {subjects[item] for item in items if item in subjects}
    return found | ({named["subject"]} if "subject" in named else set())


def _dicom(code: tuple[str, str]) -> Resource:
    return {"system": _DCM, "code": code[0], "display": code[1]}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}
