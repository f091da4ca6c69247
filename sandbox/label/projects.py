"""Opening a labelling job on a dataset, with a complete guideline and a schema.

A dataset may have several: each gets its own items, under its own key (`clean.handover`).
"""

from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.label.commands import CreateProject
from sandbox.label.digests import digest_of
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Project
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts

INCOMPLETE = "guideline-incomplete"


class CreateProjectHandler:
    """`project.create`."""

    def facts(self, tables: Tables, command: CreateProject, acting: Acting) -> Facts:
        """The dataset's standing, and that the guideline is whole.

        Raises:
            NotFound: there is no such dataset.
            InputError: the guideline lacks a part; the field is named (R42).
        """
        dataset = tables.of(Dataset).require(command.dataset)
        if command.fault and command.fault.code == INCOMPLETE:
            # Policy refuses this as well; here the refusal names the part.
            raise command.fault.error()
        return {**dataset_facts(dataset, acting.now), "guideline_complete": True}

    def act(self, tables: Tables, command: CreateProject, acting: Acting) -> Outcome:
        """Keep the project.

        Raises:
            InputError: guideline or schema were found wanting.
        """
        if command.fault:
            raise command.fault.error()
        project = Project(
            id=command.project,
            dataset=command.dataset,
            title=command.title,
            firm=command.firm,
            guideline=command.guideline,
            guideline_digest=digest_of(command.guideline),
            schema=command.schema,
            schema_digest=digest_of(command.schema),
            lease_s=command.lease_s,
            overlap=command.overlap,
            created_at=acting.now,
        )
        tables.of(Project).insert(project)
        return Outcome(
            digests={"guideline": project.guideline_digest, "schema": project.schema_digest},
            counts={"lease_s": project.lease_s, "overlap": project.overlap},
            reply={"project": project.id},
        )
