"""`python -m api.cli_page`: draws `docs/cli.md` from the commands' own help texts.

A test compares the page with what is drawn.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from api.cli.main import anbiao

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
_WIDTH: Final = 88
_HEAD: Final = """# Commands

What `anbiao COMMAND --help` prints, for every command. Drawn by `python -m api.cli_page`; a test
compares the page. Exit codes not told below: 0 done, 1 a plain failure, 64 wrong usage, 70 an error
of ours, 130 interrupted, else the exit code of the error's class ([errors.md](errors.md)).
"""


def page() -> str:
    """The page as it is committed."""
    return _HEAD + "".join(
        f"\n## {name}\n\n```\n{text}\n```\n" for name, text in help_texts(anbiao, None, "anbiao")
    )


def help_texts(
    command: click.Command, parent: click.Context | None, name: str
) -> Iterator[tuple[str, str]]:
    """Every command at and below `command`: its full name and its help text."""
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(command, parent, name, **settings)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None  # noqa: S101 - it was listed
            yield from help_texts(found, context, below)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
