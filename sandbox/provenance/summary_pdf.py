"""A summary as PDF, set by ReportLab with the standard Chinese CID font; the same bytes each time.

`STSong-Light` is one of Adobe's standard Asian fonts: readers bring it, or a face in its stead, so
no font is embedded and none is licensed. `invariant` leaves out times and random ids.
"""

import io
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import KeepTogether, LongTable, Paragraph, SimpleDocTemplate, Spacer

from crypto.verifier import VERDICTS, Answer
from sandbox.provenance.drawing import Box, Picture, Rule, Words
from sandbox.provenance.summary import Summary, Texts, few
from sandbox.provenance.summary_html import (
    COLUMNS,
    NOTES,
    PEOPLE,
    RELEASES,
    person_row,
    release_rows,
)
from sandbox.provenance.timeline import timeline

_FONT: Final = "STSong-Light"
_PAGE: Final = landscape(A4)
_MARGIN: Final = 34
_WIDE: Final = _PAGE[0] - 2 * _MARGIN
_LOOKS: Final = (0.17, 0.14, 0.09, 0.07, 0.15, 0.08, 0.14, 0.16)
_PEOPLE: Final = (0.2, 0.12, 0.14, 0.31, 0.06, 0.17)
_RELEASES: Final = (0.16, 0.16, 0.16, 0.22, 0.2, 0.1)


def document(summary: Summary) -> bytes:
    """The document; the same summary gives the same bytes."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    (zh, en), name = summary.about
    title = f"存证摘要 Evidence summary: {zh} {en} {name}"
    story: list[Any] = [  # ReportLab ships no types
        _text(title, 14),
        Spacer(1, 6),
        *(_text(f"{a} {b}", 8) for a, b in NOTES),
        Spacer(1, 6),
        _table((), [(f"{a} {b}", value) for (a, b), value in summary.head], (0.2, 0.8)),
        _heading("时间轴", "Timeline"),
        _drawn(timeline(summary.lanes)),
        _heading("问题与答案", "Questions and answers"),
        *(_question(number, one) for number, one in enumerate(summary.answers, 1)),
        _heading("谁看过", "Who saw it"),
        _table(COLUMNS, summary.looks, _LOOKS),
        _heading("谁做过什么", "Who acted"),
        _table(PEOPLE, [person_row(one) for one in summary.people], _PEOPLE),
        _heading("离开了什么", "What left"),
        _table(RELEASES, list(release_rows(summary)), _RELEASES),
    ]
    sink = io.BytesIO()
    SimpleDocTemplate(
        sink,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="anbiao",
        invariant=1,
    ).build(story, onFirstPage=_numbered, onLaterPages=_numbered)
    return sink.getvalue()


def _numbered(canvas: Any, built: Any) -> None:
    canvas.setFont(_FONT, 8)
    canvas.drawCentredString(_PAGE[0] / 2, _MARGIN / 2, str(built.page))


def _text(text: str, size: float, colour: str = "#222222") -> Any:
    style = ParagraphStyle(
        f"s{size}{colour}",
        fontName=_FONT,
        fontSize=size,
        leading=size * 1.4,
        textColor=HexColor(colour),
        wordWrap="CJK",  # ids are longer than a column: break anywhere
    )
    return Paragraph(escape(text), style)


def _heading(zh: str, en: str) -> Any:
    heading = _text(f"{zh} {en}", 11, "#1f3a56")
    heading.style.keepWithNext = 1
    heading.style.spaceBefore, heading.style.spaceAfter = 10, 3
    return heading


def _question(number: int, answer: Answer) -> Any:
    en, zh = VERDICTS[answer.verdict]
    lines = [
        _text(f"{number}. {answer.question[1]} {answer.question[0]}", 9, "#1f3a56"),
        _text(f"【{zh} {en}】 {answer.said[1]} {answer.said[0]}", 8),
        *(_text(f"· {check[1]} {check[0]}", 7, "#56636f") for check in answer.checks),
    ]
    if answer.entries:
        lines.append(_text(f"条目 entries: {few(answer.entries)}", 7, "#56636f"))
    return KeepTogether([*lines, Spacer(1, 5)])


def _table(columns: Sequence[Texts], rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Any:
    cells = [[_text(f"{zh} {en}", 7, "#1f3a56") for zh, en in columns]] if columns else []
    cells += [[_text(cell, 7) for cell in row] for row in rows]
    if not rows:
        cells.append([_text("无 none", 7), *[""] * (len(widths) - 1)])
    return LongTable(
        cells,
        colWidths=[_WIDE * share for share in widths],
        repeatRows=1 if columns else 0,
        style=[
            ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#cdd5dc")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ],
    )


def _drawn(picture: Picture) -> Any:
    """The picture, scaled to the page; ReportLab counts upwards from the lower left corner."""
    drawing = Drawing(picture.width, picture.height)
    for shape in picture.shapes:
        match shape:
            case Box():
                y = picture.height - shape.y - shape.height
                drawing.add(_rectangle(shape, y))
            case Rule():
                ends = picture.height - shape.y, picture.height - shape.to_y
                line = Line(shape.x, ends[0], shape.to_x, ends[1])
                line.strokeColor, line.strokeWidth = HexColor(shape.colour), 0.6
                drawing.add(line)
            case Words():
                text = String(shape.x, picture.height - shape.y, shape.text)
                text.fontName, text.fontSize = _FONT, shape.size
                text.textAnchor, text.fillColor = shape.anchor, HexColor(shape.colour)
                drawing.add(text)
    scale = _WIDE / picture.width
    drawing.width, drawing.height = picture.width * scale, picture.height * scale
    drawing.scale(scale, scale)
    return drawing


def _rectangle(shape: Box, y: float) -> Any:
    box = Rect(shape.x, y, shape.width, shape.height)
    box.fillColor, box.strokeColor = HexColor(shape.colour), None
    return box
