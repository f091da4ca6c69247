"""Our own source, as the promises read it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "crypto", "policies", "sandbox")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str) -> list[Path]:
    """Every module of these folders, in order; the packages' when none is named."""
    return [
        path for folder in folders or PACKAGES for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def body_lines(function: Function) -> int:
    """Lines of a function's own body: without its docstring and without functions inside it."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    inner = (one for part in body for one in functions(part))
    outermost: list[Function] = []
    for one in sorted(inner, key=lambda found: (found.lineno, -(found.end_lineno or 0))):
        if not outermost or one.lineno > (outermost[-1].end_lineno or 0):
            outermost.append(one)
    whole = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
    return whole - sum((one.end_lineno or 0) - one.lineno + 1 for one in outermost)


def called(tree: ast.AST) -> set[str]:
    """The last names of everything that is called."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found


def words(name: str) -> set[str]:
    """The words of a file's or a class's name, in small letters."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def imported(tree: ast.AST) -> set[str]:
    """Full names of the modules that are imported, and of what is taken from them."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {one.name for one in names}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module, *(f"{module}.{one.name}" for one in names)}
            case _:
                pass
    return found
