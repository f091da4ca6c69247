"""Requests to every route of `openapi.json`, right but for a planted word in one field at a time.

Bodies are made from the document and are such that they pass, as far as a form tells; signed forms
are signed anew around what was planted, by a key that counts. A field is every leaf of a body, every
name in it that the asker chooses, every parameter in path and query, and every header that is read.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api import openapi
from api.client.enrolment import signed_body
from api.client.keys import PersonKeys
from crypto.verifier import SIGNED_OBJECTS

DOCUMENT = json.loads(openapi.FILE.read_text(encoding="utf-8"))
NAME, CHINESE, ID_NUMBER, PHONE = (
    "Quentin Ozymandias",
    "张三丰",
    "110101199003077758",
    "13864107239",
)
MARKERS = (NAME, CHINESE, ID_NUMBER, PHONE)

ACTS = {
    ("post", "/members"): "member.grant",
    ("delete", "/members/{membership}"): "member.revoke",
    ("post", "/open"): "ledger.open",
    ("post", "/permits"): "permit.issue",
    ("delete", "/permits/{project}"): "permit.revoke",
    ("post", "/training"): "training.record",
    ("post", "/approvals"): "approval.open",
    ("post", "/sign"): "approval.sign",
    ("post", "/deposits"): "deposit.open",
    ("post", "/votes"): "release.vote",
    ("post", "/proposals"): "policy.propose",
    ("post", "/approve"): "policy.approve",
    ("post", "/reject"): "policy.reject",
}
"""What is signed, by method and end of path."""

LATER = "2099-01-01T00:00:00.000000Z"
GUIDELINE = {
    "goal": "Tell findings apart.",
    "format": "One class.",
    "method": "Look twice.",
    "positive_examples": ["A nodule."],
    "negative_examples": ["Nothing."],
    "quality_index": "Two agree.",
}
FREE: Mapping[str, Any] = {
    "guideline": GUIDELINE,
    "schema": {"kind": "classification", "classes": ["none", "nodule"], "multiple": False},
    "value": {"classes": ["none"]},
}


@dataclass(frozen=True)
class Planted:
    """One request: where it goes, what it says, and which field holds the word."""

    method: str
    template: str
    field: str
    path: str
    headers: Mapping[str, str]
    content: bytes | None


class Garden:
    """Makes the requests of one asker."""

    def __init__(self, known: Mapping[str, str], keys: PersonKeys) -> None:
        self.known, self.keys = known, keys
        self._count = 0

    def all(self, template: str, method: str) -> Iterator[Planted]:
        """Every field of a route with every word."""
        told = DOCUMENT["paths"][template][method]
        for marker in MARKERS:
            yield from self._in_places(template, method, told, marker)
            yield from self._in_body(template, method, told, marker)

    def _in_places(
        self, template: str, method: str, told: Mapping[str, Any], marker: str
    ) -> Iterator[Planted]:
        for parameter in told.get("parameters", ()):
            name, where = parameter["name"], parameter["in"]
            honest = self._body(template, method, told)
            content = None if honest is None else self._signed(template, method, honest)
            path, headers = self._path(template), self._headers()
            if where == "path":
                path = self._path(template, {name: quote(marker)})
            elif where == "query":
                path += f"?{name}={quote(marker)}"
            else:
                headers[name] = quote(marker)
            yield Planted(method, template, f"{where} {name}", path, headers, content)
        headers = {**self._headers(), "User-Agent": quote(marker), "X-Request-Id": quote(marker)}
        yield Planted(method, template, "header", self._path(template), headers, b"{}")

    def _in_body(
        self, template: str, method: str, told: Mapping[str, Any], marker: str
    ) -> Iterator[Planted]:
        body = self._body(template, method, told)
        if body is None:
            if method == "put":
                yield Planted(
                    method,
                    template,
                    "bytes",
                    self._path(template),
                    self._headers(),
                    marker.encode(),
                )
            return
        for place in list(_leaves(body)):
            for said in {marker, f"{marker}." if marker == NAME else marker}:
                planted = self._body(template, method, told)
                _plant(planted, place, said)
                content = self._signed(template, method, planted)
                yield Planted(
                    method,
                    template,
                    "/".join(map(str, place)),
                    self._path(template),
                    self._headers(),
                    content,
                )
        more = self._signed(template, method, {**body, marker: marker})
        yield Planted(method, template, "unknown", self._path(template), self._headers(), more)

    # --- honest requests ---------------------------------------------------------------------------
    def _headers(self) -> dict[str, str]:
        self._count += 1
        return {
            "Idempotency-Key": f"planted-request-{self._count:06}",
            "If-Match": '"0"',
            "Content-Type": "application/json",
        }

    def _path(self, template: str, given: Mapping[str, str] = {}) -> str:
        filled = template
        while "{" in filled:
            name = filled[filled.index("{") + 1 : filled.index("}")]
            word = given.get(name) or self.known.get(name) or self._id()
            filled = filled.replace(
                "{" + name + "}", "0/000" if name == "path" and name not in given else word
            )
        return filled

    def _id(self) -> str:
        self._count += 1
        return f"{self._count:032x}"

    def _body(self, template: str, method: str, told: Mapping[str, Any]) -> Any:
        content = told.get("requestBody", {}).get("content", {})
        form = content.get("application/json", {}).get("schema")
        if form is None:
            return None
        body = self._sample(form, "")
        if "terms" in body:
            body["terms"] = self._terms(action_of(template, method))
        return body

    def _sample(self, form: Mapping[str, Any], name: str) -> Any:
        form = _resolved(form)
        if name in FREE or name == "terms":
            return copy.deepcopy(FREE.get(name, {}))
        if "enum" in form or "const" in form:
            return form.get("const", form.get("enum", [None])[0])
        kind = form.get("type", "object")
        if kind == "object":
            return {n: self._sample(inner, n) for n, inner in form.get("properties", {}).items()}
        if kind == "array":
            return [self._sample(form.get("items", {"type": "string"}), name)]
        least = max(1, int(form.get("minimum", 1)))
        simple = {"integer": least, "number": least, "boolean": True}
        return simple[kind] if kind in simple else self._word(form, name)

    def _word(self, form: Mapping[str, Any], name: str) -> str:
        if form.get("format") == "date-time":
            return LATER
        pattern = form.get("pattern", "")
        if "0-9a-f]{32}" in pattern:
            return self.known.get(name) or self._id()
        if name == "domain":
            return "hospital"
        if name == "recipe":
            return "basic"
        return {"firm": "firm:one", "organisation": "hospital"}.get(name, "A word")

    # --- signatures --------------------------------------------------------------------------------
    def _signed(self, template: str, method: str, body: Any) -> bytes:
        action = action_of(template, method)
        if not action:
            return json.dumps(body).encode()
        ledger = self.known["ledger"] if "{ledger}" in template else "platform"
        objects = {
            name: str(body.get(name) or self.known.get(name) or "0" * 32)
            for name in SIGNED_OBJECTS[action]
        }
        try:
            signed = signed_body(self.keys, ledger, action, objects, dict(body.get("terms", {})))
        except Exception:  # noqa: BLE001 - what can't be signed is sent unsigned: it is refused at the door
            signed = {}
        return json.dumps({**body, **signed}).encode()

    def _terms(self, action: str) -> dict[str, str]:
        """Honest terms of an act; what the test plants stands over them."""
        key = self.known["signing_key"]
        return {
            "member.grant": {
                "role": "labeller", "domain": "hospital", "organisation": "hospital",
                "signing_key": key, "sealing_key": self.known["sealing_key"], "expires_at": "",
            },
            "member.revoke": {"reason": "left"},
            "permit.issue": {"valid_from": "2026-01-01T00:00:00.000000Z", "valid_until": LATER},
            "permit.revoke": {"reason": "ended"},
            "training.record": {
                "course": "data-handling", "members": self.known["member"],
                "passed_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2027-01-01T00:00:00.000000Z",
            },
            "approval.open": {"session_key": key},
            "release.vote": {"package": "sha256:" + "0" * 64, "statement": "sha256:" + "0" * 64, "verdict": "approve"},
            "policy.propose": {"base": "sha256:" + "0" * 64, "diff": "sha256:" + "0" * 64, "table": "sha256:" + "0" * 64},
            "policy.approve": {"table": "sha256:" + "0" * 64},
            "policy.reject": {"reason": "unwanted"},
        }.get(action, {})  # fmt: skip


def action_of(template: str, method: str) -> str:
    """The action that a route's signature is over; empty where nothing is signed."""
    fits = (a for (m, end), a in ACTS.items() if m == method and template.endswith(end))
    return next(fits, "")


def _resolved(form: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in form:
        form = DOCUMENT["components"]["schemas"][form["$ref"].rpartition("/")[2]]
    for choice in form.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(choice)
    return form


Place = tuple[str | int, ...]


def _leaves(value: Any, at: Place = ()) -> Iterator[Place]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    if not isinstance(value, dict | list):
        yield at
    for name, each in inner:
        yield from _leaves(each, (*at, name))


def _plant(body: Any, place: Place, marker: str) -> None:
    for name in place[:-1]:
        body = body[name]
    digits = isinstance(body[place[-1]], int) and marker.isdecimal()
    body[place[-1]] = int(marker) if digits else marker
