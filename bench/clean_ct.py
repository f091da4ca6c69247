"""Cleaning a 512 KiB CT, file to file on one core, against four peers at their defaults.

All sides read the same files and write into one folder in memory, in turns; what counts is
processor time. The peers run in `.venv-peers/`, which is made on first use.
"""

import io
import tempfile
import time
from pathlib import Path

import pydicom
from figures import record
from peers import environment

from sandbox.clean.recipes import recipe_named
from sandbox.deid.dicom import clean_dicom
from sandbox.deid.forms import Register, RegisterRow
from sandbox.deid.pseudonyms import Pseudonyms

PEERS = ("dicom-anonymizer", "dicognito", "deid", "gdcmanon")
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder below it is made by tempfile
FILES = 16
ROUNDS = 4
ROUND_S = 1.5


def run() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        inputs, outputs = Path(folder) / "in", Path(folder) / "out"
        inputs.mkdir()
        outputs.mkdir()
        for number in range(FILES):
            (inputs / f"{number}.dcm").write_bytes(big_ct(number))
        ours, theirs = measure(inputs, outputs)
        record("clean", "512 KiB CT per core", 1 / ours, "files/s")
        for peer, spent in theirs.items():
            ratio = spent / ours
            record("clean", "512 KiB CT per core", 1 / ours, "files/s", peer, ratio)
            record("clean", f"512 KiB CT per core, {peer}", 1 / spent, "files/s")
        crowd = one_round(cleaner(crowded_register()), inputs, outputs)
        record("clean", "512 KiB CT per core, 5,000 known subjects", 1 / crowd, "files/s")


def big_ct(number: int) -> bytes:
    """The CT of pydicom's wheel with 512x512 pixels, and another instance each time."""
    source = Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm"
    dataset = pydicom.dcmread(source)
    dataset.Rows = dataset.Columns = 512
    dataset.PixelData = dataset.PixelData * 16
    dataset.SOPInstanceUID = f"1.2.3.{number}"
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def measure(inputs: Path, outputs: Path) -> tuple[float, dict[str, float]]:
    """Seconds per file of us and of each peer that could be installed: the best of all rounds."""
    clean = cleaner(Register())
    peers = PEERS if environment.ready() else ()
    ours = float("inf")
    theirs = dict.fromkeys(peers, float("inf"))
    for _ in range(ROUNDS):
        ours = min(ours, one_round(clean, inputs, outputs))
        for peer in peers:
            theirs[peer] = min(theirs[peer], peer_round(peer, inputs, outputs))
    return ours, theirs


def cleaner(register: Register):
    recipe, pseudonyms = recipe_named("basic").dicom, Pseudonyms(bytes(32))

    def clean(source: Path, target: Path) -> None:
        verdict = clean_dicom(source.read_bytes(), recipe, pseudonyms, register)
        target.write_bytes(verdict.data)

    return clean


def one_round(clean, inputs: Path, outputs: Path) -> float:
    files = sorted(inputs.iterdir())
    clean(files[0], outputs / "warm")
    done, start, began = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - began < ROUND_S:
        source = files[done % len(files)]
        clean(source, outputs / source.name)
        done += 1
    return (time.process_time() - start) / done


def peer_round(peer: str, inputs: Path, outputs: Path) -> float:
    results = environment.run(peer, inputs, outputs / peer, ROUND_S)
    return sum(one.spent_s for one in results) / len(results)


def crowded_register() -> Register:
    rows = (
        RegisterRow(
            f"R{n:05}", f"Given{n} Family{n}", f"1101011980{n:08}", f"M{n:07}", f"139{n:08}"
        )
        for n in range(5000)
    )
    return Register(tuple(rows))
