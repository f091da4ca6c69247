"""`anbiao database`, as its owner types it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from postgres_server import PASSWORD

from api.cli import doctor
from crypto import secretfile
from sandbox.errors import StateError, Unavailable, VerificationFailed
from sandbox.settings import load
from sandbox.storage.migrations import run
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_link import address_in_file

ROOT = Path(__file__).parents[2]


def typed(*words, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "api.cli.main", "database", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def shown(url):
    return url.render_as_string(hide_password=False)


@pytest.fixture
def place(postgres):
    return postgres.empty()


@pytest.fixture
def owner(place, tmp_path):
    file = tmp_path / "owner"
    secretfile.write(file, shown(place.owner).encode())
    return file


def test_owner_migrates_once_and_the_application_opens_it(place, owner):
    first = typed("migrate", "--database-file", owner, "--role", "anbiao_app")
    second = typed("migrate", "--database-file", owner, "--role", "anbiao_app")

    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == f"Migrated from nothing to revision {run.head()}.\n"
    assert second.stdout == f"The tables are of revision {run.head()}, as they were.\n"
    PostgresLedgers(place.application).close()


def test_password_may_come_from_a_password_file(place, tmp_path):
    file = tmp_path / "pgpass"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    secretfile.write(file, f"*:*:*:*:{escaped}\n".encode())
    without = shown(place.owner.set(password=None))

    done = typed("migrate", "--database", without, PGPASSFILE=str(file))

    assert done.returncode == 0, done.stderr


def test_prepared_house_is_ready_and_its_address_private(owner, tmp_path):
    to = tmp_path / "made" / "database"

    done = typed("prepare", "--database-file", owner, "--name", "house_of_a_test", "--to", to)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    address = address_in_file(to)
    assert address.username == "house_of_a_test"
    assert address.password not in done.stdout
    PostgresLedgers(address).close()
    again = typed("prepare", "--database-file", owner, "--name", "house_of_a_test", "--to", to)
    assert again.returncode == 64
    beside = to.with_name("another")
    again = typed("prepare", "--database-file", owner, "--name", "house_of_a_test", "--to", beside)
    assert again.returncode == StateError.exit_code
    assert again.stderr.startswith("error: role-exists: ")
    assert not beside.exists()


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("migrate",), None, 64),
        (("migrate", "--database", "postgresql://o@h/d", "--database-file", "x"), None, 64),
        (("migrate", "--database", "sqlite:///x"), "database-url-malformed", 65),
        (("migrate", "--database-file", "nowhere"), "file-missing", VerificationFailed.exit_code),
        (("migrate", "--database", "postgresql://o@/d?host=/nowhere"), "database-unreachable", 69),
    ],
)
def test_what_cannot_be_done_is_said(words, code, exit_code):
    done = typed(*words)

    assert done.returncode == exit_code
    assert code is None or done.stderr.startswith(f"error: {code}: ")


def test_an_address_that_others_can_read_is_refused(owner):
    owner.chmod(0o644)

    done = typed("migrate", "--database-file", owner)

    assert done.stderr.startswith("error: file-exposed: ")


def test_a_role_that_may_not_make_tables_changes_nothing(place, tmp_path):
    file = tmp_path / "application"
    secretfile.write(file, shown(place.application).encode())

    done = typed("migrate", "--database-file", file)

    assert done.returncode == Unavailable.exit_code
    assert done.stderr.startswith("error: migration-failed: ")


@pytest.mark.parametrize("role", ["nobody_here", "x; DROP TABLE entries"])
def test_a_role_that_is_not_there_gets_no_rights(owner, role):
    done = typed("migrate", "--database-file", owner, "--role", role)

    assert done.returncode in {Unavailable.exit_code, 65}


def test_doctor_says_whether_the_database_will_do(postgres, tmp_path):
    for name, url in (("fit", postgres.house().application), ("owner", postgres.house().owner)):
        secretfile.write(tmp_path / name, shown(url).encode())

    fit, unfit, missing = (
        {
            line.check: line.verdict
            for line in doctor.examine(load(tmp_path, {}, {"database_file": f}))
        }
        for f in (tmp_path / "fit", tmp_path / "owner", tmp_path / "nowhere")
    )

    assert fit["database"] == "ok"
    assert unfit["database-role-unfit"] == "fail"
    assert missing["file-missing"] == "fail"
