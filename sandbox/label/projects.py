"""Opening a labelling job: one per dataset, with a complete guideline and a schema."""

from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict
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
        """The dataset's standing, and whether it has a project already.

        Raises:
            NotFound: there is no such dataset.
            InputError: the guideline lacks a part; the field is named (R42).
            Conflict: `project-exists`.
        """
        dataset = tables.of(Dataset).require(command.dataset)
        if command.fault and command.fault.code == INCOMPLETE:
            raise command.fault.error()
        # Policy refuses these two as well; here the refusal says what is wrong. Neither is a
        # secret: the register is public.
        if tables.of(Project).count(dataset=command.dataset):
            raise Conflict("project-exists", "this dataset has a project already")
        return {
            **dataset_facts(dataset, acting.now),
            "guideline_complete": True,
            "taken": False,
        }

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
            created_at=acting.now,
        )
        tables.of(Project).insert(project)
        return Outcome(
            digests={"guideline": project.guideline_digest, "schema": project.schema_digest},
            counts={"lease_s": project.lease_s},
            reply={"project": project.id},
        )
