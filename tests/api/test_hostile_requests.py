"""Every route that takes a body or an id, with bodies and ids that nobody should send.

The bodies are made from `openapi.json`: rightly formed, but for one field at a time. Whatever comes,
the answer is a problem with a code, in time, without a word of what was sent; the house goes on.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from town import Person, Town

from api import openapi

CANARY = "ZHANG-SAN-110101199003077758"
DOCUMENT = json.loads(openapi.FILE.read_text(encoding="utf-8"))
LOGIN = ("/v1/sessions", "/v1/setup", "/v1/invitations/accept", "/v1/totp/confirm")
"""These cost a password hash each; their fields have tests of their own."""

VALUES = [
    b"null", b"true", b"-1", b"1e999", b"NaN", b"9" * 400, b"[]", b"{}", b'""', b'"\\ud800"',
    b'"\\u0000"', b'"\x07"', b'"../../../etc/passwd"', b"\"' OR 1=1 --\"", b'"\\u202eabc"',
    json.dumps(CANARY).encode(), json.dumps(CANARY * 5_000).encode(), b"[" * 5_000 + b"]" * 5_000,
    json.dumps({CANARY: CANARY}).encode(), json.dumps([CANARY] * 500).encode(),
]  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"null", b"7", b'"' + CANARY.encode() + b'"', b"\xff\xfe\x00", b"{}" * 2,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000, json.dumps({CANARY: 1}).encode(),
    b'{"name":"a","name":"' + CANARY.encode() + b'"}', b"\xef\xbb\xbf{}",
]  # fmt: skip
IDS = ["..%2f..%2fetc%2fpasswd", "%00", "0" * 31, "A" * 32, CANARY, "%e5%bc%a0%e4%b8%89", "x" * 4_000,
       "'%20OR%201=1", "%0d%0aSet-Cookie:%20a", "-1", "%ff"]  # fmt: skip


def routes(*, body: bool) -> list[tuple[str, str]]:
    """Method and path of all routes with a JSON body, or with an id in their path."""
    return [
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method, told in methods.items()
        if (_form(told) is not None if body else "{" in path)
        and path not in LOGIN
        and (method, path) != ("delete", "/v1/sessions/current")
    ]


def _form(told: dict[str, Any]) -> dict[str, Any] | None:
    content = told.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def _resolved(form: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in form:
        form = DOCUMENT["components"]["schemas"][form["$ref"].rpartition("/")[2]]
    for choice in form.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(choice)
    return form


def sample(form: dict[str, Any]) -> Any:
    """A value of that form, as far as the form tells."""
    form = _resolved(form)
    if "enum" in form:
        return form["enum"][0]
    kind = form.get("type", "object")
    if kind == "object":
        return {name: sample(inner) for name, inner in form.get("properties", {}).items()}
    if kind == "array":
        return [sample(form.get("items", {"type": "string"}))]
    simple = {"string": "0" * 32, "integer": 1, "number": 1, "boolean": True}
    return simple.get(kind, "0" * 32)


def wrong(path: str, method: str) -> Iterator[bytes]:
    """Bodies of a route: whole ones that are none, and right ones but for one field."""
    yield from BODIES
    form = _form(DOCUMENT["paths"][path][method.lower()]) or {}
    whole = sample(form)
    for name in _resolved(form).get("properties", {}):
        rest = {key: value for key, value in whole.items() if key != name}
        head = json.dumps(rest).encode().rstrip(b"}")
        for value in VALUES:
            yield head + (b", " if rest else b"") + json.dumps(name).encode() + b": " + value + b"}"
    yield json.dumps({**whole, f"{CANARY}-more": 1}).encode()


class Place:
    """A town in haste, and everyone's way to its door."""

    def __init__(self, town: Town, steward: Person, ledger: str) -> None:
        self.town, self.steward, self.ledger = town, steward, ledger
        self.http = httpx.Client(base_url=town.url, trust_env=False, timeout=30)
        self.headers = {
            "Authorization": f"Bearer {steward.door.token}",
            "Idempotency-Key": "hostile-request-0001",
            "Content-Type": "application/json",
        }

    def path(self, template: str, unknown: str = "0" * 32) -> str:
        """With the hospital's own ledger, so that the refusal is not for want of one."""
        filled = template.replace("{ledger}", self.ledger).replace("{path}", "0/000")
        while "{" in filled:
            start, end = filled.index("{"), filled.index("}")
            filled = filled[:start] + unknown + filled[end + 1 :]
        return filled


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder, requests_per_s=100_000, request_burst=1_000_000)
    operator = town.found()
    steward = town.enrolled(operator, "stella")
    made = Place(town, steward, town.hospital(operator, steward))
    yield made
    made.http.close()
    town.close()


def sound(answer: httpx.Response, sent: bytes | str) -> None:
    """A problem with a code, and not a word of what was sent."""
    assert 400 <= answer.status_code < 500, (answer.status_code, sent[:200])
    assert answer.headers["content-type"] == "application/problem+json", sent[:200]
    problem = answer.json()
    assert problem["code"]
    assert problem["status"] == answer.status_code
    assert CANARY not in answer.text
    assert answer.elapsed.total_seconds() < 10


@pytest.mark.requirement("R20")
@pytest.mark.requirement("R66")
@pytest.mark.parametrize(("method", "path"), routes(body=True))
def test_a_hostile_body_gets_a_problem_and_no_echo(place: Place, caplog, method, path):
    caplog.set_level(logging.DEBUG)
    before = len(place.town.entries(place.ledger))
    for body in wrong(path, method):
        answer = place.http.request(method, place.path(path), content=body, headers=place.headers)

        if answer.status_code < 300:  # a field that takes any text took one
            assert CANARY not in answer.text
            continue
        sound(answer, body)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("anbiao")]
    assert not [text for text in said if CANARY in text]
    assert not [e for e in place.town.entries(place.ledger)[before:] if CANARY.encode() in e]
    assert place.http.get("/v1/me", headers=place.headers).status_code == 200


@pytest.mark.parametrize(("method", "path"), routes(body=False))
def test_a_hostile_id_gets_a_problem_and_no_echo(place: Place, method, path):
    for unknown in IDS:
        template = (
            place.path(path, unknown)
            if path.count("{") > 1
            else path.replace(path[path.index("{") : path.index("}") + 1], unknown)
        )
        answer = place.http.request(method, template, content=b"{}", headers=place.headers)

        sound(answer, unknown)
