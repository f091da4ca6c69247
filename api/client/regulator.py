"""A regulator's side: verify what was received, offline, with keys pinned out of band.

The verdict is `crypto/verifier.py`'s own; nothing here softens or repeats it.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crypto.verifier import main

SOUND = 0
BROKEN = 1
CANNOT_TELL = 2


@dataclass(frozen=True)
class Verdict:
    """What the verifier said of one thing, and the command that repeats it."""

    code: int
    said: str
    command: str


def verdict_on(path: Path, pins: Sequence[str], since: Path | None = None) -> Verdict:
    """Verify a log folder, pack, receipt, passport or package folder."""
    arguments = [str(path)]
    for pin in pins:
        arguments += ["--key", pin]
    if since is not None:
        arguments += ["--since", str(since)]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(arguments)
    command = " ".join(["python crypto/verifier.py", *arguments])
    return Verdict(code, out.getvalue().strip(), command)
