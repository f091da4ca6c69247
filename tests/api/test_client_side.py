"""The client's half of the door: retries, codes, kept sessions, and `anbiao enrol` by hand."""

import json

import httpx
import pytest
from click.testing import CliRunner
from town import PASSWORD

from api.cli.main import anbiao, run
from api.client import session
from api.client.errors import ClientError
from api.client.http import ATTEMPTS, Door
from api.client.keys import open_keys
from crypto.signing import PersonKey


class Wire:
    """A server that answers what it is told to, and remembers what it was asked."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []
        http = httpx.Client(transport=httpx.MockTransport(self), base_url="http://x")
        self.door = Door(http, "token", self.pauses.append)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status, code, **more):
    return httpx.Response(status, json={"code": code, "status": status, **more})


def refused(call, *arguments) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(*arguments)
    return caught.value


PENDING = (503, "checkpoint-pending")
OK = httpx.Response(201, json={"ok": 1})


def test_creating_request_is_retried_under_one_key():
    wire = Wire(problem(*PENDING), httpx.ConnectError("x"), problem(*PENDING), OK)

    answer = wire.door.create("/accounts", {"a": 1})

    assert answer == {"ok": 1}
    assert len({r.headers["idempotency-key"] for r in wire.asked}) == 1
    assert wire.pauses == sorted(wire.pauses)
    assert len(wire.pauses) == 3


@pytest.mark.parametrize(
    "status", [(503, "ledger-halted"), (409, "conflict"), (429, "login-delayed")]
)
def test_what_waiting_does_not_help_is_not_retried(status):
    wire = Wire(problem(*status))

    assert refused(wire.door.create, "/accounts", {}).code == status[1]

    assert wire.pauses == []


@pytest.mark.parametrize(
    "send", [lambda d: d.post("/sessions", {}), lambda d: d.delete("/x", {"a": 1})]
)
def test_request_that_may_not_be_sent_twice_is_sent_once(send):
    wire = Wire(problem(*PENDING))

    assert refused(send, wire.door).code == "checkpoint-pending"

    assert len(wire.asked) == 1


def test_retries_end():
    wire = Wire(*[problem(*PENDING)] * ATTEMPTS)

    error = refused(wire.door.get, "/me")

    assert (error.code, error.status, error.exit_code) == ("checkpoint-pending", 503, 69)
    assert len(wire.asked) == ATTEMPTS


def test_put_begins_its_octets_anew_at_each_try():
    wire = Wire(problem(*PENDING), OK)

    wire.door.put("/x", lambda: iter([b"one", b"two"]))

    assert [r.content for r in wire.asked] == [b"onetwo"] * 2


def test_lists_are_read_to_their_end():
    wire = Wire(
        httpx.Response(200, json={"items": [{"n": 1}], "next": "a"}),
        httpx.Response(200, json={"items": [{"n": 2}], "next": None}),
    )

    assert [item["n"] for item in wire.door.items("/x")] == [1, 2]
    assert [r.url.query for r in wire.asked] == [b"", b"after=a"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="no json"),
        httpx.Response(200, json=[]),
        httpx.Response(418, text="x"),
        httpx.Response(500, json=["x"]),
        httpx.Response(302),
    ],
)
def test_answers_of_another_form_are_refused(answer):
    assert refused(Wire(answer).door.get, "/x").code == "answer-malformed"


def test_problem_comes_with_its_field_and_words():
    error = refused(
        Wire(problem(422, "name-refused", detail="too long", field="name")).door.get, "/x"
    )

    assert (error.message, error.field, error.status, error.exit_code) == (
        "too long",
        "name",
        422,
        65,
    )


def test_refused_field_is_named():
    answer = problem(422, "field-refused", detail="string pattern mismatch", field="dataset")

    assert refused(Wire(answer).door.get, "/x").message == "dataset: string pattern mismatch"


def test_token_does_not_show():
    door = Wire().door

    assert "token" not in repr(door).replace("token=", "")
    assert "token" not in repr(session.Authenticator("seed"))


def test_authenticator_gives_no_code_twice():
    now = [1000.0]

    def sleep(seconds):
        now[0] += seconds

    codes = session.Authenticator("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", lambda: now[0], sleep)
    given = [codes.code() for _ in range(4)]

    assert len(set(given)) == 4
    assert now[0] > 1000.0


def test_kept_session_opens_the_door_again(tmp_path):
    session.keep_session(tmp_path / "home", "http://x", Wire().door)

    door = session.kept_session(tmp_path / "home")
    door.http.close()

    assert (door.token, str(door.http.base_url)) == ("token", "http://x")
    assert (tmp_path / "home" / "session.json").stat().st_mode & 0o777 == 0o600
    session.forget_session(tmp_path / "home")
    assert refused(session.kept_session, tmp_path / "home").code == "session-missing"


@pytest.mark.parametrize("text", ["", "{}", "[]", "x"])
def test_broken_kept_session_is_none(tmp_path, text):
    path = tmp_path / "session.json"
    path.touch(0o600)
    path.write_text(text)

    assert refused(session.kept_session, tmp_path).code == "session-missing"


def enrol(*arguments, said="", **environment):
    """What a command of `anbiao enrol` prints, typed by hand."""
    done = CliRunner().invoke(anbiao, ["enrol", *arguments], input=said, env=environment)
    if done.exception:
        raise done.exception
    return done.output


def code_of(output, town):
    """The first code, as an authenticator shows it that scanned the URI."""
    secret = output.split("secret=")[1].split("&")[0]
    return session.Authenticator(secret, town.clock.seconds).code()


def came_in(town, monkeypatch, home, command, *arguments, mistyped=()):
    """Run `setup` or `accept`, answering the prompts as a person with an authenticator does."""
    monkeypatch.setattr("click.prompt", lambda text, **_: answers(text))
    shown, wrong = [], list(mistyped)

    def answers(text):
        if text == "password":
            return PASSWORD
        return wrong.pop() if wrong else code_of("".join(shown), town)

    monkeypatch.setattr("click.echo", lambda line, **_: shown.append(str(line)))
    code = run(["enrol", command, *arguments, "--url", town.url, "--home", str(home)])
    monkeypatch.undo()
    assert code == 0
    return "".join(shown)


def account_in(home):
    """The account that a kept session is of."""
    door = session.kept_session(home)
    try:
        return door.get("/me")["account"]
    finally:
        door.http.close()


@pytest.mark.parametrize(("typed", "told"), [("000000", "login-refused"), ("no code", "code")])
def test_mistyped_first_code_is_asked_for_again(town, monkeypatch, tmp_path, typed, told):
    setup_code = str(town.folder / "serve" / "setup-code")

    shown = came_in(
        town, monkeypatch, tmp_path, "setup", setup_code, "--name", "root", mistyped=[typed]
    )

    assert told in shown
    assert f"account {account_in(tmp_path)}" in shown


@pytest.fixture
def cut_off(town, tmp_path):
    """What `setup` shows of a person who was cut off before the first code."""
    code = (town.folder / "serve" / "setup-code").read_text().strip()
    made = session.set_up(town.door, code, "root", PASSWORD)
    phrase = tmp_path / "password"
    phrase.touch(0o600)
    phrase.write_text(PASSWORD + "\n")
    home = tmp_path / "home"
    return made, ("--url", town.url, "--password-file", str(phrase), "--home", str(home)), home


def test_enrolment_that_was_cut_off_is_confirmed_later(town, cut_off):
    made, more, home = cut_off

    enrol("confirm", made["account"], *more, said=code_of(made["otpauth"], town))

    assert account_in(home) == made["account"]


def test_code_is_not_asked_for_without_end(cut_off):
    made, more, home = cut_off

    with pytest.raises(ClientError) as caught:
        enrol("confirm", made["account"], *more, said="000000\n" * 5)

    assert caught.value.code in {"login-refused", "login-delayed"}
    assert not home.exists()


def test_hospital_is_founded_by_hand(town, monkeypatch, tmp_path):
    homes = {name: tmp_path / "homes" / name for name in ("root", "stella", "ben")}
    setup_code = town.folder / "serve" / "setup-code"
    came_in(town, monkeypatch, homes["root"], "setup", str(setup_code), "--name", "root")
    root = str(homes["root"])
    accounts = {}
    for name in ("stella", "ben"):
        account, invitation = (
            line.split()[1]
            for line in enrol("invite", name, "hospital", "--home", root).splitlines()
        )
        accounts[name] = account
        came_in(town, monkeypatch, homes[name], "accept", invitation)

    prints = {n: enrol("keys", "--home", str(homes[n])).strip() for n in ("stella", "ben")}
    made = enrol("hospital", "First", "--steward", accounts["stella"], "--home", root)
    ledger = made.split()[1]
    opened = enrol("open", ledger, "--home", str(homes["stella"]))
    stella = ("--home", str(homes["stella"]))
    times = ("--passed", "2026-01-01", "--expires", "2028-12-01")
    assert enrol("training", ledger, accounts["ben"], *times, *stella).startswith("training ")
    granted = enrol(
        "grant",
        ledger,
        accounts["ben"],
        "depositor",
        "--fingerprint",
        prints["ben"],
        "--organisation",
        "hospital",
        "--expires",
        "2030-01-01",
        "--home",
        str(homes["stella"]),
    )
    membership = granted.split()[-1]

    assert prints["ben"] == open_keys(homes["ben"]).fingerprint
    assert enrol("fingerprint", "--home", str(homes["ben"])).strip() == prints["ben"]
    assert "pin for the worker: " in opened
    assert json.loads(town.entries(ledger)[-1])["signed"]["terms"]["expires_at"].startswith("2030")
    enrol("revoke", ledger, membership, "--reason", "left", "--home", str(homes["stella"]))
    assert json.loads(town.entries(ledger)[-1])["action"] == "member.revoke"


def test_login_and_logout_by_hand(town, operator, tmp_path):
    home, phrase = str(tmp_path / "home"), tmp_path / "password"
    phrase.touch(0o600)
    phrase.write_text(PASSWORD + "\n")
    more = ("--url", town.url, "--password-file", str(phrase), "--home", home)

    enrol("login", "--name", "root", *more, "--purpose", "research", said=operator.codes.code())

    door = session.kept_session(tmp_path / "home")
    assert door.get("/me")["purpose"] == "research"
    key = tmp_path / "worker.pub"
    public = PersonKey.generate()
    key.write_text(session.base64.b64encode(public.public_bytes).decode())
    made = enrol("service", "worker", str(key), "--purpose", "research", "--home", home)
    assert made.startswith("account ")
    assert made.endswith(f"fingerprint {public.fingerprint}\n")
    key.write_text("no key")
    assert (
        run(["enrol", "service", "other", str(key), "--purpose", "research", "--home", home]) == 65
    )
    enrol("logout", "--home", home)
    assert refused(door.get, "/me").code == "unauthenticated"
    door.http.close()
    assert run(["enrol", "logout", "--home", home]) == 77


def test_exposed_or_broken_password_file_is_refused(town, tmp_path):
    phrase = tmp_path / "password"
    phrase.write_bytes(b"\xff\xfe")
    phrase.chmod(0o644)
    command = [
        "enrol",
        "login",
        "--name",
        "root",
        "--url",
        town.url,
        "--code",
        "1",
        "--password-file",
        str(phrase),
        "--home",
        str(tmp_path),
    ]

    exposed = run(command)
    phrase.chmod(0o600)
    broken = run(command)

    assert (exposed, broken) == (76, 65)


def test_unreachable_server_is_told_in_one_line(capsys, tmp_path):
    phrase = tmp_path / "password"
    phrase.touch(0o600)

    code = run(
        [
            "enrol",
            "login",
            "--name",
            "root",
            "--url",
            "http://127.0.0.1:1",
            "--code",
            "1",
            "--password-file",
            str(phrase),
            "--home",
            str(tmp_path),
        ]
    )

    assert code == 69
    assert capsys.readouterr().err == "error: unreachable: the server does not answer\n"
