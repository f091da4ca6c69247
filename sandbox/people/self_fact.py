"""The one fact of acts on accounts and sessions."""

from policies.ruling import Facts
from sandbox.acts import Acting
from sandbox.people.commands import AccountCommand
from sandbox.records.port import Tables


class SelfFact:
    """Handlers of acts on one account: policy asks only whether it is the actor's own."""

    def facts(self, tables: Tables, command: AccountCommand, acting: Acting) -> Facts:  # noqa: ARG002 - the protocol's form
        """Whether the account is the actor's own."""
        return {"self": command.account == acting.account}
