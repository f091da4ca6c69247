"""Reads the policy files that lie beside this module; the only input of this floor."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from policies.errors import PolicyInvalid


def text_of(name: str) -> str:
    """A policy file's text, `name` relative to this package.

    Raises:
        PolicyInvalid: `file-missing`.
    """
    try:
        return files("policies").joinpath(name).read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyInvalid("file-missing", f"no policy file {name}") from error


def toml_from(text: str) -> Mapping[str, Any]:  # Any: TOML's own values, checked by each reader
    """Parse TOML.

    Raises:
        PolicyInvalid: `file-malformed`.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid("file-malformed", str(error)) from error
