"""What is too large is refused with a code, by the kind that it is; memory stays within bounds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dicom_maker as make
import pytest

from sandbox.clean import item as item_room
from sandbox.clean import station as station_room
from sandbox.clean.batch import Batch
from sandbox.clean.crew import memory_share
from sandbox.clean.item import HEAD, MAX_BYTES, MAX_TEXT_BYTES, clean_item
from sandbox.clean.recipes import recipe_named
from sandbox.clean.station import Station
from sandbox.deid.forms import FileKind, Register
from sandbox.deid.pseudonyms import Pseudonyms

REPOSITORY = Path(__file__).parents[2]
MIB = 1 << 20
MEASURED = """
import json, re, resource, sys
from api.cli.main import run
code = run(sys.argv[1:])
own = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"code": code, "parent": own >> 10, "child": child >> 10}))
"""


def measured(source: Path, target: Path, *options: str) -> dict:
    """Exit code and the most memory of the parent and of a child, in MiB."""
    arguments = ["clean", str(source), str(target), "--recipe", "basic", *options]
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout)


def sparse(path: Path, head: bytes, size: int) -> Path:
    path.write_bytes(head)
    os.truncate(path, size)
    return path


def long_ct(path: Path, mib: int, syntax: str = make.EXPLICIT) -> None:
    """A CT of `mib` MiB of pixels in frames of half a MiB, native or as one fragment each."""
    frame = 1 << 19
    data = make.ct(
        make.element(0x00280008, "IS", str(2 * mib)),
        make.element(0x00280010, "US", 512),
        make.element(0x00280011, "US", 512),
        without=(0x7FE00010,),
        syntax=syntax,
    )
    tag = bytes.fromhex("e07f1000")
    with path.open("wb") as file:
        if syntax == make.EXPLICIT:
            file.write(data + tag + b"OW\0\0" + (2 * mib * frame).to_bytes(4, "little"))
            file.writelines(bytes(frame) for _ in range(2 * mib))
            return
        start, item = bytes.fromhex("feff00e0"), bytes.fromhex("feff00e0")
        file.write(data + tag + b"OB\0\0\xff\xff\xff\xff" + start + bytes(4))
        for _ in range(2 * mib):
            file.write(item + frame.to_bytes(4, "little") + b"\xff\xd8" + bytes(frame - 4))
            file.write(b"\xff\xd9")
        file.write(bytes.fromhex("feffdde000000000"))


def verdict_on(tmp_path: Path, name: str, recipe: str = "basic"):
    batch = Batch(tmp_path, tmp_path / "out", recipe, bytes(32), Register())
    return Station(batch, rehearsal=True).clean(name)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("head", "size", "reason", "kind"),
    [
        (b"Normal chest.\n" * 9000, 1 << 30, "too-large", "text"),
        (b"Normal chest.\n" * 9000, MAX_TEXT_BYTES + 1, "too-large", "text"),
        (make.ct(), MAX_BYTES + 1, "too-large", "dicom"),
        (b"\x89PNG\r\n\x1a\n", 1 << 30, "kind-unsupported", "image"),
        (b"\x89PNG\r\n\x1a\n", MAX_BYTES + 1, "kind-unsupported", "image"),
        (b"MZ\x90\0", 1 << 30, "executable", "unknown"),
        (bytes(200), 1 << 30, "kind-unsupported", "unknown"),
        (b"\x1f\x8b" + bytes(200), 1 << 40, "kind-unsupported", "unknown"),
    ],
)
def test_a_file_over_its_limit_is_refused_by_its_first_bytes(tmp_path, head, size, reason, kind):
    sparse(tmp_path / "large", head, size)

    told = verdict_on(tmp_path, "large")

    assert (told.reason, told.kind, told.result) == (reason, kind, "quarantined")


def test_a_text_at_the_limit_is_looked_into(tmp_path, monkeypatch):
    monkeypatch.setattr(item_room, "MAX_TEXT_BYTES", 5000)
    monkeypatch.setattr(station_room, "MAX_TEXT_BYTES", 5000)
    (tmp_path / "at.txt").write_bytes(b"x" * 4999 + b"\n")
    (tmp_path / "over.txt").write_bytes(b"x" * 5000 + b"\n")

    assert verdict_on(tmp_path, "at.txt").reason is None
    assert verdict_on(tmp_path, "over.txt").reason == "too-large"


def test_an_image_is_not_held_to_the_limit_of_texts(tmp_path):
    long_ct(tmp_path / "long.dcm", 9)

    assert verdict_on(tmp_path, "long.dcm").result == "cleaned"


def test_the_worker_is_held_to_the_same_limits():
    recipe, pseudonyms = recipe_named("basic"), Pseudonyms(bytes(32))
    text = b"Normal chest.\n" * (MAX_TEXT_BYTES // 14 + 1)

    verdict = clean_item(text, "note.txt", recipe, pseudonyms, Register())

    assert (verdict.reason, verdict.kind) == ("too-large", FileKind.TEXT)
    assert len(text) > MAX_TEXT_BYTES > HEAD


@pytest.mark.parametrize("syntax", [make.EXPLICIT, "1.2.840.10008.1.2.4.70"])
def test_pixels_are_in_memory_once(tmp_path, syntax):
    (tmp_path / "src").mkdir()
    long_ct(tmp_path / "src" / "long.dcm", 192, syntax)

    used = measured(tmp_path / "src", tmp_path / "out", "--workers", "1")

    assert used["code"] == 0
    assert used["child"] < 192 + 96
    assert used["parent"] < 96
    (output,) = (tmp_path / "out").iterdir()
    assert output.stat().st_size > 192 * MIB


def test_what_needs_more_memory_than_there_is_is_refused_not_killed(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    long_ct(tmp_path / "src" / "long.dcm", 400)
    (tmp_path / "src" / "note.txt").write_text("Normal chest.\n", encoding="utf-8")
    script = f"from sandbox.clean import crew; crew._LEAST_MEMORY = {128 * MIB}; crew._USABLE = 0\n"
    monkeypatch.setattr(sys.modules[__name__], "MEASURED", script + MEASURED)
    report = tmp_path / "report.jsonl"

    used = measured(tmp_path / "src", tmp_path / "out", "--report", str(report))

    told = {line["source"]: line for line in map(json.loads, report.read_text().splitlines())}
    assert used["code"] == 3
    assert told["long.dcm"]["reason"] == "too-large"
    assert told["note.txt"]["state"] == "cleaned"


def test_memory_doesnt_grow_with_the_number_of_files(tmp_path):
    few, many = tmp_path / "few", tmp_path / "many"
    for folder, count in ((few, 60), (many, 1500)):
        folder.mkdir()
        for number in range(count):
            data = make.ct(make.element(0x00080018, "UI", f"1.2.3.{number}"))
            (folder / f"{number}.dcm").write_bytes(data)
    page = ["--html", str(tmp_path / "page.html"), "--report", str(tmp_path / "lines.jsonl")]

    first = measured(few, tmp_path / "out-few", *page)
    last = measured(many, tmp_path / "out-many", *page)

    assert last["child"] <= first["child"] + 8
    assert last["parent"] <= first["parent"] + 8


def test_each_child_gets_its_share_of_the_memory():
    assert memory_share(2) < memory_share(1)
    assert memory_share(10**6) >= 1 << 28
