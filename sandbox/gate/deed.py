"""One command inside a unit of work: gather facts, rule, act, and write the one entry.

1. A request that was done before is answered from its record; nothing happens again.
2. In a savepoint: the room's facts, the ruling, the person's signature, the room's act. The
   entry is built in there too: an act that can't be told is undone.
3. Whatever was refused, and whatever broke inside a room, is undone and told in an entry.
4. A failing database is no refusal: `LedgerUnavailable` goes up, and the whole unit falls.
"""

import hashlib
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from crypto.merkle import leaf_hash
from policies.ruling import Ruling
from policies.vocabulary import Action
from sandbox.acts import (
    Acting,
    Actor,
    Command,
    DecisionPoint,
    Effects,
    Handler,
    Outcome,
    SignedAct,
)
from sandbox.errors import Forbidden, LedgerUnavailable, SandboxError
from sandbox.gate.refusals import refusal_of
from sandbox.gate.repeats import find_repeat, keep_for_repeats
from sandbox.gate.signatures import check_signature
from sandbox.gate.standing import (
    Roll,
    Standing,
    advance_epoch,
    enter_pseudonym,
    founder,
)
from sandbox.provenance.entry import Deed, Doer, Place, build
from sandbox.records.imprint import committed, imprint_of
from sandbox.records.port import Tables, Unit

INTERNAL: Final = "internal-error"
_NOTHING: Final = Outcome()
_log = logging.getLogger("anbiao.gate")

# A handler takes its own command type; which one, the key of the mapping says.
Handlers = Mapping[type[Command], Handler[Any]]


@dataclass(frozen=True)
class Rules:
    """What every act is carried out with."""

    decision_point: DecisionPoint
    handlers: Handlers
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    governing: Callable[[Tables], DecisionPoint] | None = None

    def in_unit(self, tables: Tables) -> "Rules":
        """The rules for one unit of work, by the policy that is in force as it begins.

        Raises:
            LedgerUnavailable: nobody can say which that is.
        """
        if self.governing is None:
            return self
        return replace(self, decision_point=self.governing(tables))


@dataclass
class Cursor:
    """Where the next entry of a unit will stand; belongs to the unit's thread."""

    ledger: str
    index: int
    prev: bytes
    last_at: datetime
    roll: Roll
    entries: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)

    def place(self, now: datetime) -> Place:
        """The next entry's place; time never runs backwards in a ledger, whatever the clock."""
        return Place(self.ledger, self.index, self.prev, max(now, self.last_at))

    def pass_by(self, entry: bytes, leaf: bytes, at: datetime) -> None:
        """Move behind an entry that was appended."""
        self.entries.append(entry)
        self.leaves.append(leaf)
        self.index += 1
        self.prev = hashlib.sha256(entry).digest()
        self.last_at = at


@dataclass(frozen=True)
class Done:
    """What became of one command: its entry (None where none was due), or the refusal."""

    index: int
    entry: bytes | None
    reply: Mapping[str, object]
    refusal: SandboxError | None = None
    effects: Effects = field(default_factory=Effects)
    fresh: bool = True


def carry_out(rules: Rules, unit: Unit, cursor: Cursor, actor: Actor, command: Command) -> Done:
    """Carry out `command` or refuse it; either way at most one entry joins the unit.

    No entry is added for a repeated request, nor for a refusal before the ledger's first entry:
    a ledger begins with the act that opens it.

    Raises:
        LedgerUnavailable: the database failed; the unit is lost.
    """
    reused: SandboxError | None = None
    try:
        repeat = find_repeat(unit.tables, actor.account, command)
    except LedgerUnavailable:
        raise
    except SandboxError as error:
        repeat, reused = None, error
    if repeat is not None:
        entry = unit.tables.entry(repeat.index)
        return Done(repeat.index, entry, repeat.reply, fresh=False)
    case = _Case(rules, unit, cursor, actor, command)
    done = case.try_act() if reused is None else case.refuse(reused)
    if done.entry is not None:
        leaf = leaf_hash(done.entry)
        unit.append(done.index, done.entry, leaf, case.imprint)
        cursor.pass_by(done.entry, leaf, case.place.at)
    return done


