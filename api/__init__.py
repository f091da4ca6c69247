"""Doors: HTTP and the command line. A door parses, asks the gate, and answers."""

VERSION = "0.1.0"
"""Equal to the version in `pyproject.toml`, which a test compares."""
