"""A run that is interrupted, or whose disk is full, says whether it can go on; for real."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import dicom_maker as make
import pytest

from api.cli.main import run
from sandbox.clean.journal import NAME

REPOSITORY = Path(__file__).parents[2]
COUNT = 30
LONG = "On 14 August 2023 Mr. Nepomuk Zwirn came, phone 139 1234 5678.\n" * 20_000
LIMITED = """
import resource, sys
from api.cli.main import run
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(run(sys.argv[2:]))
"""


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / "src"
    folder.mkdir()
    for number in range(COUNT):
        uid = make.element(0x00080018, "UI", f"1.2.3.111.9.{number}")
        (folder / f"{number:02}.dcm").write_bytes(make.ct(uid))
    return folder


def arguments(many, tmp_path, *options):
    report = ["--report", str(tmp_path / "report.jsonl")]
    return ["clean", str(many), str(tmp_path / "out"), "--recipe", "basic", *report, *options]


def complete(many, tmp_path, *options):
    assert run(arguments(many, tmp_path, *options)) == 0
    lines = [json.loads(x) for x in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert [line["source"] for line in lines] == sorted(path.name for path in many.iterdir())
    outputs = {path.name for path in (tmp_path / "out").iterdir()}
    assert {line["output"] for line in lines} == outputs


@pytest.mark.parametrize(
    ("keyed", "locale", "said"),
    [
        (True, "C", "The same command again goes on from here."),
        (True, "zh_CN.UTF-8", "再次运行同一命令即可继续"),
        (False, "C", "so it can't go on"),
        (False, "zh_CN.UTF-8", "无法继续"),
    ],
)
def test_an_interrupt_is_answered(many, tmp_path, key, keyed, locale, said):
    (many / "zz.txt").write_text(LONG, encoding="utf-8")
    options = ["--key", str(key)] if keyed else []
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", *arguments(many, tmp_path, *options)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": "utf-8"},
    ) as begun:
        while not list((tmp_path / "out").glob("[0-9a-f]*")):
            assert begun.poll() is None
        begun.send_signal(signal.SIGINT)
        _, told = begun.communicate()

    assert begun.returncode == 130
    assert said in told.decode("utf-8")
    assert not list((tmp_path / "out").glob(".partial-*"))
    if keyed:
        (many / "zz.txt").unlink()
        complete(many, tmp_path, *options)


@pytest.mark.parametrize("limit", [0, 100, 700, 3000, 4000])
def test_a_disk_without_room_ends_the_run_and_it_goes_on_later(many, tmp_path, key, limit):
    """At 0 not even the record fits; from 3,000 on the first files do, and the record then not."""
    options = ["--key", str(key)]
    given = ["clean", str(many), str(tmp_path / "out"), "--recipe", "basic", *options]
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *given],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: target-full: ")
    outputs = [path for path in (tmp_path / "out").iterdir() if path.name != NAME]
    assert all(path.stat().st_size > 700 for path in outputs)
    complete(many, tmp_path, *options)
