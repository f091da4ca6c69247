"""The corpus is the same each time, complete, readable, and owes nothing to what it judges."""

import ast
import csv
import hashlib
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from corpus.make import make
from corpus.plants import carriers, clinical
from corpus.profile import ALLOWED, Outcome, allowed, listed
from corpus.raw import at, octets, plain
from corpus.traps import TRAPS
from corpus.truth import FILES, Sort, read

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
FREE = {"corpus", "numpy", "PIL", "pydicom", *sys.stdlib_module_names}
TABLE_SIZE = 613


@pytest.mark.parametrize("path", sorted((BENCH / "corpus").glob("*.py")), ids=lambda p: p.name)
def test_generator_and_scorer_import_nothing_of_ours(path):
    roots = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            roots.add(node.module.split(".")[0])

    assert roots <= FREE


def test_generator_and_scorer_load_nothing_of_ours():
    program = (
        f"import sys; sys.path.insert(0, {str(BENCH)!r}); import corpus.make, corpus.score; "
        "print(sorted({'api', 'crypto', 'policies', 'sandbox'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)

    assert ended.stdout.strip() == "[]"


def test_the_two_tables_written_apart_say_the_same():
    theirs = {}
    with (ROOT / "policies" / "dicom" / "ps3_15_basic.csv").open() as file:
        for line in csv.DictReader(file):
            theirs[line["tag"]] = (line["action"], line["dates"] == "shift")
    mine = {f"{row.tag:08X}": (row.action, row.dates) for row in listed()}

    assert len(mine) == TABLE_SIZE
    assert {tag: rule for tag, rule in theirs.items() if tag in mine} == mine
    assert {tag[:4] for tag in theirs.keys() - mine.keys()} <= {
        "0000", "0002", "0004", "50xx", "60xx", "gggg",
    }  # fmt: skip


def test_every_action_forbids_to_leave_the_value():
    assert {row.action for row in listed()} == set(ALLOWED)
    for action in ALLOWED:
        for dates in (False, True):
            assert not {Outcome.KEPT, Outcome.INVALID} & allowed(action, dates=dates)


def test_what_must_stay_and_what_carries_is_not_in_the_table():
    tags = {row.tag for row in listed()}

    assert not tags & {row.tag for row in clinical()}
    assert not tags & set(carriers())
    assert len(carriers()) >= 10


def test_the_same_seed_writes_the_same_files(tmp_path):
    made = []
    for name in ("one", "two", "other"):
        make(tmp_path / name, 4, seed=8 if name == "other" else 7)
        files = sorted((tmp_path / name / FILES).iterdir())
        made.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])

    assert made[0] == made[1]
    assert not set(made[0]) & set(made[2])


def test_every_attribute_is_planted_at_the_top_and_below(corpus):
    _, truths = corpus
    plants = [one for truth in truths for one in truth.plants if one.sort is Sort.LISTED]
    rows = {row.tag for row in listed()}

    assert {one.tag for one in plants if not one.path} == rows
    assert len({one.tag for one in plants if one.path}) >= TABLE_SIZE - 15
    assert {len(one.path) // 2 for one in plants} == {0, 1, 2, 3, 4, 5}


def test_every_trap_is_laid(corpus):
    _, truths = corpus
    laid = Counter(one.trap for truth in truths for one in truth.plants if one.trap)

    # Two of them lay two, and every kind is in the smallest corpus.
    assert len(laid) == len(TRAPS) + 2


def test_every_needle_stands_in_its_file_and_unique_ones_in_no_other(corpus):
    folder, truths = corpus
    owners = {}
    for truth in truths:
        data = (folder / FILES / truth.name).read_bytes()
        data = plain(data, pydicom.dcmread(folder / FILES / truth.name))
        for one in truth.plants:
            needles = [bytes.fromhex(needle) for needle in one.needles]
            found = [needle in data for needle in needles]
            assert any(found) if one.shared else all(found), (truth.name, one)
            if one.vr != "UI" and not one.shared and one.sort is Sort.LISTED:
                for needle in needles:
                    assert owners.setdefault(needle, truth.subject) == truth.subject


def test_the_truth_is_what_stands_in_the_files(corpus):
    folder, truths = corpus

    assert read(folder) == truths
    for truth in truths:
        dataset = pydicom.dcmread(folder / FILES / truth.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for one in truth.plants:
                if one.sort is not Sort.TRAP:
                    where = at(dataset, one.path)
                    assert one.tag in where
                    assert octets(where, one.tag, one.vr).hex() == one.raw
                    assert one.raw or one.vr == "SQ"
