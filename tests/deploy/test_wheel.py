"""The wheel: the same bytes from the same source, and whole when it is all that there is."""

import json
import os
import site
import stat
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import outbound
import pytest

from sandbox.errors import VerificationFailed

ROOT = Path(__file__).parents[2]
BUILDER = ROOT / "deploy" / "build_wheel.py"


def built(target, epoch="1750000000", umask=0o022):
    command = [sys.executable, str(BUILDER), "--to", str(target)]
    before = os.umask(umask)
    try:
        subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": epoch}, check=True, capture_output=True, cwd=target.parent)  # fmt: skip
    finally:
        os.umask(before)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("wheel") / "first")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment with the wheel; its dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("environment") / "fresh"
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    subprocess.run([*pip, "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)], check=True)  # fmt: skip
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return folder


def run(installed, *words, **more):
    """A program of the fresh environment, with nothing of this tree on its path."""
    return subprocess.run(
        [str(installed / "bin" / words[0]), *map(str, words[1:])],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": outbound.HERE, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.requirement("R93")
def test_two_builds_are_the_same_bytes(wheel, tmp_path):
    again = built(tmp_path / "again", umask=0o077)

    assert again.read_bytes() == wheel.read_bytes()


def test_another_date_makes_another_wheel(wheel, tmp_path):
    assert built(tmp_path / "later", epoch="1760000000").read_bytes() != wheel.read_bytes()


def test_wheel_holds_the_packages_and_all_of_their_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {name for name in names if ".dist-info/" not in name}
    data = ("policies/model.conf", "policies/templates.csv", "policies/packs/health.toml", "policies/dicom/ps3_15_basic.csv", "sandbox/deid/words/surnames.txt", "sandbox/storage/migrations/versions/r0001_baseline.py", "crypto/verifier.py")  # fmt: skip

    assert set(data) <= ours
    for package in ("api", "crypto", "policies", "sandbox"):
        here = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
        assert here == {name for name in ours if name.startswith(f"{package}/")}
    assert {name.split("/")[0] for name in ours} == {"api", "crypto", "policies", "sandbox"}


def test_wheel_must_not_be_uploaded_anywhere(wheel):
    archive = zipfile.ZipFile(wheel)
    about = next(name for name in archive.namelist() if name.endswith("METADATA"))

    assert "Classifier: Private :: Do Not Upload" in archive.read(about).decode()
    assert "Private :: Do Not Upload" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]  # fmt: skip


def test_installed_program_is_the_wheels_own(installed):
    code = "import api, crypto, policies, sandbox; print(*[m.__file__ for m in (api, crypto, policies, sandbox)])"

    done = run(installed, "python", "-c", code)

    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(installed)) for path in done.stdout.split())


def test_installed_program_shows_its_help(installed):
    done = run(installed, "anbiao", "--help")

    assert done.returncode == 0, done.stderr
    assert "  clean " in done.stdout


def test_installed_program_examines_a_house(installed, tmp_path):
    tmp_path.chmod(0o700)

    done = run(installed, "anbiao", "doctor", "--dir", tmp_path, "--format", "json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["check"] == "mode"


def test_installed_program_cleans_a_folder(installed, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(
        "姓名：王小明\n电话：13800138000\n检查所见：未见异常。\n"
    )

    done = run(installed, "anbiao", "clean", tmp_path / "in", tmp_path / "out", "--recipe", "text", "--report", tmp_path / "r.jsonl")  # fmt: skip

    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "r.jsonl").read_text().splitlines()[0])
    cleaned = (tmp_path / "out" / row["output"]).read_text()
    assert row["state"] == "cleaned"
    assert "王小明" not in cleaned
    assert "13800138000" not in cleaned
    assert "未见异常" in cleaned


def test_installed_program_has_no_requirements_to_show_and_says_so(installed):
    done = run(installed, "anbiao", "requirements")

    assert done.returncode == 64
    assert "no source tree" in done.stderr


def test_installed_house_starts(installed, tmp_path):
    code = "import sys, pathlib; from sandbox import wiring; from sandbox.settings import load; f = pathlib.Path(sys.argv[1]); wiring.harden(f); s = load(f, {}); n = wiring.notary(s); n.start(); h = wiring.serving(s); h.begin(); h.close(); n.close()"

    done = run(installed, "python", "-c", code, tmp_path / "house")

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "house" / "serve" / "setup-code").stat().st_mode) == 0o600


def test_another_package_in_the_place_of_crypto_is_refused(installed, tmp_path):
    code = "import sys, pathlib, types; from sandbox import wiring; wiring.crypto = types.SimpleNamespace(__file__='/elsewhere/crypto/__init__.py'); wiring.harden(pathlib.Path(sys.argv[1]))"

    done = run(installed, "python", "-c", code, tmp_path)

    assert done.returncode != 0
    assert f"{VerificationFailed.__name__}: crypto-foreign" in done.stderr
