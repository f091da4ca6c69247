"""The one error of this floor: its own files or a table handed to it are wrong."""


class PolicyInvalid(Exception):
    """A policy file or decision table breaks a rule of its format; nothing may start with it.

    Attributes:
        code: stable kebab-case name of the rule that is broken.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")
