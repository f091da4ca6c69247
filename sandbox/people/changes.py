"""Changes of policy, as the HTTP door asks for them: previewed, proposed, approved, rejected.

The heavy part (compiling a table, the proof, the floors) is done here, before the gate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from policies.changes import (
    Policy,
    changed,
    difference,
    digest_of,
    policy_from,
    shipped_policy,
    table_difference,
)
from policies.errors import PolicyInvalid
from policies.table import DecisionTable
from policies.vocabulary import Role
from sandbox.acts import Actor, Receipt, SignedAct
from sandbox.errors import Conflict, Forbidden, NotFound, Unacceptable
from sandbox.people import commands as c
from sandbox.people.desk import Desk
from sandbox.people.hospitals import roles_held
from sandbox.people.stewardship import Signed, signed_by
from sandbox.records.policies import APPROVED, PolicyVersion

NO_BASE = ""


class Anew(StrEnum):
    """From which rows a policy is adopted anew, when the one in force is another program's."""

    ROWS = "rows"
    SHIPPED = "shipped"


@dataclass(frozen=True)
class Asked:
    """What is asked for: rows to add, ids of rows to take away; or the whole made anew."""

    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    anew: Anew | None = None


@dataclass(frozen=True)
class Preview:
    """What a change would come to: its lines, its digests, what it breaks, paths found."""

    change: c.PolicyChange
    diff: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A version as people read it."""

    row: PolicyVersion
    diff: tuple[str, ...]


class Changes:
    """Works changes of policy out and has the gate perform them.

    Args:
        desk: the room's ports.
        in_force: the policy in force at the moment of asking.
        table: its decision table, which may be of another program.
    """

    def __init__(
        self, desk: Desk, in_force: Callable[[], Policy], table: Callable[[], DecisionTable]
    ) -> None:
        self._desk = desk
        self._in_force = in_force
        self._table = table

    def adopt(self, actor: Actor, table: str, request_key: str) -> Receipt:
        """Take the shipped policy for the house's first.

        Raises:
            Forbidden: the actor is no policy admin, or a policy was adopted before.
            Conflict: `policy-not-in-force`.
        """
        policy = shipped_policy()
        command = c.AdoptPolicy(
            policy=table,
            version=self._desk.new_id(),
            change=_change(policy, NO_BASE, digest_of(_all_of(policy))),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def preview(self, actor: Actor, asked: Asked) -> Preview:
        """What a change of the policy in force would come to; nothing is kept of it.

        Raises:
            Forbidden: the actor is no policy admin.
            Unacceptable: a row is no row, or nothing would change.
        """
        self._require_admin(actor)
        return self._worked_out(asked)

    def propose(
        self,
        actor: Actor,
        proposal: str,
        asked: Asked,
        signed: Signed,
        request_key: str,
    ) -> Receipt:
        """Propose a change, or the policy in force as this program makes it anew.

        Raises:
            Unacceptable: a row is no row, a floor is broken, or other terms were signed.
            SignatureRequired: the signature does not count.
            Forbidden: the actor is no policy admin.
            Conflict: `policy-overtaken`.
        """
        self._require_admin(actor)
        command = c.ProposePolicy(
            policy=proposal,
            change=self._worked_out(asked).change,
            signed=self._signed(actor, proposal, signed),
            request_key=request_key,
        )
        return self._desk.gate.perform(actor, command)

    def approve(self, actor: Actor, proposal: str, signed: Signed) -> Receipt:
        """Put another's proposal in force, from the next unit of work on.

        Raises:
            NotFound: there is no such proposal.
            Unacceptable: a floor is broken, or other terms were signed.
            SignatureRequired: the signature does not count.
            Forbidden: the actor is no policy admin, or wrote it.
            Conflict: `policy-overtaken`.
        """
        self._require_admin(actor)
        row = self._row(proposal)
        command = c.ApprovePolicy(
            policy=proposal,
            change=_change(_read(row), row.base, row.diff),
            signed=self._signed(actor, proposal, signed),
        )
        receipt = self._desk.gate.perform(actor, command)
        self._in_force()  # compiled and published now, not by whoever acts next
        return receipt

    def reject(self, actor: Actor, proposal: str, signed: Signed) -> Receipt:
        """Turn a proposal down.

        Raises:
            NotFound: there is no such proposal.
            SignatureRequired: the signature does not count.
            Forbidden: the actor is no policy admin, or it was decided before.
        """
        self._require_admin(actor)
        self._row(proposal)
        signed_act = self._signed(actor, proposal, signed)
        return self._desk.gate.perform(actor, c.RejectPolicy(policy=proposal, signed=signed_act))

    def versions(self, actor: Actor) -> list[Told]:
        """Every version and proposal, the newest first, each with its readable difference.

        Raises:
            Forbidden: the actor has no role on the platform.
        """
        with self._desk.platform() as tables:
            if not roles_held(tables, actor.account, self._desk.clock()):
                raise Forbidden
            rows = tables.of(PolicyVersion).find()
        by_table = {row.table: row for row in rows if row.state == APPROVED}
        now = self._table()
        told = [Told(row, _diff(by_table.get(row.base), row, now)) for row in rows]
        return sorted(told, key=lambda one: -one.row.version)

    def _require_admin(self, actor: Actor) -> None:
        """Only who may change policy learns what a change would come to."""
        with self._desk.platform() as tables:
            roles = roles_held(tables, actor.account, self._desk.clock())
        if Role.POLICY_ADMIN not in roles:
            raise Forbidden

    def _worked_out(self, asked: Asked) -> Preview:
        try:
            if asked.anew is not None:
                return self._made_anew(asked.anew)
            base = self._in_force()
            policy = changed(base, asked.add, asked.remove)
        except PolicyInvalid as error:
            raise Unacceptable(error.code, "the change is no policy", field="rows") from error
        return _preview(base.table, policy, difference(base, policy))

    def _made_anew(self, anew: Anew) -> Preview:
        """The rows in force, or those that ship, as this program makes a table of them.

        Raises:
            PolicyInvalid: the rows in force are no policy to this program, or nothing changes.
        """
        base = self._table()
        policy = shipped_policy() if anew is Anew.SHIPPED else self._rows_of(base)
        if policy.table.digest == base.digest:
            raise PolicyInvalid("change-empty", "nothing would change")
        return _preview(base, policy, table_difference(base, policy.table))

    def _rows_of(self, base: DecisionTable) -> Policy:
        with self._desk.platform() as tables:
            rows = tables.of(PolicyVersion).find(state=APPROVED)
        document = next((row.document for row in rows if row.table == base.digest), b"")
        return policy_from(document)

    def _row(self, proposal: str) -> PolicyVersion:
        with self._desk.platform() as tables:
            row = tables.of(PolicyVersion).get(proposal)
        if row is None:
            raise NotFound
        return row

    def _signed(self, actor: Actor, proposal: str, signed: Signed) -> SignedAct:
        return signed_by(self._desk.require(actor.account), signed, {"policy": proposal})


def _preview(base: DecisionTable, policy: Policy, diff: tuple[str, ...]) -> Preview:
    found = tuple(str(path) for path in policy.proof.found)
    return Preview(_change(policy, base.digest, digest_of(diff)), diff, found)


def _change(policy: Policy, base: str, diff: str) -> c.PolicyChange:
    return c.PolicyChange(
        document=policy.document,
        table=policy.table.digest,
        base=base,
        diff=diff,
        proof=policy.proof.digest,
        paths=policy.proof.paths,
        broken=policy.floors_broken,
    )


def _read(row: PolicyVersion) -> Policy:
    """A proposal's policy, when this program still makes the same table of it.

    Raises:
        Conflict: `policy-overtaken`.
    """
    try:
        policy = policy_from(row.document)
    except PolicyInvalid as error:
        raise Conflict("policy-overtaken", "its rows are no policy any more") from error
    if policy.table.digest != row.table:
        raise Conflict("policy-overtaken", "its rows make another table by now")
    return policy


def _all_of(policy: Policy) -> tuple[str, ...]:
    return tuple(f"+ {line}" for line in policy.lines)


def _diff(base: PolicyVersion | None, row: PolicyVersion, now: DecisionTable) -> tuple[str, ...]:
    try:
        policy = policy_from(row.document)
        if base is None:
            return _all_of(policy)
        anew = table_difference(now, policy.table)
        if row.base == now.digest and row.diff == digest_of(anew):
            return anew
        return difference(policy_from(base.document), policy)
    except PolicyInvalid:
        return ()  # written in words of another program; its digests still tell
