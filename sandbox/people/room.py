"""The room as the doors see it: one desk, and what stands on it."""

from dataclasses import dataclass

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


def furnish(desk: Desk) -> People:
    """The room over its ports."""
    checks, readers = Checks(desk), Readers(desk)
    return People(
        entrance=Entrance(desk, checks),
        services=ServiceEntrance(desk),
        enrolments=Enrolments(desk, checks),
        registry=Registry(desk),
        stewardship=Stewardship(desk),
        readers=readers,
        log_access=LogAccess(desk, readers),
    )
