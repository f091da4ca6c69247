"""Handlers of acts on the policy itself: the first adoption, and changes by two people (R11).

What a change comes to (its table, the floors it breaks, the proof) is worked out before the gate,
from the rows; here is decided whether it still fits: that it was made from the policy in force,
and that whoever approves it did not write it.
"""

from dataclasses import replace

from policies.ruling import Facts
from policies.vocabulary import Action
from sandbox.acts import Acting, Outcome
from sandbox.errors import Conflict, Unacceptable
from sandbox.people.commands import (
    AdoptPolicy,
    ApprovePolicy,
    PolicyChange,
    ProposePolicy,
    RejectPolicy,
)
from sandbox.people.signed_terms import (
    approval_terms,
    proposal_terms,
    require_code,
    require_terms,
)
from sandbox.provenance import entry as entries
from sandbox.records.policies import (
    APPROVED,
    IN_FORCE,
    OVERTAKEN,
    PROPOSED,
    REJECTED,
    PolicyInForce,
    PolicyVersion,
)
from sandbox.records.port import Tables


class Adoption:
    """Handler of `AdoptPolicy`."""

    def facts(self, tables: Tables, command: AdoptPolicy, acting: Acting) -> Facts:
        """Whether a policy was adopted before.

        Raises:
            Unacceptable: `floor-<name>`: the policy breaks a floor.
        """
        del acting
        _require_floors(command.change)
        return {"adopted": tables.of(PolicyInForce).get(IN_FORCE) is not None}

    def act(self, tables: Tables, command: AdoptPolicy, acting: Acting) -> Outcome:
        """Take the policy that ships with the program for the house's own.

        Raises:
            Conflict: `policy-not-in-force`: the house rules by another table.
        """
        change = command.change
        if command.policy != change.table:
            raise Conflict("policy-not-in-force", "the house rules by another decision table")
        row = replace(
            _version(command.version, change, 1, acting),
            state=APPROVED,
            decided_by=acting.account,
            decided_at=acting.now,
        )
        tables.of(PolicyVersion).insert(row)
        tables.of(PolicyInForce).insert(PolicyInForce(IN_FORCE, row.id, row.table))
        return _told(row, change)


class Proposing:
    """Handler of `ProposePolicy`."""

    def facts(self, tables: Tables, command: ProposePolicy, acting: Acting) -> Facts:
        """Whether the floors are kept.

        Raises:
            Unacceptable: `floor-<name>`: the change breaks a floor.
        """
        del tables, acting
        _require_floors(command.change)
        return {"floors_kept": True}

    def act(self, tables: Tables, command: ProposePolicy, acting: Acting) -> Outcome:
        """Keep the proposal; nothing is ruled by it.

        Raises:
            Conflict: `policy-overtaken`: it was made from another policy than is in force.
            Unacceptable: what was signed is something else.
        """
        change = command.change
        _require_base(tables, change.base)
        version = tables.of(PolicyVersion).count() + 1
        require_terms(command, proposal_terms(change))
        row = _version(command.policy, change, version, acting)
        row = replace(row, author_key=command.signed.public_key if command.signed else None)
        tables.of(PolicyVersion).insert(row)
        return _told(row, change)


class Approving:
    """Handler of `ApprovePolicy`."""

    def facts(self, tables: Tables, command: ApprovePolicy, acting: Acting) -> Facts:
        """Where the proposal stands, and whether its author would approve it.

        Raises:
            NotFound: there is no such proposal.
            Unacceptable: `floor-<name>`: the change breaks a floor of this program.
        """
        row = tables.of(PolicyVersion).require(command.policy)
        if row.state == PROPOSED:
            _require_floors(command.change)
        key = command.signed.public_key if command.signed else None
        author = row.author == acting.account or (key is not None and key == row.author_key)
        return {
            "stage": row.state,
            "author": author,
            "appointed": _author(tables, row) in _appointers(tables, acting),
            "floors_kept": True,
        }

    def act(self, tables: Tables, command: ApprovePolicy, acting: Acting) -> Outcome:
        """Put the policy in force, from the next unit of work on.

        Raises:
            Conflict: `policy-overtaken`: another policy came into force meanwhile.
            Unacceptable: what was signed is something else.
        """
        row = tables.of(PolicyVersion).require(command.policy)
        _require_base(tables, row.base)
        require_terms(command, approval_terms(row.table))
        if command.change.proof != row.proof:
            raise Conflict("policy-overtaken", "the proof comes to something else by now")
        for other in tables.of(PolicyVersion).find(state=PROPOSED):
            if other.id != row.id and other.base == row.base:
                tables.of(PolicyVersion).replace(_decided(other, OVERTAKEN, acting))
        approved = _decided(row, APPROVED, acting)
        tables.of(PolicyVersion).replace(approved)
        tables.of(PolicyInForce).replace(PolicyInForce(IN_FORCE, row.id, row.table))
        return _told(approved, command.change)


