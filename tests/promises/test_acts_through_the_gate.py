"""Whatever changes something goes through the gate, and everything the gate knows is complete."""

import ast
import csv
import inspect
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from source import ROOT, called, files, functions, name_of, tree_of

from api import app
from policies.book import read_policy
from policies.vocabulary import Action
from sandbox import wiring
from sandbox.settings import load

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
OPEN = "/v1/hospitals/{ledger}"
WITHOUT_AN_ACT = {
    f"PUT {OPEN}/datasets/{{dataset}}/deposits/{{deposit}}/objects/{{object_id}}": (
        "ciphertext that nothing names yet; `deposit.complete` counts it, or it is swept"
    ),
    "POST /v1/policies/preview": "works a change of policy out and keeps nothing of it",
    f"PUT {OPEN}/datasets/{{dataset}}/deposits/{{deposit}}/objects": (
        "the same, several in one request"
    ),
}
"""Routes that change something, or look so, and leave no entry, each with its reason."""

ACTS = {
    "POST /v1/setup": "account.create",
    "POST /v1/accounts": "account.create",
    "DELETE /v1/accounts/{account}": "account.remove",
    "POST /v1/invitations/accept": "account.activate",
    "POST /v1/totp/renew": "account.activate",
    "POST /v1/totp/confirm": "session.open",
    "POST /v1/sessions": "session.open",
    "POST /v1/service-sessions": "session.open",
    "DELETE /v1/sessions/current": "session.close",
    "POST /v1/service-accounts": "account.create",
    "POST /v1/hospitals/{ledger}/permits": "permit.issue",
    "DELETE /v1/hospitals/{ledger}/permits/{project}": "permit.revoke",
    "POST /v1/hospitals/{ledger}/training": "training.record",
    "POST /v1/hospitals/{ledger}/witnesses": "witness.require",
    "POST /v1/policies/proposals": "policy.propose",
    "POST /v1/policies/proposals/{policy}/approve": "policy.approve",
    "POST /v1/policies/proposals/{policy}/reject": "policy.reject",
    "POST /v1/platform/members": "member.grant",
    "DELETE /v1/platform/members/{membership}": "member.revoke",
    "POST /v1/keys": "account.enrol-key",
    "POST /v1/policies": "policy.adopt",
    "POST /v1/hospitals": "hospital.open",
    f"POST {OPEN}/open": "ledger.open",
    f"POST {OPEN}/members": "member.grant",
    f"DELETE {OPEN}/members/{{membership}}": "member.revoke",
    f"POST {OPEN}/datasets": "dataset.create",
    f"POST {OPEN}/datasets/{{dataset}}/suspend": "dataset.suspend",
    f"POST {OPEN}/datasets/{{dataset}}/resume": "dataset.resume",
    f"POST {OPEN}/datasets/{{dataset}}/deposits": "deposit.open",
    f"POST {OPEN}/datasets/{{dataset}}/deposits/{{deposit}}/complete": "deposit.complete",
    f"POST {OPEN}/datasets/{{dataset}}/deposits/{{deposit}}/abandon": "deposit.abandon",
    f"POST {OPEN}/erasures": "erasure.order",
    f"POST {OPEN}/holds": "hold.place",
    f"DELETE {OPEN}/holds/{{hold}}": "hold.lift",
    f"POST {OPEN}/datasets/{{dataset}}/approvals": "approval.open",
    f"POST {OPEN}/datasets/{{dataset}}/approvals/{{approval}}/sign": "approval.sign",
    f"POST {OPEN}/datasets/{{dataset}}/items/{{item}}/requeue": "item.requeue",
    f"POST {OPEN}/datasets/{{dataset}}/evidence": "evidence.export",
    f"POST {OPEN}/evidence": "evidence.export",
    f"POST {OPEN}/projects/{{project}}/evidence": "evidence.export",
    f"POST {OPEN}/subjects/{{subject}}/evidence": "evidence.export",
    f"POST {OPEN}/subjects/{{subject}}/report": "subject.report",
    f"POST {OPEN}/projects": "project.create",
    f"POST {OPEN}/projects/{{project}}/tasks/next": "task.open",
    f"POST {OPEN}/projects/{{project}}/reviews/next": "review.open",
    f"POST {OPEN}/projects/{{project}}/releases": "release.request",
    f"POST {OPEN}/leases/{{lease}}/close": "lease.close",
    f"POST {OPEN}/tasks/{{task}}/labels": "label.submit",
    f"POST {OPEN}/tasks/{{task}}/reviews": "review.submit",
    f"POST {OPEN}/tasks/{{task}}/reopen": "task.reopen",
    f"POST {OPEN}/releases/{{release}}/votes": "release.vote",
    f"POST {OPEN}/releases/{{release}}/recall": "release.recall",
    f"POST {OPEN}/releases/{{release}}/withdraw": "release.withdraw",
}
"""Every other route that changes something, and the act that it asks the gate for."""

