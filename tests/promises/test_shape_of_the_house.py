"""The shape that the house promises: small modules, short functions, plain names, few edges."""

import ast
import re

import pytest
from source import (
    PACKAGES,
    ROOT,
    body_lines,
    classes,
    files,
    functions,
    imported,
    name_of,
    tree_of,
    words,
)

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40
LONG_ON_PURPOSE = {"crypto/verifier.py"}
"""ADR 4: the regulator's one file."""

BANNED = {
    "util", "utils", "helper", "helpers", "manager", "service", "common", "misc", "base", "core",
    "data", "info", "handler",
}  # fmt: skip
NAMED_SO = {
    "ServiceForm": "a service account is a thing of the trade",
    "ServiceLoginForm": "same",
    "ServiceLogin": "same",
    "ServiceEntrance": "same",
    "Handler": "the gate's word for a room's part in one act",
}

PROCESS_EDGES = {
    "api/cli/main.py": "one line and an exit code, no traceback",
    "api/edge.py": "nothing may pass unanswered",
    "api/witness/server.py": "nothing was cosigned, and the next request is answered",
    "crypto/verifier.py": "a form that no check foresaw is broken, never a traceback",
    "sandbox/clean/cleaning.py": "whatever a file does to the engine, the batch goes on",
    "sandbox/clean/engine_child.py": "a trace could quote the file",
    "sandbox/clean/station.py": "one file's trouble stays its own",
    "sandbox/gate/deed.py": "a room's mistake must not stop the ledger",
    "sandbox/gate/writer.py": "the writer's thread must outlive what one act does",
    "sandbox/worker.py": "one item must not stop the others",
}
"""Where everything may be caught; elsewhere it may only be caught to be raised again."""

MUTABLE: dict[str, str] = {}


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_module_and_its_functions_are_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")

    assert lines <= LONGEST_MODULE or name_of(path) in LONG_ON_PURPOSE
    for function in functions(tree_of(path)):
        assert body_lines(function) <= LONGEST_FUNCTION, function.name


def test_lines_of_a_body_are_its_own():
    text = 'def f():\n    """Doc\n    more."""\n    x = 1\n    def g():\n        return 2\n    return x\n'
    outer, inner = functions(ast.parse(text))

    assert (body_lines(outer), body_lines(inner)) == (2, 1)


@pytest.mark.parametrize("path", files(*PACKAGES, "bench", "tests"), ids=name_of)
def test_names_say_what_a_thing_is(path):
    assert not words(path.stem) & BANNED
    for one in classes(tree_of(path)):
        said = words(one.name) & BANNED
        # A command's handler: `SubmitLabel` -> `SubmitLabelHandler`.
        handler = said == {"handler"} and one.name.endswith("Handler")
        assert not said or handler or one.name in NAMED_SO, one.name


def test_names_are_split_into_words():
    assert words("HTTPDataForm") == {"http", "data", "form"}
    assert words("text_utils") == {"text", "utils"}
    assert not words("DatasetForm") & BANNED


def test_tests_are_no_package():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    return kind is None or (
        isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_everything_is_caught_at_edges_only_and_the_reason_told(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node):
            reason = re.search(r"# noqa: BLE001 - \w+", lines[node.lineno - 1])
            assert _raises_again(node) or (name_of(path) in PROCESS_EDGES and reason), node.lineno


def test_edges_that_are_listed_are_there():
    for name in PROCESS_EDGES:
        handlers = [
            node for node in ast.walk(tree_of(ROOT / name)) if isinstance(node, ast.ExceptHandler)
        ]
        assert any(map(_catches_everything, handlers)), name


def _changed(tree: ast.Module) -> set[str]:
    """Module-level names that the module changes after it was imported."""
    found: set[str] = set()
    for function in functions(tree):
        for node in ast.walk(function):
            match node:
                case ast.Global(names=names):
                    found |= set(names)
                case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                    found.add(name)
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=act)) if act in {
                    "add", "append", "clear", "extend", "insert", "pop", "remove", "setdefault",
                    "update", "discard", "popitem",
                }:  # fmt: skip
                    found.add(name)
                case _:
                    pass
    return found & _module_names(tree)


def _module_names(tree: ast.Module) -> set[str]:
    local = {
        argument.arg
        for function in functions(tree)
        for argument in (*function.args.args, *function.args.kwonlyargs)
    }
    assigned = set()
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                assigned |= {one.id for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                assigned.add(name)
            case _:
                pass
    return assigned - local


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_no_module_keeps_state(path):
    allowed = {key.split("::")[1] for key in MUTABLE if key.startswith(f"{name_of(path)}::")}

    assert _changed(tree_of(path)) <= allowed


NETWORK = {
    "aiohttp", "asyncio", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket",
    "socketserver", "ssl", "urllib.request", "uvicorn",
}  # fmt: skip
MAY_USE_IT = {
    "api/cli/health.py": "asks the door of its own machine",
    "api/cli/serve.py": "listens",
    "api/cli/timestamp.py": "asks the authority that its operator configured",
    "api/client/http.py": "the client side, to the address its user names",
    "api/client/deposit.py": "same",
    "api/witness/mirror.py": "copies a log from the address that its keeper wrote down",
    "api/witness/server.py": "listens",
    "crypto/verifier.py": "a log under a URL that the regulator names",
    "sandbox/provenance/witness_wire.py": "to the witnesses of the operator's policy file",
    "sandbox/provenance/notary_doors.py": "a Unix socket of its own folder",
    "sandbox/provenance/notary_place.py": "asks whether the notary of the settings listens",
    "sandbox/provenance/notary_tls.py": "a private address that the settings name",
    "sandbox/provenance/notary_wire.py": "what passes through those two",
}


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_only_doors_and_clients_know_the_network(path):
    assert not imported(tree_of(path)) & NETWORK or name_of(path) in MAY_USE_IT