class Rejecting:
    """Handler of `RejectPolicy`."""

    def facts(self, tables: Tables, command: RejectPolicy, acting: Acting) -> Facts:
        """Where the proposal stands.

        Raises:
            NotFound: there is no such proposal.
        """
        del acting
        return {"stage": tables.of(PolicyVersion).require(command.policy).state}

    def act(self, tables: Tables, command: RejectPolicy, acting: Acting) -> Outcome:
        """Turn the proposal down; its author may, too.

        Raises:
            Unacceptable: `reason-missing`: the signed reason is no code.
        """
        require_code(command)
        row = _decided(tables.of(PolicyVersion).require(command.policy), REJECTED, acting)
        tables.of(PolicyVersion).replace(row)
        return Outcome(
            counts={"version": row.version},
            states={"policy": row.state},
            reply={"policy": row.id, "state": row.state},
        )


def _author(tables: Tables, row: PolicyVersion) -> str:
    """The pseudonym of who proposed, as the entry says and not the row.

    Raises:
        Conflict: `policy-overtaken`: the row does not say where it was proposed.
    """
    told = entries.read(tables.entry(row.index))
    if (told["action"], told["objects"].get("policy")) != (Action.POLICY_PROPOSE, row.id):
        raise Conflict("policy-overtaken", "no entry proposes this")
    return str(told["actor"])


def _appointers(tables: Tables, acting: Acting) -> set[str]:
    """Everybody by whose grant, or a grant of whose, the actor's roles came to be.

    Memberships don't say who gave them: their entries do, and lead up to the founding.
    """
    found: set[str] = set()
    asked = {membership.granted_index for membership in acting.memberships}
    seen: set[int] = {0}  # nobody appointed who founded the house
    while todo := asked - seen:
        seen |= todo
        grants = [entries.read(tables.entry(index)) for index in todo]
        found |= {str(grant["actor"]) for grant in grants}
        asked = {index for grant in grants for index in grant["granted_by"]}
    return found


def _version(key: str, change: PolicyChange, version: int, acting: Acting) -> PolicyVersion:
    return PolicyVersion(
        id=key,
        version=version,
        state=PROPOSED,
        document=change.document,
        table=change.table,
        base=change.base,
        diff=change.diff,
        proof=change.proof,
        author=acting.account,
        author_key=None,
        decided_by=None,
        proposed_at=acting.now,
        decided_at=None,
        index=acting.index,
    )


def _decided(row: PolicyVersion, state: str, acting: Acting) -> PolicyVersion:
    return replace(row, state=state, decided_by=acting.account, decided_at=acting.now)


def _told(row: PolicyVersion, change: PolicyChange) -> Outcome:
    """The entry's part: version, digests of table, difference and proof, and what it came to."""
    return Outcome(
        objects={"version": row.id},
        counts={"version": row.version, "paths": change.paths},
        digests={"policy": row.table, "diff": row.diff, "proof": row.proof},
        codes={"proof": "proved"},
        states={"policy": row.state},
        reply={"policy": row.id, "version": row.version, "state": row.state, "table": row.table},
    )


def _require_floors(change: PolicyChange) -> None:
    if change.broken:
        raise Unacceptable(f"floor-{change.broken[0]}", "the change breaks a floor of the policy")


def _require_base(tables: Tables, base: str) -> None:
    row = tables.of(PolicyInForce).get(IN_FORCE)
    if row is None or row.table != base:
        raise Conflict("policy-overtaken", "another policy is in force than it was made from")
