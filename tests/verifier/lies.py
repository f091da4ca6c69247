"""Ways in which an operator tells an entry wrongly, and signs the log all the same."""

from collections.abc import Callable

from small_hospital import SmallHospital
from small_log import Entry


def house() -> SmallHospital:
    made = SmallHospital()
    made.enrol()
    return made


def putting(**members: object) -> Callable[[Entry], None]:
    return lambda entry: entry.update(members)


def in_signed(resign: bool = True, **members: object) -> Callable[[Entry], None]:
    def change(entry: Entry) -> None:
        entry["signed"].update(members)
        if resign:
            entry["signed"]["signature"] = ""

    return change


def without(name: str) -> Callable[[Entry], None]:
    return lambda entry: entry.pop(name)


def granting(**terms: str) -> Callable[[Entry], None]:
    def change(entry: Entry) -> None:
        entry["signed"]["terms"].update(terms)
        entry["signed"]["signature"] = ""

    return change


def allowed(entry: Entry) -> None:
    entry["ruling"]["allowed"] = True
