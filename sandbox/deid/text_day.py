"""A date as it was found in a text. How dates are found is in `text_dates`."""

from dataclasses import dataclass

from sandbox.deid.text_spans import Kind, Span


@dataclass(frozen=True)
class Day:
    """A date found in a view: where each part of it stands, and what it says.

    Attributes:
        start: where it begins.
        end: where it ends.
        parts: by `y`, `m`, `d`: where the part stands and its number; a part may be missing.
        whole: whether everything it says is in `parts`, so that it can be moved.
    """

    start: int
    end: int
    parts: dict[str, tuple[int, int, int]]
    whole: bool = True

    @property
    def span(self) -> Span:
        """It as a span."""
        return Span(self.start, self.end, Kind.DATE, 72 if "y" in self.parts else 55)

    def number(self, part: str) -> int | None:
        """What it says of the year, month or day."""
        found = self.parts.get(part)
        return found[2] if found else None
