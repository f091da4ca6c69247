"""The policy as a whole: fact sheet, conditions, templates and pack, read and checked together."""

from dataclasses import dataclass

from policies.facts import FactSheet, read_facts
from policies.pack import Pack, read_pack
from policies.templates import Conditions, Template, read_conditions, read_templates


@dataclass(frozen=True)
class PolicyBook:
    """Everything that one policy version says."""

    sheet: FactSheet
    conditions: Conditions
    templates: tuple[Template, ...]
    pack: Pack


def read_policy(pack: str = "health") -> PolicyBook:
    """Read the policy that lies in this tree.

    Raises:
        PolicyInvalid: a file breaks a rule of its format.
    """
    sheet = read_facts()
    conditions = read_conditions()
    return PolicyBook(sheet, conditions, read_templates(conditions, sheet), read_pack(pack))
