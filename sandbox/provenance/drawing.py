"""A few shapes from which a picture is drawn the same way in SVG and in PDF.

Coordinates are points from the upper left corner. There is no text here that is not given, no
time and no chance: one list of shapes has one spelling.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Box:
    """A filled rectangle; `tip` is read out and shown where a pointer rests."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    tip: str = ""


@dataclass(frozen=True)
class Rule:
    """A thin line."""

    x: float
    y: float
    to_x: float
    to_y: float
    colour: str
    arrow: bool = False


@dataclass(frozen=True)
class Words:
    """A line of text that starts, has its middle or ends at `x` (`start`, `middle`, `end`)."""

    x: float
    y: float
    text: str
    size: float = 9
    anchor: str = "start"
    colour: str = "#222222"


Shape = Box | Rule | Words


@dataclass(frozen=True)
class Picture:
    """Shapes on a canvas, and what the picture shows, for those who can't see it."""

    width: float
    height: float
    title: str
    shapes: Sequence[Shape]


def svg(picture: Picture) -> str:
    """The picture as inline SVG."""
    size = f'width="{_n(picture.width)}" height="{_n(picture.height)}"'
    view = f'viewBox="0 0 {_n(picture.width)} {_n(picture.height)}"'
    inside = "\n".join(_drawn(picture.shapes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">\n'
        f"<title>{escape(picture.title)}</title>\n{_ARROW}\n{inside}\n</svg>"
    )


_ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#667788"/></marker></defs>'
)


def _drawn(shapes: Sequence[Shape]) -> Iterator[str]:
    for shape in shapes:
        match shape:
            case Box():
                tip = f"<title>{escape(shape.tip)}</title>" if shape.tip else ""
                yield (
                    f'<rect x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" '
                    f'height="{_n(shape.height)}" fill="{shape.colour}">{tip}</rect>'
                )
            case Rule():
                end = ' marker-end="url(#tip)"' if shape.arrow else ""
                yield (
                    f'<line x1="{_n(shape.x)}" y1="{_n(shape.y)}" x2="{_n(shape.to_x)}" '
                    f'y2="{_n(shape.to_y)}" stroke="{shape.colour}" stroke-width="0.8"{end}/>'
                )
            case Words():
                yield (
                    f'<text x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" '
                    f'text-anchor="{shape.anchor}" fill="{shape.colour}">'
                    f"{escape(shape.text)}</text>"
                )


def _n(number: float) -> str:
    """At most two digits after the point, and none where they say nothing."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