Endpoint = Callable[..., object]


DOORS = (
    (app.PUBLIC_ROUTERS, "/v1"),
    (app.SESSION_ROUTERS, "/v1"),
    (app.HOSPITAL_ROUTERS, OPEN),
)


@pytest.fixture(scope="module")
def changing(tmp_path_factory) -> dict[str, Endpoint]:
    """Every route that may change something, and the function that answers it."""
    house = wiring.serving(load(tmp_path_factory.mktemp("house"), {}))
    try:
        return dict(_routes(house))
    finally:
        house.close()


def _routes(house: wiring.House) -> Iterator[tuple[str, Endpoint]]:
    for routers, prefix in DOORS:
        for router in routers:
            for route in router(house).routes:
                for method in sorted(CHANGING & set(route.methods)):
                    yield f"{method} {prefix}{route.path}", route.endpoint


def _bodies() -> dict[str, list[ast.AST]]:
    """Every function of doors and rooms by its name."""
    found: dict[str, list[ast.AST]] = {}
    for path in files("api/routes", "sandbox"):
        if not name_of(path).startswith(("sandbox/gate/", "sandbox/storage/")):
            for function in functions(tree_of(path)):
                found.setdefault(function.name, []).append(function)
    return found


def _asks_the_gate(endpoint: Endpoint) -> bool:
    """Whether `perform` is called by the endpoint, or at most two calls further on, by name."""
    source = ast.parse(textwrap.dedent(inspect.getsource(endpoint)))
    bodies, level = _bodies(), [source]
    for _ in range(3):
        names = {name for body in level for name in called(body)}
        if "perform" in names:
            return True
        level = [body for name in names for body in bodies.get(name, [])]
    return False


def test_every_changing_route_is_on_one_of_the_lists(changing):
    assert set(changing) == {*ACTS, *WITHOUT_AN_ACT}
    assert all(WITHOUT_AN_ACT.values())


def test_lists_are_those_of_the_published_document(changing):
    paths = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]

    assert set(changing) == {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if method.upper() in CHANGING
    }


def test_every_route_with_an_act_asks_the_gate(changing):
    for route in ACTS:
        assert _asks_the_gate(changing[route]), route


def test_routes_without_an_act_ask_nothing(changing):
    for route in WITHOUT_AN_ACT:
        assert not _asks_the_gate(changing[route]), route


def test_only_the_gate_opens_a_unit_of_work():
    opening = {
        name_of(path)
        for path in files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "unit"
    }

    assert opening == {"sandbox/gate/writer.py"}


def handled() -> set[Action]:
    return {command.ACTION for command in wiring.all_handlers(load(Path("nowhere"), {}))}


def test_every_route_s_act_has_a_handler():
    known = handled()

    assert {Action(act) for act in ACTS.values()} <= known


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("action", sorted(Action))
def test_every_action_has_a_handler_a_policy_line_and_a_refused_case(action):
    golden = ROOT / "tests" / "policies" / "golden_matrix.csv"
    lines = list(csv.DictReader(golden.read_text(encoding="utf-8").splitlines()))
    cells = [
        verdict
        for line in lines
        if line["action"] == action
        for column, verdict in line.items()
        if column not in {"action", "stage", "case"}
    ]

    assert action in handled()
    assert action in read_policy().sheet
    assert any(not cell.startswith(("-", "!")) for cell in cells)
    assert any(cell.startswith(("-", "!")) for cell in cells)