class _Case:
    """One command on its way; `ruling` is kept so that a refusal can tell it."""

    def __init__(
        self, rules: Rules, unit: Unit, cursor: Cursor, actor: Actor, command: Command
    ) -> None:
        self.imprint = b""  # of the rows that were written, once the entry is built
        self.place = place = cursor.place(rules.clock())
        self._roll = cursor.roll
        self._rules = rules
        self._unit = unit
        self._tables = unit.tables
        self._actor = actor
        self._command = command
        self._objects = dict(command.objects())
        self._founding = place.index == 0
        self._ruling: Ruling | None = None
        self._standing = self._find_standing()

    def _find_standing(self) -> Standing:
        if self._founding:
            # The founder's client chose its pseudonym, as it had to sign over it.
            pseudonym = self._objects.get("member") or self._rules.new_id()
            return founder(self.place.ledger, pseudonym)
        return self._roll.standing_of(
            self._tables,
            self._actor.account,
            self._command.domain,
            self.place.at,
            self._rules.new_id,
        )

    def try_act(self) -> Done:
        try:
            with self._unit.attempt():
                return self._act()
        except LedgerUnavailable:
            raise
        except SandboxError as error:
            return self.refuse(error)
        except Exception as error:  # noqa: BLE001 - a room's mistake must not stop the ledger
            return self.refuse(_internal(error))

    def _act(self) -> Done:
        acting = Acting(
            account=self._actor.account,
            pseudonym=self._standing.pseudonym,
            memberships=self._standing.memberships,
            now=self.place.at,
            index=self.place.index,
        )
        handler = self._rules.handlers[type(self._command)]
        self._rule(handler, acting)
        signed = check_signature(self._tables, self._command, acting, founding=self._founding)
        outcome = handler.act(self._tables, self._command, acting)
        self._follow_up(outcome)
        return self._done(outcome, signed)

    def _rule(self, handler: Handler[Any], acting: Acting) -> None:
        facts = dict(handler.facts(self._tables, self._command, acting))
        if self._command.ACTION is Action.LEDGER_OPEN:
            # Entries of this unit don't show in the tables: only the gate knows who is first.
            facts["founding"] = self._founding
        if "purpose" in facts:
            # What the session declared, the room doesn't know (R15).
            facts["declared_purpose"] = self._actor.declared(str(facts["purpose"]))
        self._ruling = self._rules.decision_point.rule_on(
            self._standing.roles,
            self._command.domain,
            self._command.ACTION,
            facts,
            self._roll.epoch(self._tables),
        )
        if not self._ruling.allowed:
            raise refusal_of(self._ruling, self._standing.roles)
        if self._founding and self._command.ACTION is not Action.LEDGER_OPEN:
            raise Forbidden("ledger-not-open", "a ledger begins with the act that opens it")

    def _follow_up(self, outcome: Outcome) -> None:
        if self._founding:
            enter_pseudonym(self._tables, self._actor.account, self._standing.pseudonym)
        if outcome.effects.membership_changed:
            advance_epoch(self._tables)
            self._roll.forget()
        keep_for_repeats(
            self._tables, self._actor.account, self._command, self.place.index, outcome.reply
        )

    def _done(self, outcome: Outcome, signed: SignedAct | None) -> Done:
        deed = self._deed(outcome, signed)
        entry = build(self.place, self._doer(), deed)
        return Done(self.place.index, entry, outcome.reply, effects=outcome.effects)

    def refuse(self, error: SandboxError) -> Done:
        """The refusal, told in an entry of its own unless the ledger has not begun."""
        if self._founding:
            return Done(0, None, {}, error)
        deed = replace(self._deed(_NOTHING), refusal=error.code)
        try:
            entry = build(self.place, self._doer(), deed)
        except SandboxError:
            # The facts themselves can't stand in an entry: then it is told without them.
            entry = build(self.place, self._doer(), replace(deed, ruling=None))
        return Done(self.place.index, entry, {}, error)

    def _deed(self, outcome: Outcome, signed: SignedAct | None = None) -> Deed:
        self.imprint = imprint_of(self._unit.written)
        rows = committed(self.imprint) if self.imprint else b""
        return Deed(
            self._command.ACTION,
            self._objects,
            self._ruling,
            outcome=outcome,
            signed=signed,
            rows=rows,
        )

    def _doer(self) -> Doer:
        return Doer(
            pseudonym=self._standing.pseudonym,
            organisation=self._standing.organisation,
            roles=self._standing.roles,
            granted_by=self._standing.granted_by,
            domain=self._command.domain,
        )


def _internal(error: Exception) -> SandboxError:
    # The text of an unexpected error may hold anything: only its kind and place are logged.
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
    _log.error("internal-error: %s at %s", type(error).__qualname__, where)
    refusal = SandboxError(INTERNAL, "something broke inside; it is logged")
    refusal.__cause__ = error
    return refusal
