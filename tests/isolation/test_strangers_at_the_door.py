"""A firm asks every route of the door for what is another firm's: there is no such thing (R16)."""

import base64
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_hospital_over_http import ward_in
from two_firms import TwoFirms, everything

from api.client.http import new_id

ROOT = Path(__file__).parents[2]
OPENAPI = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
OF_A_PROJECT = ("project", "task", "lease", "release")
OF_A_DATASET = ("dataset", "deposit", "item", "approval", "object_id", "membership")
ROUTES = sorted(
    (method.upper(), path)
    for path, methods in OPENAPI["paths"].items()
    for method in methods
    if path.startswith("/v1/hospitals/{ledger}/")
)
PROJECT_BOUND = [
    (method, path) for method, path in ROUTES if any(f"{{{one}}}" in path for one in OF_A_PROJECT)
]
KEY = base64.b64encode(bytes(32)).decode()
SIGNATURE = base64.b64encode(bytes(64)).decode()
# What each route takes, so that nothing but the id stands between the asker and the answer.
BODIES: dict[str, Any] = {
    "leases/{lease}/close": {},
    "permits/{project}": {
        "nonce": "0" * 32,
        "signature": SIGNATURE,
        "terms": {"reason": "over"},
    },
    "projects/{project}/evidence": {},
    "projects/{project}/releases": {
        "recipient": "0" * 32,
        "context": "Training of a model.",
        "control_statement": "Only class names leave.",
    },
    "projects/{project}/reviews/next": {},
    "projects/{project}/tasks/next": {},
    "releases/{release}/recall": {"reason": "Called back."},
    "releases/{release}/votes": {
        "nonce": "0" * 32,
        "signature": SIGNATURE,
        "signing_key": KEY,
        "terms": {"verdict": "approve"},
    },
    "releases/{release}/withdraw": {},
    "tasks/{task}/labels": {"value": {"classes": ["effusion"]}, "comment": ""},
    "tasks/{task}/reopen": {"reason": "Once more."},
    "tasks/{task}/reviews": {"verdict": "accept", "reason": ""},
}


@pytest.fixture(scope="module")
def firms(tmp_path_factory) -> Iterator[TwoFirms]:
    folder = tmp_path_factory.mktemp("firms")
    with ward_in(folder / "house") as ward:
        yield TwoFirms.of(ward, folder / "films")


def ask(firms: TwoFirms, role: str, route: tuple[str, str], ids: dict[str, str]) -> httpx.Response:
    """One request of one of the first firm's people."""
    method, path = route
    door = firms.one.people[role].door
    filled = path.replace("{ledger}", firms.ward.ledger).replace("{version}", "1")
    filled = filled.replace("{number}", "0").replace("{object_id}", ids.get("item", "0" * 32))
    for name, value in ids.items():
        filled = filled.replace(f"{{{name}}}", value)
    assert "{" not in filled
    tail = path.removeprefix("/v1/hospitals/{ledger}/")
    return httpx.request(
        method,
        firms.ward.town.url + filled,
        headers={
            "Authorization": f"Bearer {door.token}",
            "Idempotency-Key": secrets.token_urlsafe(24),
            "If-Match": '"0"',
        },
        json=BODIES.get(tail, {}) if method in {"POST", "PUT", "DELETE"} else None,
    )


def said(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, str]:
    """Status and body, but for the path that was asked."""
    text = answer.text
    for value in ids.values():
        text = text.replace(value, "ID")
    return answer.status_code, re.sub(r'"instance":"[^"]*"', '"instance":""', text)


def test_every_route_that_takes_something_is_given_it():
    takers = {
        path.removeprefix("/v1/hospitals/{ledger}/")
        for method, path in PROJECT_BOUND
        if method in {"POST", "PUT", "DELETE"}
    }

    assert takers == set(BODIES)


@pytest.mark.requirement("R16")
def test_what_is_another_project_s_is_answered_like_what_never_was(firms: TwoFirms):
    unknown = {name: new_id() for name in firms.two.ids}
    for role in firms.one.people:
        for route in PROJECT_BOUND:
            theirs = said(ask(firms, role, route, firms.two.ids), firms.two.ids)
            nobodys = said(ask(firms, role, route, unknown), unknown)

            assert theirs == nobodys, (role, route)
            assert theirs[0] == 404, (role, route, theirs)


