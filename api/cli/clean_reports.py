"""Where `anbiao clean` reports to: JSON lines, an HTML page, both or none.

Reports name the inputs as they are called, so only their owner reads them, and they lie neither
in SRC, where they would be inputs of the next run, nor in DST, which is handed on.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sandbox.clean import report_page
from sandbox.clean.batch import Line, Tally
from sandbox.clean.report_page import Facts
from sandbox.errors import Unacceptable, Unavailable

_MODE = 0o600
_PAGES = frozenset({".html", ".htm"})


@dataclass(frozen=True)
class Reports:
    """Open reports of one run."""

    key: str
    lines: TextIO | None = None
    page: TextIO | None = None
    rows: TextIO | None = None

    def begin(self) -> None:
        """Forget what an earlier run reported: this one reports everything anew."""
        with _told():
            for file in (self.lines, self.page):
                if file is not None and _is_regular(file):
                    file.truncate(0)

    def add(self, line: Line) -> None:
        """Report one input."""
        with _told():
            if self.lines is not None:
                self.lines.write(json.dumps(as_json(line, self.key)) + "\n")
            if self.rows is not None:
                self.rows.write(report_page.row(line))

    def finish(self, facts: Facts, tally: Tally) -> None:
        """Complete them, on the disk.

        Raises:
            Unavailable: `report-unwritable`.
        """
        with _told():
            if self.page is not None and self.rows is not None:
                self.page.writelines(report_page.head(facts, tally))
                self.rows.seek(0)
                self.page.writelines(self.rows)
                self.page.write(report_page.TAIL)
            for file in (self.lines, self.page):
                if file is not None:
                    file.flush()
                    if _is_regular(file):
                        os.fsync(file.fileno())


def as_json(line: Line, key: str) -> dict[str, object]:
    """One line of the report; other programs read these members."""
    return {
        "source": line.source,
        "output": line.output,
        "state": line.state.value,
        "kind": line.kind.value,
        "reason": line.reason,
        "actions": dict(line.actions),
        "key": key,
    }


@contextmanager
def reports(
    key: str, report: Path | None, page: Path | None, folders: Iterable[Path]
) -> Iterator[Reports]:
    """Open the reports that are asked for.

    Args:
        key: `given` or `ephemeral`.
        report: where the lines go; a page if its name ends in `.html`.
        page: where the page goes, whatever it is called.
        folders: where no report may lie.

    Raises:
        Unacceptable: `report-misplaced` or `reports-overlap`.
        Unavailable: `report-unwritable`.
    """
    is_page = report is not None and report.suffix.casefold() in _PAGES
    lines = [report] if report is not None and not is_page else []
    pages = [file for file in (page, report if is_page else None) if file is not None]
    if len(pages) > 1 or {f.resolve() for f in lines} & {f.resolve() for f in pages}:
        raise Unacceptable("reports-overlap", "Name one file for the lines and one for the page.")
    for folder in folders:
        if any(folder.resolve() in file.resolve().parents for file in [*pages, *lines]):
            raise Unacceptable("report-misplaced", "The report can't lie in SRC or DST.")
    with ExitStack() as stack:
        yield Reports(
            key,
            stack.enter_context(_opened(lines[0])) if lines else None,
            stack.enter_context(_opened(pages[0])) if pages else None,
            stack.enter_context(_unnamed(pages[0].parent)) if pages else None,
        )


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """A file to write; what is in it stays until the run is sure to begin."""
    with _told():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _MODE)
    stream = os.fdopen(descriptor, "w", encoding="utf-8")
    try:
        yield stream
    finally:
        with suppress(OSError):  # what can't be written was told when the report was finished
            stream.close()


def _unnamed(folder: Path) -> TextIO:
    """A file that nobody can open and that is gone with this process: it holds names."""
    # Not before a page is asked for: it reads in three compressors.
    import tempfile  # noqa: PLC0415

    with _told():
        return tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)


def _is_regular(file: TextIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = f"The report can't be written: {os.strerror(error.errno or 0)}."
        raise Unavailable("report-unwritable", said) from None
