"""Handler of the act by which a policy version is adopted.

The log then says who took which decision table for the house's own, and when. The table itself is
published under its digest, and every entry's ruling names the one it was made by.
"""

from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict
from sandbox.people.commands import AdoptPolicy
from sandbox.records.port import Tables


class Adoption:
    """Handler of `AdoptPolicy`."""

    def facts(self, tables: Tables, command: AdoptPolicy, acting: Acting) -> Facts:  # noqa: ARG002 - the protocol's form
        """Nothing but the role decides."""
        return {}

    def act(self, tables: Tables, command: AdoptPolicy, acting: Acting) -> Outcome:  # noqa: ARG002 - the protocol's form
        """Say which table was adopted.

        Raises:
            Conflict: `policy-not-in-force`: the house rules by another table.
        """
        if command.policy != command.in_force:
            raise Conflict("policy-not-in-force", "the house rules by another decision table")
        return Outcome(digests={"policy": command.policy}, reply={"policy": command.policy})