@pytest.mark.requirement("R16")
def test_the_same_routes_open_for_one_s_own(firms: TwoFirms):
    """So that the answer above is no mistake of the asking."""
    opened = set()
    for role in firms.one.people:
        for route in PROJECT_BOUND:
            if ask(firms, role, route, firms.one.ids).status_code != 404:
                opened.add(route)

    assert set(PROJECT_BOUND) - opened <= NOT_YET


NOT_YET = {
    # A report has no frames, or a film no text; no passport before a release.
    ("GET", "/v1/hospitals/{ledger}/leases/{lease}/frames/{number}"),
    ("GET", "/v1/hospitals/{ledger}/leases/{lease}/text"),
    ("GET", "/v1/hospitals/{ledger}/releases/{release}/passport"),
    ("GET", "/v1/hospitals/{ledger}/tasks/{task}/labels/{version}"),
}


@pytest.mark.requirement("R16")
def test_the_hospital_s_own_routes_tell_a_firm_nothing(firms: TwoFirms):
    """A dataset is in the public register: that there is one is no secret, what is in it is."""
    item = firms.ward.items()[0]
    ids = {"dataset": firms.ward.dataset, "item": item["item"], "deposit": item["deposit"]}
    ids |= {"approval": new_id(), "membership": new_id()}
    bound = [r for r in ROUTES if any(f"{{{one}}}" in r[1] for one in OF_A_DATASET)]
    for role in firms.one.people:
        for route in bound:
            answer = ask(firms, role, route, ids)

            assert answer.status_code in {403, 404, 422}, (role, route)
            assert set(answer.json()) <= {
                "type",
                "title",
                "status",
                "detail",
                "instance",
                "code",
            } | {"field"}


@pytest.mark.requirement("R16")
def test_lists_hold_only_one_s_own(firms: TwoFirms):
    hidden = set(firms.two.ids.values()) | {firms.two.name, f"Effusions for {firms.two.name}"}
    for person in firms.one.people.values():
        door, hospital = person.door, f"/hospitals/{firms.ward.ledger}"
        for path in ("projects", "releases"):
            found = everything(list(door.items(f"{hospital}/{path}")))
            assert not found & hidden
            assert firms.one.project in found
        status = door.get(f"{hospital}/projects/{firms.one.project}")
        assert sum(status["tasks"].values()) == 4
        assert not everything(door.get("/me")) & hidden


@pytest.mark.requirement("R16")
def test_the_public_register_names_projects_and_nothing_in_them(firms: TwoFirms):
    answer = firms.ward.town.door.get("/catalogue")

    inside = {firm.ids[name] for firm in (firms.one, firms.two) for name in firms.one.ids}
    inside -= {firms.one.project, firms.two.project}
    assert not everything(answer) & inside


@pytest.mark.requirement("R16")
def test_nobody_of_a_firm_reads_entries_members_or_evidence(firms: TwoFirms):
    for role in firms.one.people:
        for route in (
            ("GET", "/v1/hospitals/{ledger}/members"),
            ("GET", "/v1/log/{ledger}/tile/entries/000"),
            ("POST", "/v1/hospitals/{ledger}/datasets/{dataset}/evidence"),
            ("GET", "/v1/hospitals/{ledger}/datasets/{dataset}/items"),
            ("GET", "/v1/hospitals/{ledger}/datasets"),
        ):
            answer = ask(firms, role, route, {"dataset": firms.ward.dataset})
            assert answer.status_code in {403, 404}, (role, route)


@pytest.mark.requirement("R16")
def test_a_receipt_holds_nothing_of_the_other_project(firms: TwoFirms):
    given = firms.one.at("labeller").next_task()
    answer = firms.one.at("labeller").submit(given["task"], given["version"], ["none"])

    text = json.dumps(answer)
    assert given["task"] in text
    assert not any(value in text for value in firms.two.ids.values())
