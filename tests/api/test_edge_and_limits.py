"""What stands before every route: credentials, problems, limits, headers, incidents."""

import json
import logging
import queue
import re
import socket
from logging.handlers import QueueHandler
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from town import Town

import api
from api import openapi, problems
from api.app import create_app
from api.authentication import PUBLIC, Authentication, acting, address_of, is_public
from api.edge import Edge
from api.limits import BodyLimit, Buckets
from sandbox.errors import LedgerUnavailable, SandboxError, TooLarge, Unauthenticated

DOCUMENT = json.loads(openapi.FILE.read_text(encoding="utf-8"))
ROUTES = [
    (method.upper(), openapi._example(path), bool(operation["security"]))
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture
def http(town):
    with httpx.Client(base_url=town.url, trust_env=False) as client:
        yield client


@pytest.mark.requirement("R01")
def test_every_route_but_the_public_ones_asks_for_credentials(http):
    closed = [(method, path) for method, path, needs in ROUTES if needs]
    assert len(closed) > 40

    answers = {(m, p): http.request(m, p, content=b"{").status_code for m, p in closed}

    assert {pair: status for pair, status in answers.items() if status != 401} == {}


@pytest.mark.requirement("R01")
def test_public_routes_are_exactly_the_listed_ones(town):
    app = create_app(town.house)
    drawn = {(m.upper(), p) for p, ms in app.openapi()["paths"].items() for m in ms}
    open_ones = {(m, p) for m, p in drawn if is_public(m, openapi._example(p))}

    assert len(open_ones) == len(PUBLIC)
    assert all(
        p.startswith(("/v1/log/", "/v1/health", "/v1/version", "/v1/catalogue"))
        for m, p in open_ones
        if m == "GET"
    )


@pytest.mark.requirement("R01")
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Basic cm9vdDpyb290",
        "Bearer x",
        "bearer " + "A" * 43,
        "Bearer \xff\xfe",
        "Bearer " + "A" * 4000,
    ],
)
def test_credentials_that_are_none_are_refused(http, header):
    answer = http.get("/v1/me", headers={"Authorization": header.encode("latin-1")})

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/unknown",
        "/openapi.json",
        "/docs",
        "/v1/health/",
        "//v1/health",
        "/v1/log/platform/tile/entries/000",
        "/v1/log/platform/checkpoint/x",
    ],
)
def test_strangers_learn_nothing_of_other_paths(http, path):
    assert http.get(path).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/unknown", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("DELETE", "/v1/me", 405, "method-not-allowed"),
        ("POST", "/v1/health", 405, "method-not-allowed"),
        ("GET", "/v1/hospitals/" + "0" * 32 + "/members", 404, "not-found"),
        ("GET", "/v1/accounts/" + "0" * 32, 404, "account-unknown"),
        ("GET", "/v1/accounts/unknown", 422, "field-refused"),
    ],
)
def test_framework_refusals_are_problems(http, operator, method, path, status, code):
    answer = http.request(method, path, headers=bearer(operator))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{code}"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "malformed", None),
        (b"[]", 422, "field-refused", None),
        (b'{"name": 7, "organisation": "x"}', 422, "field-refused", "name"),
        (
            b'{"name": "x", "organisation": "x", "canary-4711": 1}',
            422,
            "field-refused",
            None,
        ),
        (
            b'{"name": "x", "organisation": "two words"}',
            422,
            "organisation-refused",
            "organisation",
        ),
        (b"\xff\xfe", 400, "malformed", None),
        (b"", 422, "field-refused", None),
    ],
)
def test_wrong_bodies_name_the_field(http, operator, body, status, code, field):
    headers = {
        **bearer(operator),
        "Idempotency-Key": "12345678",
        "Content-Type": "application/json",
    }

    answer = http.post("/v1/accounts", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().get("field") == field


@pytest.mark.requirement("R66")
def test_refusals_never_echo_a_value(http, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "ZHANG-SAN-110101199003077758"
    bodies = [{"name": [canary]}, {"name": {"x": canary}}, {"password": 1, "code": canary}]

    texts = [http.post("/v1/sessions", json=body).text for body in bodies]
    texts += [
        http.get(f"/v1/{canary}?q={canary}").text,
        http.post("/v1/setup", content=canary).text,
    ]

    ours = [r.getMessage() for r in caplog.records if r.name.startswith("anbiao")]
    assert ours
    assert all(canary not in text for text in [*texts, *ours])


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency-key-missing"),
        ("short", "idempotency-key-malformed"),
        ("x" * 129, "idempotency-key-malformed"),
        ("with blank", "idempotency-key-malformed"),
    ],
)
def test_creating_needs_an_idempotency_key(http, operator, key, code):
    headers = {**bearer(operator), **({"Idempotency-Key": key} if key else {})}

    answer = http.post("/v1/accounts", json={"name": "a", "organisation": "b"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_announced_and_unannounced_bodies_over_the_limit_are_refused(http, operator):
    def drip():
        for _ in range(20):
            yield b" " * 65_536

    announced = http.post("/v1/keys", content=b" " * 1_100_000, headers=bearer(operator))
    dripped = http.post(
        "/v1/keys", content=drip(), headers=bearer(operator) | {"Idempotency-Key": "12345678"}
    )

    assert [(a.status_code, a.json()["code"]) for a in (announced, dripped)] == [
        (413, "too-large")
    ] * 2


@pytest.mark.requirement("R08")
def test_rate_is_limited_per_account(tmp_path):
    town = Town(tmp_path, requests_per_s=1, request_burst=5)
    try:
        operator = town.found()
        statuses = [
            httpx.get(f"{town.url}/v1/me", headers=bearer(operator)).status_code for _ in range(9)
        ]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses
    finally:
        town.close()


def test_buckets_fill_again_and_do_not_overflow():
    now = [0.0]
    buckets = Buckets(2, 3, lambda: now[0])

    taken = [buckets.take("a") for _ in range(4)]
    now[0] = 1.0
    later = [buckets.take("a") for _ in range(3)]
    now[0] = 1000.0
    full = [buckets.take("a") for _ in range(4)]

    assert taken == [True] * 3 + [False]
    assert later == [True, True, False]
    assert full == [True] * 3 + [False]
    assert buckets.take("b")


def test_every_answer_bears_the_security_headers(http, operator):
    for answer in (
        http.get("/v1/health"),
        http.get("/v1/me"),
        http.get("/v1/me", headers=bearer(operator)),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in answer.headers


async def _break(_request):
    raise RuntimeError("canary 4711")


async def _break_late(_request):
    async def half():
        yield b"half"
        raise RuntimeError("canary 4711")

    return StreamingResponse(half())


@pytest.mark.anyio
async def test_unforeseen_errors_say_an_incident_id_and_nothing_else(caplog):
    app = Edge(Starlette(routes=[Route("/break", _break)]).router)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        answer = await http.get("/break?secret=1")

    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "internal-error")
    assert re.fullmatch("[0-9a-f]{16}", body["incident"])
    assert body["incident"] in caplog.text
    assert "RuntimeError at test_edge_and_limits.py" in caplog.text
    assert "canary" not in answer.text + caplog.text
    assert "secret" not in caplog.text


@pytest.mark.anyio
async def test_error_behind_a_started_answer_is_logged_only(caplog):
    app = Edge(Starlette(routes=[Route("/late", _break_late)]).router)

    sent = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/late",
        "scheme": "http",
        "headers": [],
        "query_string": b"",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)

    assert [m["type"] for m in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["more_body"]  # never ended: the client sees a broken answer
    assert "incident" in caplog.text
    assert "canary" not in caplog.text


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_problem_of_an_error_has_its_code_status_and_field():
    problem = problems.of_error(TooLarge("object-too-large", "at most 5", field="size"))

    assert problem.body() == {
        "type": "/problems/object-too-large",
        "title": "What came in is over a size limit.",
        "status": 413,
        "code": "object-too-large",
        "detail": "at most 5",
        "field": "size",
    }


def test_internal_refusal_of_the_gate_is_a_500():
    assert problems.of_error(SandboxError("internal-error")).status == 500


@pytest.fixture
def access_lines():
    """Lines of the access log as they come; each is written only after its answer went out."""
    lines = queue.SimpleQueue()
    handler, log = QueueHandler(lines), logging.getLogger("anbiao.access")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield lines
    log.removeHandler(handler)
    log.setLevel(level)


def test_access_log_names_route_and_status_only(town, operator, access_lines):
    secret = "0" * 31 + "7"

    httpx.get(f"{town.url}/v1/accounts/{secret}?name=canary", headers=bearer(operator))

    told = iter(lambda: access_lines.get(timeout=30).getMessage(), None)
    line = next(text for text in told if text.startswith("GET "))
    assert line.startswith("GET ")
    assert "/accounts/{account} 404" in line
    assert secret not in line


def test_version_is_the_one_of_the_project(http):
    project = (Path(api.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")

    shown = http.get("/v1/version").json()

    assert f'version = "{shown["version"]}"' in project
    assert shown["policy"].startswith("sha256:")


def test_committed_openapi_document_is_what_the_routes_say():
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.rendered()


def test_openapi_check_names_a_stale_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(openapi, "FILE", tmp_path / "openapi.json")

    assert openapi.main(["--check"]) == 1
    assert "python -m api.openapi" in capsys.readouterr().err
    assert openapi.main([]) == 0
    assert openapi.main(["--check"]) == 0


def bearer(person):
    return {"Authorization": f"Bearer {person.door.token}"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "layer",
    [
        Edge,
        lambda app: BodyLimit(app, lambda _: 1),
        lambda app: Authentication(app, lambda _: None, Buckets(1, 1)),
    ],
)
async def test_what_is_not_http_passes_by(layer):
    passed = []

    async def app(scope, _receive, _send):
        passed.append(scope["type"])

    await layer(app)({"type": "lifespan"}, None, None)

    assert passed == ["lifespan"]


def test_buckets_are_bounded(monkeypatch):
    monkeypatch.setattr("api.limits._MOST_KEPT", 3)
    buckets = Buckets(1, 1)

    for number in range(10):
        buckets.take(f"address:{number}")

    assert len(buckets._levels) == 3


def test_route_that_is_public_has_no_actor():
    request = Request({"type": "http", "headers": []})

    with pytest.raises(Unauthenticated):
        acting(request)
    assert address_of(request) == "unknown"


@pytest.mark.parametrize("length", ["-1", "x", "1e3"])
def test_length_that_is_no_number_is_refused(town, length):
    with socket.create_connection(("127.0.0.1", int(town.url.rsplit(":", 1)[1]))) as peer:
        peer.sendall(
            f"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        assert b" 400 " in peer.recv(100)


def test_health_waits_while_the_ledger_cannot_be_read(town, http, monkeypatch):
    def unreadable(_ledger):
        raise LedgerUnavailable

    monkeypatch.setattr(town.house.gate, "snapshot", unreadable)

    assert http.get("/v1/health").json() == {"status": "waiting"}
