"""`python -m api.errors_page`: draws `docs/errors.md` from the places where errors are raised.

A test compares the page with what is drawn. Codes are read from the source text: the first argument
of every error that is made, followed through constants of the module and names set in it.
"""

import ast
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.client.errors import ClientError
from api.problems import FRAMEWORK_CODES
from crypto.errors import CODES
from sandbox import errors
from sandbox.clean.codes import OPENING
from sandbox.errors import SandboxError
from sandbox.gate.refusals import TOLD as DENIALS
from sandbox.soundness import TOLD

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "errors.md"
VERIFIER: Final = ROOT / "crypto" / "verifier.py"
_KEBAB: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CLIENT: Final = "ClientError"
_PROOF: Final = "VerificationError"
_HEAD: Final = """# Errors

Every code with which something is refused, drawn from the source by `python -m api.errors_page`; a
test compares the page. Codes are stable and never reused; sentences are for people and may change.
HTTP answers are `application/problem+json` with `type` = `/problems/<code>`; commands print
`error: <code>: <sentence>` and end with the exit code. Codes of items are in
[de-identification.md](de-identification.md).
"""


@dataclass
class Told:
    """One code as the source tells it: by which classes, and the first sentence given."""

    classes: set[str] = field(default_factory=set)
    sentence: str = ""


def sandbox_classes() -> Mapping[str, type[SandboxError]]:
    """The classes of the one tree of errors, by name."""
    found = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    return {name: value for name, value in found.items() if issubclass(value, SandboxError)}


def raised(*packages: str) -> dict[str, Told]:
    """Every code that the modules of these packages give an error, in order."""
    told: dict[str, Told] = {}
    classes = {*sandbox_classes(), _CLIENT, _PROOF}
    for path in sorted(path for package in packages for path in (ROOT / package).rglob("*.py")):
        if path != VERIFIER:
            for code, name, sentence in _made_in(path, classes):
                entry = told.setdefault(code, Told())
                entry.classes.add(name)
                entry.sentence = entry.sentence or sentence
    if "sandbox" in packages:
        for code, sentence in DENIALS.values():
            told[code] = Told({errors.Forbidden.__name__}, sentence)
    return dict(sorted(told.items()))


def verifier_codes() -> list[str]:
    """Every code with which the stand-alone verifier calls something broken."""
    return sorted({code for code, _, _ in _made_in(VERIFIER, {"Broken"})})


def _made_in(path: Path, classes: Container[str]) -> Iterator[tuple[str, str, str]]:
    """Code, class and sentence of every error of these classes that a module makes."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    strings = _set_in(module)
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            _add_passed(module, function, classes, strings)
    for call in _calls(module):
        if isinstance(call.func, ast.Name) and call.func.id in classes:
            for code in sorted(_values(call.args[0], strings)):
                yield code, call.func.id, _sentence(call)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)


def _set_in(module: ast.Module) -> dict[str, set[str]]:
    """What every name of a module is set to, where that is a literal code."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(module):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found.setdefault(name, set()).update(_values(value, {}))
            case _:
                pass
    return found


def _add_passed(
    module: ast.Module,
    function: ast.FunctionDef,
    classes: Container[str],
    strings: dict[str, set[str]],
) -> None:
    """A function that makes an error of a code it was given: what its callers give."""
    names = [argument.arg for argument in function.args.args if argument.arg not in {"self", "cls"}]
    given = {
        call.args[0].id
        for call in _calls(function)
        if isinstance(call.func, ast.Name)
        and call.func.id in classes
        and isinstance(call.args[0], ast.Name)
    }
    for name in given.intersection(names):
        for call in _calls(module):
            called = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if called == function.name and len(call.args) > names.index(name):
                passed = _values(call.args[names.index(name)], strings)
                strings.setdefault(name, set()).update(passed)


def _values(node: ast.expr, strings: Mapping[str, set[str]]) -> set[str]:
    match node:
        case ast.Constant(value=str(text)) if _KEBAB.fullmatch(text):
            return {text}
        case ast.Name(id=name):
            return strings.get(name, set())
        case ast.IfExp(body=first, orelse=second):
            return _values(first, strings) | _values(second, strings)
        case _:
            return set()


def _sentence(call: ast.Call) -> str:
    match call.args:
        case [_, ast.Constant(value=str(text)), *_]:
            return text
        case _:
            return ""


def page() -> str:
    """The page as it is committed."""
    told = raised("sandbox", "api", "crypto")
    return "\n".join(
        [
            _HEAD,
            *_classes(),
            *_server(told),
            *_unsound(),
            *_client(told),
            *_proofs(),
            *_items(),
            *_verifier(),
        ]
    )


def _classes() -> Iterator[str]:
    yield "## Classes\n\n| class | code unless narrowed | HTTP | exit | meaning |"
    yield "|---|---|---|---|---|"
    for name, one in sandbox_classes().items():
        words = (one.__doc__ or "").splitlines()[0]
        yield f"| {name} | `{one.default_code}` | {one.status} | {one.exit_code} | {words} |"


def _server(told: Mapping[str, Told]) -> Iterator[str]:
    tree = sandbox_classes()
    yield "\n## Refusals of the server and of commands\n\n| code | HTTP | exit | sentence |"
    yield "|---|---|---|---|"
    for code, one in told.items():
        mine = [tree[name] for name in sorted(one.classes) if name in tree]
        if mine:
            statuses = ", ".join(map(str, sorted({error.status for error in mine})))
            exits = ", ".join(map(str, sorted({error.exit_code for error in mine})))
            sentence = one.sentence or (mine[0].__doc__ or "").splitlines()[0]
            yield f"| `{code}` | {statuses} | {exits} | {sentence} |"
    yield "\nRefused before any code of ours runs:\n\n| code | HTTP |\n|---|---|"
    for status, code in FRAMEWORK_CODES.items():
        yield f"| `{code}` | {status} |"
    yield "| `request-refused` | any other |\n| `internal-error` | 500 |"


def _unsound() -> Iterator[str]:
    yield "\n## What production does not start with\n"
    yield f"`anbiao doctor` shows the same. Exit code {errors.Unacceptable.exit_code}.\n"
    yield "| code | what to do | 处理办法 |\n|---|---|---|"
    for code, (english, chinese) in TOLD.items():
        yield f"| `{code}` | {english} | {chinese} |"


def _client(told: Mapping[str, Told]) -> Iterator[str]:
    yield "\n## Refusals of the client side\n"
    yield "The exit code is that of the server's answer where there was one, else"
    yield f"{ClientError.exit_code}.\n\n| code | sentence |\n|---|---|"
    for code, one in told.items():
        if _CLIENT in one.classes:
            yield f"| `{code}` | {one.sentence or code.replace('-', ' ')} |"


def _proofs() -> Iterator[str]:
    yield "\n## Failed checks of cryptography\n\n| code | meaning |\n|---|---|"
    for code, meaning in CODES.items():
        yield f"| `{code}` | {meaning} |"


def _items() -> Iterator[str]:
    yield "\n## Sealed objects that do not open\n\nSuch an item is QUARANTINED.\n"
    yield "| code | meaning |\n|---|---|"
    for code, meaning in OPENING.items():
        yield f"| `{code}` | {meaning} |"


def _verifier() -> Iterator[str]:
    yield "\n## What the verifier calls broken\n\n`BROKEN <code> at <place>`, exit code 1.\n"
    for code in verifier_codes():
        yield f"- `{code}`"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
