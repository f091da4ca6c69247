"""What engines are tested with: a key, no register, the whole recipe."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sandbox.clean.recipes import recipe_named
from sandbox.deid.dicom import clean_dicom
from sandbox.deid.forms import Register
from sandbox.deid.pseudonyms import Pseudonyms

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def clean():
    """Clean a file's bytes under a key, against a register."""
    recipe = recipe_named("basic").dicom

    def cleaned(data, register=None, key=KEY, subject=None):
        return clean_dicom(data, recipe, Pseudonyms(key), register or Register(), subject)

    return cleaned
