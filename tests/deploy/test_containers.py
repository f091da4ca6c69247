"""Image and compose file, as far as they can be shown without an engine: linted, parsed, compared."""

import os
import re
import shlex
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import plain_yaml
import pytest

from api.cli.layout import layout
from api.cli.main import anbiao
from sandbox.layout import COMMON, OWN, RUN, Process
from sandbox.settings import Settings
from sandbox.storage.postgres_link import address_in, may_be_overheard

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = plain_yaml.read((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
HOUSE = [str(one) for one in Process]
FOLDER = "/var/lib/anbiao"
DEFAULTS = {parameter.name: parameter.default for parameter in layout.params}
KNOWN = {
    "image", "build", "user", "group_add", "read_only", "cap_drop", "security_opt", "tmpfs",
    "networks", "network_mode", "ports", "command", "environment", "secrets", "volumes",
    "depends_on", "healthcheck", "restart",
}  # fmt: skip


def instructions():
    """Keyword and text of each instruction, continued lines joined."""
    joined = re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def said(keyword):
    return [text for word, text in instructions() if word == keyword]


def mounts(name):
    """Target -> source of the volumes of a service."""
    parts = [entry.split(":") for entry in SERVICES[name].get("volumes", [])]
    return {part[1]: part[0] for part in parts}


def test_linter_has_nothing_to_say():
    done = subprocess.run([str(Path(sys.executable).parent / "hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("line", ["RUN apt-get install curl", "FROM python", "USER root\nRUN sudo ls"])  # fmt: skip
def test_linter_would_have_something_to_say(tmp_path, line):
    (tmp_path / "Dockerfile").write_text(f"{DOCKERFILE}\n{line}\n")

    done = subprocess.run([str(Path(sys.executable).parent / "hadolint"), str(tmp_path / "Dockerfile")], capture_output=True, check=False)  # fmt: skip

    assert done.returncode != 0


def test_image_is_built_in_two_stages_on_an_exact_base():
    assert said("FROM") == ["${BASE} AS build", "${BASE}"]
    base = said("ARG")[0].removeprefix("BASE=")
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)


def test_image_installs_the_lock_with_hashes_and_nothing_else():
    installs = [part for run in said("RUN") for part in run.split("&&") if "pip " in part]

    assert installs
    for install in installs:
        assert "--no-deps" in install
        assert "--require-hashes" in install or "--no-index" in install
    assert not re.search(r"curl|wget|apt|git |http:|https:", " ".join(said("RUN")))
    assert said("ADD") == []


def test_image_runs_as_a_number_that_is_not_root_and_is_asked_for_its_health():
    assert said("USER") == ["10001:10001"]
    assert len(said("HEALTHCHECK")) == 1
    assert "crypto.__file__" not in DOCKERFILE or "assert" in DOCKERFILE
    assert "assert a == c and c.startswith('/opt/anbiao/')" in DOCKERFILE


def test_assertion_of_the_image_holds_for_ours_and_fails_for_another(tmp_path):
    code = next(run for run in said("RUN") if "assert" in run)
    program = plain_yaml.read(f"run: {code}")["run"][2].replace("/opt/anbiao/", str(ROOT))
    (tmp_path / "crypto").mkdir()
    (tmp_path / "crypto" / "__init__.py").touch()

    ours = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    other = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False)  # fmt: skip

    assert ours.returncode == 0
    assert b"AssertionError" in other.stderr


def test_what_is_copied_is_there_and_let_through():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    let = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = [shlex.split(text)[:-1] for text in said("COPY") if not text.startswith("--from")]
    names = {name for group in copied for name in group}

    assert "*" in ignore
    assert names == let
    assert all((ROOT / name).exists() for name in names)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    assert {name.rstrip("*") for name in packages["find"]["include"]} <= names


def test_users_of_image_layout_and_compose_are_the_same():
    made = re.findall(r"(serve|worker|notary|owner):(\d+)", " ".join(said("RUN")))
    numbers = {name: int(number) for name, number in made}

    assert {name: numbers[name] for name in HOUSE} == {name: DEFAULTS[f"{name}_user"] for name in HOUSE}  # fmt: skip
    assert f"--gid {DEFAULTS['group']} " in " ".join(said("RUN"))
    for name in HOUSE:
        assert SERVICES[name]["user"] == f"{numbers[name]}:{numbers[name]}"
    assert SERVICES["migrate"]["user"] == f"{numbers['owner']}:{numbers['owner']}"
    groups = {name: SERVICES[name].get("group_add", []) for name in HOUSE}
    assert groups == {"serve": ["10010"], "worker": ["10010"], "notary": []}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_fenced_in(name):
    service = SERVICES[name]

    assert set(service) <= KNOWN
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert "healthcheck" in service
    assert re.search(r":\d+\.\d+", service["image"])


def test_only_the_server_is_reached_and_only_it_has_a_way_out():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["serve"]
    assert COMPOSE["networks"]["store"] == {"internal": True}
    nets = {name: SERVICES[name].get("networks") for name in SERVICES}
    assert nets == {"database": ["store"], "migrate": ["store"], "notary": None, "worker": ["store"], "serve": ["store", "front"]}  # fmt: skip
    assert SERVICES["notary"]["network_mode"] == "none"


def test_each_process_sees_its_own_folder_and_what_is_shared():
    shared = {f"{FOLDER}/{name}" for name in (*COMMON, RUN) if name != "db"}
    for process, own in OWN.items():
        seen = set(mounts(process)) - {f"{FOLDER}/settings.toml", "/var/run/postgresql"}
        common = {f"{FOLDER}/{RUN}"} if process == Process.NOTARY else shared
        assert seen == {f"{FOLDER}/{own}", *common}
        assert mounts(process)[f"{FOLDER}/{own}"] == own
    assert set(COMPOSE["volumes"]) == {"ledgers", "socket", *OWN.values(), *COMMON, RUN} - {"db"}


def test_each_secret_is_one_users():
    holders = {}
    for name, service in SERVICES.items():
        for secret in service.get("secrets", []):
            holders.setdefault(secret, set()).add(name)

    assert set(holders) == set(COMPOSE["secrets"])
    assert all(len(users) == 1 for users in holders.values())
    assert holders["database_owner"] == {"migrate"}
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    assert not re.search(r"(?i)password: |_PASSWORD: |postgresql://", text)


def test_names_that_are_referred_to_are_defined():
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        for source in mounts(name).values():
            assert source in COMPOSE["volumes"] or (ROOT / "deploy" / source).exists()


def command_lines():
    for name, service in SERVICES.items():
        if name != "database":
            yield service["command"]
            check = service["healthcheck"].get("test")
            if check:
                assert check[:2] == ["CMD", "anbiao"]
                yield check[2:]


@pytest.mark.parametrize("words", [*command_lines()], ids=" ".join)
def test_command_is_one_that_the_program_takes(words):
    command: click.Command = anbiao
    context = click.Context(anbiao, info_name="anbiao")
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None
        command, words = found, words[1:]

    command.make_context("x", list(words), parent=context)


def test_settings_and_environment_are_ones_that_the_house_knows():
    given = tomllib.loads((ROOT / "deploy" / "settings.toml").read_text())

    assert given["mode"] == "production"
    assert set(given) <= set(Settings.model_fields)
    for service in SERVICES.values():
        for name, value in (service.get("environment") or {}).items():
            if name.startswith("ANBIAO_"):
                assert name.removeprefix("ANBIAO_").lower() in Settings.model_fields
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    for name in ("tls_certificate", "tls_key"):
        assert given[name].removeprefix("/run/secrets/") in SERVICES["serve"]["secrets"]


def make_secrets(folder):
    return subprocess.run(["sh", str(ROOT / "deploy" / "make_secrets.sh"), str(folder)], capture_output=True, text=True, check=False)  # fmt: skip


def test_secrets_are_made_each_for_its_user(tmp_path):
    done = make_secrets(tmp_path / "secrets")

    if os.geteuid() != 0:
        assert done.returncode == 77
        return
    assert done.returncode == 0
    made = {path.name: path.stat() for path in (tmp_path / "secrets").iterdir()}
    users = {name: state.st_uid for name, state in made.items()}
    assert users == {
        "database_owner_password": 999,
        "database_application_password": 999,
        "database_owner": 10004,
        "database_serve": 10001,
        "database_worker": 10002,
    }
    assert {stat.S_IMODE(state.st_mode) for state in made.values()} == {0o400}
    files = {Path(one["file"]).name for one in COMPOSE["secrets"].values()}
    assert files - set(made) == {"tls_certificate.pem", "tls_key.pem"}
    owner = (tmp_path / "secrets" / "database_owner_password").read_text()
    assert f":{owner}@" in (tmp_path / "secrets" / "database_owner").read_text()
    for name in ("database_owner", "database_serve", "database_worker"):
        assert not may_be_overheard(address_in((tmp_path / "secrets" / name).read_text()))
    again = make_secrets(tmp_path / "secrets")
    assert again.returncode == 65
    assert (tmp_path / "secrets" / "database_owner_password").read_text() == owner


@pytest.mark.parametrize(
    "text",
    ["a: &x 1", "a: *x", "a: |\n  text", "a: !!str 1", "a: yes", "a: 1.5", "a: {b: 1}", "a: 1\na: 2", "a:\n   b: 1\n  c: 2", "a: 'x'", "---\na: 1\n", "a: [1, 2", "a: x # y", "\ta: 1", "a: ~", "a: [b,c]", "<<: x"],
)  # fmt: skip
def test_reader_refuses_what_is_not_plain(text):
    with pytest.raises(plain_yaml.NotPlain):
        plain_yaml.read(text)


def test_reader_reads_what_is_plain():
    text = '# x\na:\n  b: [c, "d e"]\n  f: "1"\n  g: 1\n  h: true\ni:\n  - "j:k"\n  - l\nm:\n'

    assert plain_yaml.read(text) == {"a": {"b": ["c", "d e"], "f": "1", "g": 1, "h": True}, "i": ["j:k", "l"], "m": None}  # fmt: skip
