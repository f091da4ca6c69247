"""The room as the doors see it: one desk, and what stands on it."""

from collections.abc import Callable
from dataclasses import dataclass

from policies.changes import Policy, shipped_policy
from policies.table import DecisionTable
from sandbox.people.changes import Changes
from sandbox.people.checks import Checks
from sandbox.people.desk import Desk
from sandbox.people.enrolment import Enrolments
from sandbox.people.entrance import Entrance
from sandbox.people.log_access import LogAccess
from sandbox.people.readers import Readers
from sandbox.people.registry import Registry
from sandbox.people.services import ServiceEntrance
from sandbox.people.stewardship import Stewardship


@dataclass(frozen=True)
class People:
    """Everything the doors ask of this room."""

    entrance: Entrance
    services: ServiceEntrance
    enrolments: Enrolments
    registry: Registry
    stewardship: Stewardship
    readers: Readers
    log_access: LogAccess
    changes: Changes


def furnish(
    desk: Desk,
    in_force: Callable[[], Policy] = shipped_policy,
    table: Callable[[], DecisionTable] | None = None,
) -> People:
    """The room over its ports.

    Args:
        desk: the room's ports.
        in_force: the policy that the house rules by now.
        table: its decision table, which may be of another program and have no policy here.
    """
    checks, readers = Checks(desk), Readers(desk)
    return People(
        entrance=Entrance(desk, checks),
        services=ServiceEntrance(desk),
        enrolments=Enrolments(desk, checks),
        registry=Registry(desk),
        stewardship=Stewardship(desk),
        readers=readers,
        log_access=LogAccess(desk, readers),
        changes=Changes(desk, in_force, table or (lambda: in_force().table)),
    )
