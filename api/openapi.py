"""`python -m api.openapi`: writes `openapi.json`, or with `--check` compares it.

The document is drawn from the routes themselves; what stands before routing (authentication, size
limits) and the form of every refusal are added here.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from api.app import create_app
from api.authentication import is_public
from api.problems import MEDIA_TYPE
from sandbox import wiring
from sandbox.settings import load

FILE: Final = Path(__file__).resolve().parent.parent / "openapi.json"
_METHODS: Final = ("get", "put", "post", "delete")
_PROBLEM: Final = {
    "description": "A refusal (RFC 9457).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_FORM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; see docs/errors.md."},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "The field that was refused; never its value."},
        "incident": {"type": "string", "description": "Names the log line of an internal error."},
    },
}


def document() -> dict[str, Any]:  # Any: JSON
    """The OpenAPI document of this tree."""
    with tempfile.TemporaryDirectory() as folder:
        house = wiring.serving(load(Path(folder), {}))
        try:
            drawn = create_app(house).openapi()
        finally:
            house.close()
    for path, methods in drawn["paths"].items():
        for method in _METHODS:
            if method in methods:
                _complete(methods[method], public=is_public(method.upper(), _example(path)))
    schemas = drawn.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_FORM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    bearer = {"type": "http", "scheme": "bearer"}
    drawn["components"]["securitySchemes"] = {"session": bearer}
    return drawn


def rendered() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or say whether it is up to date."""
    text = rendered()
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("openapi.json is not what the routes say; run python -m api.openapi\n")
    return 1


def _complete(operation: dict[str, Any], *, public: bool) -> None:  # Any: JSON
    answers = operation["responses"]
    answers.pop("422", None)
    answers["default"] = _PROBLEM
    operation["security"] = [] if public else [{"session": []}]


def _example(path: str) -> str:
    """A path with its places filled in, to be looked up in the list of public ones."""
    filled = path.replace("{path}", "0/000").replace("{path:path}", "0/000")
    while "{" in filled:
        start, end = filled.index("{"), filled.index("}")
        filled = filled[:start] + "0" * 32 + filled[end + 1 :]
    return filled


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
