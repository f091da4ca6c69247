"""`anbiao demo --database URL`: the whole chain on PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from canaries import Search
from postgres_server import PASSWORD
from small_input import planted

from crypto import secretfile

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "api.cli.main", "demo"]


def played(folder, *words):
    done = subprocess.run(
        [*DEMO, "--dir", str(folder), *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=600,
        env={**os.environ, "COLUMNS": "200"},
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def place(postgres):
    return postgres.empty()


def test_the_demo_ends_well_and_the_database_holds_no_word_of_the_patients(
    postgres, place, tmp_path
):
    register = planted(tmp_path / "input")
    owner = tmp_path / "owner"
    secretfile.write(owner, place.owner.render_as_string(hide_password=False).encode())

    code, said, warned = played(
        tmp_path / "house", "--database-file", owner, "--input", tmp_path / "input",
        "--register", register,
    )  # fmt: skip

    assert code == 0, said + warned
    assert warned == ""
    assert "items deposited     │ 11" in said
    assert not (tmp_path / "house" / "db").exists()
    held = dumped(postgres, place)
    assert held.count(b"COPY anbiao_demo_") > 20
    search = Search()
    search.octets("database", held)
    assert search.found == []
    left = b"".join(p.read_bytes() for p in (tmp_path / "house").rglob("*") if p.is_file())
    assert PASSWORD.encode() not in left


def dumped(postgres, place) -> bytes:
    done = subprocess.run(
        [postgres.programs / "pg_dump", "-h", postgres.folder, "-U", "postgres", place.name],
        check=True,
        capture_output=True,
    )
    return done.stdout


def test_a_database_that_cannot_be_made_ready_is_said(tmp_path):
    code, _, warned = played(
        tmp_path / "house", "--database", f"postgresql://u:s3cret@/d?host={tmp_path}"
    )

    assert code != 0
    assert warned.startswith("error: database-refused: ")
    assert "database-unreachable" in warned
    assert "s3cret" not in warned
