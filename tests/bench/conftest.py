"""The measuring modules stand beside each other, as `python -m bench` finds them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
sys.path.insert(0, str(BENCH))

SUBJECTS = 24


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A small corpus on disk: its folder and its truth."""
    from corpus.make import make  # noqa: PLC0415 - found only once the path is set

    folder = tmp_path_factory.mktemp("corpus") / "made"
    return folder, make(folder, SUBJECTS)


@pytest.fixture(scope="session")
def cleaned(corpus, tmp_path_factory):
    """What our own recipe makes of it: outputs by name, and the names of what is held."""
    from corpus.truth import FILES  # noqa: PLC0415 - same

    from sandbox.clean.recipes import recipe_named  # noqa: PLC0415 - same
    from sandbox.deid.dicom import clean_dicom  # noqa: PLC0415 - same
    from sandbox.deid.forms import Register  # noqa: PLC0415 - same
    from sandbox.deid.pseudonyms import Pseudonyms  # noqa: PLC0415 - same

    folder, truths = corpus
    target = tmp_path_factory.mktemp("cleaned")
    outputs, held = {}, set()
    recipe, pseudonyms = recipe_named("basic").dicom, Pseudonyms(bytes(32))
    for truth in truths:
        data = (folder / FILES / truth.name).read_bytes()
        verdict = clean_dicom(data, recipe, pseudonyms, Register())
        if verdict.data is None:
            held.add(truth.name)
        else:
            outputs[truth.name] = target / truth.name
            outputs[truth.name].write_bytes(verdict.data)
    return outputs, held
