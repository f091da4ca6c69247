"""A project's public documents, read back from its row."""

from crypto.canonical import decode
from sandbox.formats.guideline import Guideline, parse_guideline
from sandbox.formats.label_schema import Schema, parse_schema
from sandbox.records.labels import Project


def schema_of(project: Project) -> Schema:
    """The project's schema."""
    return parse_schema(decode(project.schema))


def guideline_of(project: Project) -> Guideline:
    """The project's guideline."""
    return parse_guideline(decode(project.guideline))
