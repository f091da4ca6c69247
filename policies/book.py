"""The policy as a whole: fact sheet, conditions, templates and pack, read and checked together."""

from dataclasses import dataclass

from policies.facts import FactSheet, read_facts
from policies.pack import Pack, read_pack
from policies.templates import Conditions, Template, read_conditions, read_templates
from policies.training import Courses, training_in_force


@dataclass(frozen=True)
class PolicyBook:
    """Everything that one policy version says."""

    sheet: FactSheet
    conditions: Conditions
    templates: tuple[Template, ...]
    pack: Pack
    training: Courses


def read_policy(pack: str = "health") -> PolicyBook:
    """Read the policy that lies in this tree.

    Raises:
        PolicyInvalid: a file breaks a rule of its format.
    """
    sheet = read_facts()
    conditions = read_conditions()
    rows = read_templates(conditions, sheet)
    return PolicyBook(sheet, conditions, rows, read_pack(pack), training_in_force())
