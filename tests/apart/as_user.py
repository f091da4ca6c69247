"""`as_user.py UID GID GROUPS COMMAND...`: becomes that user, then runs `anbiao COMMAND`.

Where the interpreter lies in a folder that only root may enter (a home folder, say), everything is
imported before: it is our folders that are tested, not that one.
"""

import contextlib
import importlib
import os
import pkgutil
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {"antigravity", "idlelib", "lib2to3", "test", "this", "tkinter", "turtle", "turtledemo"}
HOUSE = ("api", "crypto", "policies", "sandbox", "uvicorn")
WALKED = {"asyncio", "collections", "concurrent", "ctypes", "email", "encodings", "html", "http", "importlib", "json", "logging", "multiprocessing", "sqlite3", "urllib", "xml", *HOUSE}  # fmt: skip


def others_may_enter(path: Path) -> bool:
    """Whether any user may go through every folder above."""
    return all(each.stat().st_mode & 0o001 for each in path.resolve().parents)


def import_everything() -> None:
    """The standard library and the house, as far as they come."""
    # Parts with an underscore come with what they are parts of, and must not come before it.
    public = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    for name in sorted({*public, *HOUSE} - NOT_OURS):
        imported(name)
        if name in WALKED:
            module = sys.modules[name]
            for found in pkgutil.walk_packages(module.__path__, f"{name}.", onerror=lambda _: None):
                if not {"__main__", "tests"} & set(found.name.split(".")):
                    imported(found.name)


def imported(name: str) -> None:
    with contextlib.suppress(Exception, SystemExit), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module(name)


def become(user: int, group: int, groups: list[int]) -> None:
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def main() -> int:
    user, group, groups, *command = sys.argv[1:]
    sys.path.insert(0, str(ROOT))
    if not others_may_enter(Path(os.__file__)):
        import_everything()
    from api.cli.main import run  # noqa: PLC0415 - after the path was set

    become(int(user), int(group), [int(one) for one in groups.split(",") if one])
    return run(command)


if __name__ == "__main__":
    sys.exit(main())
