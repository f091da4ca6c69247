"""One engine call: a patient's bytes in, a verdict out; no store, no key but the pseudonyms'."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sandbox.clean.item import clean_item
from sandbox.deid.forms import Register, Verdict
from sandbox.deid.pseudonyms import Pseudonyms
from sandbox.deid.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """What one engine call needs; `subject` is what the hospital says, if anything."""

    data: bytes
    name: str
    recipe: str
    pseudonyms: Pseudonyms
    register: Register
    subject: str | None


class Engine(Protocol):
    """What cleans."""

    @property
    def at_once(self) -> int:
        """How many jobs may be under way."""
        ...

    def begin(self, job: Job) -> Callable[[], Verdict]:
        """Begin a job; what is returned waits for its verdict, and is to be called once."""
        ...

    def close(self) -> None:
        """Let go of what it works with."""
        ...

    def digest(self, recipe: str) -> str:
        """`sha256:<hex>` of a recipe: its rules and the engine's version.

        Raises:
            Unacceptable: there is no such recipe.
        """
        ...

    def clean(self, job: Job) -> Verdict:
        """The verdict on one file; bad input is quarantined, never raised."""
        ...


class LocalEngine:
    """Cleans in this process."""

    def __init__(self, named: Callable[[str], Recipe]) -> None:
        self._named = named
        self._known: dict[str, Recipe] = {}

    def digest(self, recipe: str) -> str:
        """`sha256:<hex>` of a recipe.

        Raises:
            Unacceptable: there is no such recipe.
        """
        return self._recipe(recipe).digest

    def clean(self, job: Job) -> Verdict:
        """The verdict on one file."""
        return clean_item(
            job.data, job.name, self._recipe(job.recipe), job.pseudonyms, job.register, job.subject
        )

    @property
    def at_once(self) -> int:
        """How many jobs may be under way: one, which begins when it is asked for."""
        return 1

    def begin(self, job: Job) -> Callable[[], Verdict]:
        """A job that is done when its verdict is asked for."""
        return lambda: self.clean(job)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _recipe(self, name: str) -> Recipe:
        if name not in self._known:
            self._known[name] = self._named(name)
        return self._known[name]
