"""Which witnesses a hospital asks for: an act of its steward, so that nobody lowers it unseen.

The ledger holds the digest of a policy file (`crypto.tlogpolicy`); its text lies with the decision
tables. `none` asks for nobody from then on, and stands in the log as well.
"""

import re
from typing import Final

from policies.ruling import Facts
from sandbox.acts import Acting, Outcome
from sandbox.errors import NotFound, Unacceptable
from sandbox.people.commands import RequireWitnesses
from sandbox.people.signed_terms import require_terms, witness_terms
from sandbox.records.port import Tables

NOBODY: Final = "none"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class WitnessRequiring:
    """Handler of `RequireWitnesses`."""

    def facts(self, tables: Tables, command: RequireWitnesses, acting: Acting) -> Facts:
        """Nothing but the role decides.

        Raises:
            NotFound: the hospital is not the actor's to know.
        """
        del tables, command
        if not acting.memberships:
            raise NotFound
        return {}

    def act(self, tables: Tables, command: RequireWitnesses, acting: Acting) -> Outcome:
        """Say it; what leaves later is held against it.

        Raises:
            Unacceptable: what was signed is something else, no digest, or of a policy that nobody
                knows: only who may ask for one learns which there are.
        """
        del tables, acting
        require_terms(command, witness_terms(command.policy))
        if command.policy == NOBODY:
            return Outcome(codes={"witness": NOBODY}, reply={"policy": command.policy})
        if not _DIGEST.fullmatch(command.policy):
            raise Unacceptable("witness-policy-malformed", "no digest", field="terms.policy")
        if not command.known:
            raise Unacceptable(
                "witness-policy-unknown", "the operator configured no such policy", field="terms"
            )
        return Outcome(codes={"witness": command.policy}, reply={"policy": command.policy})
