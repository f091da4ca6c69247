"""The recipes on offer, put together from the tables in `policies`."""

import hashlib
from functools import cache

from policies.dicom import basic_profile, beyond_profile, profile_digest
from sandbox.deid.forms import FileKind
from sandbox.deid.recipe import ENGINE_VERSION, Recipe, dicom_recipe
from sandbox.errors import Unacceptable

NAMES = ("basic", "text")
"""Names of all recipes."""


@cache
def recipe_named(name: str) -> Recipe:
    """The recipe of a name: `basic` cleans DICOM and text, `text` only text.

    Raises:
        Unacceptable: `recipe-unknown`.
    """
    if name == "basic":
        dicom = dicom_recipe((*basic_profile(), *beyond_profile()), profile_digest())
        kinds = frozenset({FileKind.DICOM, FileKind.TEXT})
        return Recipe(name, kinds, _digest(name, dicom.digest), dicom)
    if name == "text":
        return Recipe(name, frozenset({FileKind.TEXT}), _digest(name, ""))
    raise Unacceptable("recipe-unknown", "There is no recipe of this name.", field="recipe")


def _digest(name: str, table: str) -> str:
    named = f"recipe={name};engine={ENGINE_VERSION};dicom={table}"
    return "sha256:" + hashlib.sha256(named.encode()).hexdigest()
