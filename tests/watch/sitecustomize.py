"""Runs first in every Python that a test starts: the folder stands on PYTHONPATH (conftest)."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import outbound

HERE = str(Path(__file__).resolve().parent)

outbound.watch()

# Whatever module of this name would have run without us runs after us.
hidden = PathFinder.find_spec("sitecustomize", [path for path in sys.path if path != HERE])
if hidden and hidden.loader and hidden.origin and str(Path(hidden.origin).parent) != HERE:
    hidden.loader.exec_module(module_from_spec(hidden))
