"""Several servers over one house on PostgreSQL: what one of them knows, all of them know."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from town import PASSWORD, SETTINGS, Town

from api.client import session
from api.client.errors import ClientError
from api.client.http import connect
from crypto import secretfile
from sandbox import wiring
from sandbox.errors import TooManyRequests, Unacceptable, Unauthenticated, Unavailable
from sandbox.people.checks import Credentials
from sandbox.settings import load
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_link import address_in_file

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "api.cli.main"]


@pytest.fixture
def address(postgres, tmp_path):
    """The file in which the house finds its database."""
    file = tmp_path / "database"
    at = postgres.emptied().application
    secretfile.write(file, at.render_as_string(hide_password=False).encode())
    return file


@pytest.fixture
def town(tmp_path, address):
    made = Town(tmp_path, database_file=address)
    yield made
    made.close()


@pytest.fixture
def other(town):
    """What a second process over the same folder stands on."""
    made = wiring.serving(town.settings, town.clock)
    made.begin()
    yield made
    made.close()


@pytest.fixture
def operator(town):
    return town.found()


def credentials(person, code, password=PASSWORD):
    return Credentials(name=person.name, password=password, code=code, address="203.0.113.7")


def test_a_session_counts_at_every_server(town, other, operator):
    for _ in range(3):
        town.clock.pass_by(seconds=1_000)
        operator.door.get("/me")

    town.clock.pass_by(seconds=1_000)

    assert other.people.entrance.authenticate(operator.door.token).account == operator.account
    town.clock.pass_by(seconds=1_000)  # and what the other one saw counts here
    operator.door.get("/me")


def test_an_idle_session_ends_at_every_server(town, other, operator):
    other.people.entrance.authenticate(operator.door.token)
    town.clock.pass_by(seconds=1_800)

    with pytest.raises(Unauthenticated):
        other.people.entrance.authenticate(operator.door.token)
    with pytest.raises(ClientError):
        operator.door.get("/me")


@pytest.mark.requirement("R04")
def test_who_left_is_out_at_every_server_within_one_request(other, operator):
    other.people.entrance.authenticate(operator.door.token)

    operator.door.delete("/sessions/current")

    with pytest.raises(Unauthenticated):
        other.people.entrance.authenticate(operator.door.token)


def test_failed_logins_are_counted_together(town, other, operator):
    for house in (town.house, other, town.house):
        with pytest.raises(Unauthenticated):
            house.people.entrance.log_in(credentials(operator, "000000", "wrong"), "")

    with pytest.raises(TooManyRequests):
        other.people.entrance.log_in(credentials(operator, operator.codes.code()), "")
    with pytest.raises(TooManyRequests):  # nor under another name, from the same address
        other.people.entrance.log_in(
            Credentials(name="nobody", password="x", code="1", address="203.0.113.7"), ""
        )
    town.clock.pass_by(seconds=61)
    assert other.people.entrance.log_in(credentials(operator, operator.codes.code()), "").token


def test_a_code_counts_once_among_all_servers(town, other, operator):
    town.clock.pass_by(seconds=30)
    code = operator.codes.code()
    town.house.people.entrance.log_in(credentials(operator, code), "")

    with pytest.raises(Unauthenticated):
        other.people.entrance.log_in(credentials(operator, code), "")


def test_one_root_and_one_setup_code_serve_all(town, other):
    assert other.custody.public_bytes == town.house.custody.public_bytes
    session.set_up(town.door, town.setup_code(), "root", PASSWORD)
    assert not (town.folder / "serve" / "setup-code").exists()


@pytest.mark.requirement("R17")
def test_a_deposit_that_one_server_hears_of_is_left_alone_at_all(town, other):
    town.house.pulse.beat("d" * 32)

    assert other.pulse.heard_at("d" * 32) == town.house.pulse.heard_at("d" * 32)
    town.clock.pass_by(seconds=town.settings.deposit_idle_s)
    other.pulse.beat("d" * 32)
    assert town.house.clock() - town.house.pulse.heard_at("d" * 32) < other.pulse.idle / 3


# settings


@pytest.mark.parametrize(
    "given",
    [
        {"database": "postgresql://u:s3cret@h/d"},
        {"database": "postgresql://u@h/d?password=s3cret"},
        {"database": "postgresql://u@h/d", "database_file": "s3cret"},
        {"database": "postgresql://[s3cret/d"},
    ],
)
def test_a_password_by_value_refuses_the_start_and_is_not_repeated(tmp_path, given):
    with pytest.raises(Unacceptable) as refused:
        load(tmp_path, {}, given)

    assert refused.value.code == "setting-refused"
    assert "s3cret" not in f"{refused.value!r} {refused.value}"


def test_a_database_that_is_not_there_ends_the_start_with_a_code(tmp_path):
    folder = tmp_path / "data"
    done = subprocess.run(
        [*PROGRAM, "serve", "--dir", folder, "--database", f"postgresql://u@/d?host={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == Unavailable.exit_code
    assert done.stderr.splitlines()[-1].startswith("error: database-unreachable: ")
    assert "Traceback" not in done.stderr


# processes


def started(name, folder, *more):
    return subprocess.Popen(
        [*PROGRAM, name, "--dir", str(folder), "--quiet", *map(str, more)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def address_of(folder, number, process):
    note = folder / "run" / ("serve.json" if number == 1 else f"serve-{number}.json")
    deadline = time.monotonic() + 120
    while not note.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        os.sched_yield()
    return httpx.Response(200, content=note.read_bytes()).json()["url"]


@pytest.fixture
def servers(tmp_path, address):
    """A notary and four servers over one folder."""
    more = [f"{name} = {value}\n" for name, value in SETTINGS.items()]
    (tmp_path / "settings.toml").write_text(f"database_file = '{address}'\n" + "".join(more))
    processes = [started("notary", tmp_path)]
    urls = []
    for number in range(1, 5):
        processes.append(started("serve", tmp_path, "--port", 0))
        urls.append(address_of(tmp_path, number, processes[-1]))
    yield urls
    for process in processes:
        process.terminate()
    for process in processes:
        process.communicate(timeout=60)


@pytest.mark.requirement("R64")
def test_four_servers_on_one_ledger_make_one_chain(tmp_path, servers):
    first, *_ = doors = [connect(url) for url in servers]
    code = (tmp_path / "serve" / "setup-code").read_text().strip()
    made = session.set_up(first, code, "root", PASSWORD)
    codes = session.Authenticator(made["totp_secret"], time.time)
    token = session.confirm(first, made["account"], PASSWORD, codes.code()).token

    def invite(number):
        door = doors[number % 4].with_token(token)
        body = {"name": f"person {number}", "organisation": "hospital"}
        return door.create("/accounts", body)["account"]

    with ThreadPoolExecutor(8) as pool:
        accounts = list(pool.map(invite, range(40)))
    for door in doors:
        door.http.close()

    assert len(set(accounts)) == 40
    keys = tmp_path / "log" / "platform" / "keys"
    verdict = subprocess.run(
        [sys.executable, ROOT / "crypto" / "verifier.py", keys.parent, "--key", keys],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict.returncode == 0, verdict.stdout
    ledgers = PostgresLedgers(address_in_file(tmp_path / "database"))
    told = b"\n".join(ledgers.open("platform").entries(0, 1_000))
    ledgers.close()
    assert [account for account in accounts if told.count(account.encode()) != 1] == []
