"""`python -m sandbox.settings_page`: draws `docs/settings.md` from the settings themselves.

A test compares the page with what is drawn.
"""

from pathlib import Path
from typing import Final

from annotated_types import Ge, Gt, Le

from sandbox.settings import CLIENT_NAMES, FILE_NAME, PREFIX, Settings

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_HEAD: Final = f"""# Settings

Read once at the start of `serve`, `worker` and `notary`, in this order, the later overriding the
earlier: the defaults below, `DIR/{FILE_NAME}` (flat, same names), the environment
(`{PREFIX}<NAME>` in capitals), the command line. An unknown name anywhere refuses the start
(`setting-unknown`), a value out of range likewise (`setting-refused`). Secrets are named by file,
never by value. `dir` is always given on the command line.

`{"`, `".join(sorted(CLIENT_NAMES))}` belong to the commands of a person's own side and are no
settings.

| name | default | range | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page as it is committed."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "given" if field.is_required() else _shown(field.default)
        span = " ".join(filter(None, map(_limit, field.metadata)))
        rows.append(f"| `{name}` | {default} | {span} | {field.description} |\n")
    return _HEAD + "".join(rows)


def _shown(default: object) -> str:
    return "none" if default is None else f"`{default}`"


def _limit(limit: object) -> str:
    match limit:
        case Ge(ge=low):
            return f">= {low}"
        case Gt(gt=low):
            return f"> {low}"
        case Le(le=high):
            return f"<= {high}"
        case _:
            return ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
