"""Which source this is: the commit, and a digest of what lies in the tree now.

Results of tests count only for the source that they were won on. A commit alone does not say that:
a tree may have been changed after it. So both are compared.
"""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_UNTRACKED: Final = ("api", "crypto", "policies", "sandbox", "tests", "docs")
_SKIPPED: Final = frozenset({"__pycache__"})


@dataclass(frozen=True)
class SourceState:
    """A commit (None outside of git) and a digest of the files of the tree."""

    commit: str | None
    tree: str


def source_state(root: Path) -> SourceState:
    """The state of the source below `root`, now."""
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = sorted(set(listed.split("\0"))) if listed is not None else _walked(root)
    digest = hashlib.sha256()
    for name in filter(None, names):
        path = root / name
        content = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"gone"
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + content)
    return SourceState(commit.strip() if commit else None, f"sha256:{digest.hexdigest()}")


def _git(root: Path, *arguments: str) -> str | None:
    """What git says about `root`; None when there is no git, or `root` is no repository's top."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the developer's own git
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode("utf-8", "surrogateescape")


def _walked(root: Path) -> list[str]:
    """The files of the source where git does not list them."""
    found = [path for top in _UNTRACKED for path in (root / top).rglob("*") if path.is_file()]
    return sorted(
        path.relative_to(root).as_posix() for path in found if not _SKIPPED & set(path.parts)
    )
