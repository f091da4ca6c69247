"""Permits: a hospital's window of time for one project on one dataset, signed by its steward.

Nothing is done with a project's data outside of the window (R13); nobody has to act for that. A
permit is issued before the project comes to be or afterwards, and is changed by issuing another.
"""

from dataclasses import replace

from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict, NotFound, Unacceptable
from sandbox.people.commands import IssuePermit, RevokePermit
from sandbox.people.signed_terms import permit_terms, require_code, require_terms
from sandbox.records.deposits import Dataset
from sandbox.records.labels import Project
from sandbox.records.permits import Permit
from sandbox.records.port import Tables
from sandbox.records.standing import dataset_facts


class PermitIssuing:
    """Handler of `IssuePermit`."""

    def facts(self, tables: Tables, command: IssuePermit, acting: Acting) -> Facts:
        """Where the dataset stands.

        Raises:
            NotFound: there is no such dataset, or it is not the actor's to know.
        """
        if not acting.memberships:
            raise NotFound
        return dataset_facts(tables.of(Dataset).require(command.dataset), acting.now)

    def act(self, tables: Tables, command: IssuePermit, acting: Acting) -> Outcome:
        """Keep the permit, in the place of the one before.

        Raises:
            Unacceptable: what was signed is something else, the window is empty or over, or the
                project is another dataset's.
        """
        require_terms(command, permit_terms(command.valid_from, command.valid_until))
        if command.valid_until <= max(command.valid_from, acting.now):
            raise Unacceptable(
                "permit-window-empty", "the window is empty or over", field="terms.valid_until"
            )
        project = tables.of(Project).get(command.project)
        if project is not None and project.dataset != command.dataset:
            raise Unacceptable("permit-for-other-dataset", "the project is another dataset's")
        permit = Permit(
            id=command.project,
            dataset=command.dataset,
            valid_from=command.valid_from,
            valid_until=command.valid_until,
            revoked_at=None,
            index=acting.index,
        )
        permits = tables.of(Permit)
        (permits.insert if permits.get(permit.id) is None else permits.replace)(permit)
        return Outcome(reply={"project": permit.id})


class PermitRevoking:
    """Handler of `RevokePermit`."""

    def facts(self, tables: Tables, command: RevokePermit, acting: Acting) -> Facts:
        """Nothing but the role decides: stopping is always possible.

        Raises:
            NotFound: there is no such permit, or it is not the actor's to know.
        """
        if not acting.memberships:
            raise NotFound
        tables.of(Permit).require(command.project)
        return {}

    def act(self, tables: Tables, command: RevokePermit, acting: Acting) -> Outcome:
        """End the permit at this instant.

        Raises:
            NotFound: there is no such permit.
            Conflict: it was revoked before.
            Unacceptable: `reason-missing`: the signed reason is no code.
        """
        require_code(command)
        permit = tables.of(Permit).require(command.project)
        if permit.revoked_at is not None:
            raise Conflict("permit-revoked", "this permit was revoked before")
        tables.of(Permit).replace(replace(permit, revoked_at=acting.now))
        return Outcome(reply={"project": permit.id})
