"""A hospital's house, and a folder to be cleaned, for the tests of this folder."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))
sys.path.insert(0, str(Path(__file__).parents[1] / "deid"))

import dicom_maker as make
from enclave_house import EnclaveHouse

from api.cli.main import run

KEY = "5a" * 32


@pytest.fixture
def house(tmp_path) -> Iterator[EnclaveHouse]:
    made = EnclaveHouse(tmp_path)
    yield made
    made.close()


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "src"
    (folder / "Quackenbush Ottilie").mkdir(parents=True)
    (folder / "Quackenbush Ottilie" / "image.dcm").write_bytes(make.ct())
    (folder / "empty").write_bytes(b"")
    (folder / "fake.dcm").write_bytes(b"this is no image")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(9))
    (folder / "tool.exe").write_bytes(b"MZ\x90\0" + bytes(90))
    (folder / "list.csv").write_bytes(b"id,name\n1,Ottilie\n")
    (folder / "cut.dcm").write_bytes(make.ct()[:-100])
    return folder


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def clean(tmp_path, source, key):
    """Run the command; its exit code and report."""

    def cleaned(*arguments, target="out", recipe="basic", keyed=True):
        report = tmp_path / "report.jsonl"
        options = ["--key", str(key)] if keyed else []
        destination = str(tmp_path / target)
        paths = [str(source), destination, "--recipe", recipe, "--report", str(report)]
        code = run(["clean", *paths, *options, *map(str, arguments)])
        lines = report.read_text().splitlines() if report.exists() else []
        return code, {entry["source"]: entry for entry in map(json.loads, lines)}

    return cleaned
