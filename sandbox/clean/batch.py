"""A run over a folder: what it is given, and what it says of each input."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.deid.forms import FileKind, Register, Result


@dataclass(frozen=True)
class Batch:
    """One run over a folder.

    Attributes:
        source: folder that is read.
        target: folder that is made, empty, or begun by an earlier run of the same batch.
        recipe: name of the recipe.
        key: 32 bytes of the pseudonym key.
        register: values that must not be left.
        workers: processes that clean.
        ephemeral: whether the key was made for this run and is forgotten with it.
    """

    source: Path
    target: Path
    recipe: str
    key: bytes = field(repr=False)
    register: Register = field(repr=False)
    workers: int = 1
    ephemeral: bool = False


@dataclass(frozen=True)
class Line:
    """What became of one input.

    Attributes:
        source: path relative to SRC.
        output: path relative to DST, or None.
        state: `cleaned`, `held` or `quarantined`.
        kind: what the file is by its bytes.
        reason: code of a hold or quarantine, or None.
        actions: how often each action was carried out.
        removed: identifiers taken out, by kind.
    """

    source: str
    output: str | None
    state: Result
    kind: FileKind
    reason: str | None
    actions: Mapping[str, int]
    removed: Mapping[str, int]


@dataclass
class Tally:
    """What became of all inputs together.

    Attributes:
        ends: how many inputs ended in which state for which reason.
        removed: identifiers taken out of cleaned files, by kind.
        actions: actions carried out, by letter.
    """

    ends: Counter[tuple[Result, str | None]] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line) -> None:
        """Count one more input."""
        self.ends[line.state, line.reason] += 1
        self.removed.update(line.removed)
        self.actions.update(line.actions)

    @property
    def total(self) -> int:
        """How many inputs there were."""
        return self.ends.total()

    @property
    def cleaned(self) -> int:
        """How many of them were cleaned."""
        return self.ends[Result.CLEANED, None]
