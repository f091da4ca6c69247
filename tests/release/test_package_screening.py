"""Packages: built the same way every time, and screened as a stranger would read them."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from room_house import SCAN
from room_parts import GUIDELINE, SCHEMA

from crypto.canonical import encode
from crypto.verifier import package_digest
from sandbox.errors import VerificationFailed
from sandbox.release.package import Controls, LabelLine, build, digest, pack, unpack
from sandbox.release.screening import screen

CONTROLS = Controls(
    release="1" * 32,
    request=7,
    project="2" * 32,
    dataset="3" * 32,
    context="Training.",
    control_statement="Class names only.",
    grade=3,
    category="general",
)
LINES = [
    LabelLine("b" * 32, 1, {"classes": ["none"]}, bytes(32), 9),
    LabelLine("a" * 32, 2, {"classes": ["effusion"]}, bytes(range(32)), 12),
]


def files() -> dict[str, bytes]:
    return build(LINES, encode(dict(GUIDELINE)), encode(dict(SCHEMA)), CONTROLS)


def test_a_sound_package_has_no_findings():
    assert screen(files(), SCAN) == ()


def test_the_order_of_labels_does_not_matter():
    again = build(LINES[::-1], encode(dict(GUIDELINE)), encode(dict(SCHEMA)), CONTROLS)

    assert again == files()


def test_the_digest_is_the_verifiers():
    assert digest(files()) == package_digest(files())


def test_a_package_comes_back_as_it_was_packed():
    assert unpack(pack(files())) == files()


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b'{"files":{},"v":2}', b'{"files":[],"v":1}', b'{"files":{"a":1},"v":1}'],
)
def test_what_is_no_package_is_refused(data):
    with pytest.raises(VerificationFailed, match="package-malformed"):
        unpack(data)


def member(name: str, **changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(given: dict[str, bytes]) -> None:
        value = json.loads(given[name]) | changes
        given[name] = encode({key: item for key, item in value.items() if item is not ...})

    return change


def line(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(given: dict[str, bytes]) -> None:
        first, second = given["labels.jsonl"].splitlines()
        value = json.loads(first) | changes
        value = {key: item for key, item in value.items() if item is not ...}
        given["labels.jsonl"] = encode(value) + b"\n" + second + b"\n"

    return change


def raw(name: str, data: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda given: given.update({name: data})


def swapped(given: dict[str, bytes]) -> None:
    first, second = given["labels.jsonl"].splitlines(keepends=True)
    given["labels.jsonl"] = second + first


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (raw("pixels.png", b"\x89PNG"), "file-unknown/3"),
        (lambda given: given.pop("schema.json"), "file-missing/schema.json"),
        (raw("labels.jsonl", b""), "no-labels"),
        (lambda g: g.update({"labels.jsonl": g["labels.jsonl"][:-1]}), "form-wrong/labels.jsonl"),
        (lambda g: g.update({"labels.jsonl": g["labels.jsonl"] * 2}), "form-wrong/labels.jsonl"),
        (swapped, "form-wrong/labels.jsonl"),
        (line(note="x"), "form-wrong/labels.jsonl"),
        (line(salt=...), "form-wrong/labels.jsonl"),
        (line(salt="00"), "form-wrong/labels.jsonl"),
        (line(salt="Z" * 64), "form-wrong/labels.jsonl"),
        (line(item="a" * 31), "form-wrong/labels.jsonl"),
        (line(item=1), "form-wrong/labels.jsonl"),
        (line(version=0), "form-wrong/labels.jsonl"),
        (line(version=True), "form-wrong/labels.jsonl"),
        (line(version=10_001), "form-wrong/labels.jsonl"),
        (line(entry=-1), "form-wrong/labels.jsonl"),
        (line(entry="9"), "form-wrong/labels.jsonl"),
        (line(classes=["pneumonia"]), "form-wrong/labels.jsonl"),
        (line(classes=["effusion", "none"]), "form-wrong/labels.jsonl"),
        (line(classes=[]), "form-wrong/labels.jsonl"),
        (line(classes="effusion"), "form-wrong/labels.jsonl"),
        (line(classes=[["effusion"]]), "form-wrong/labels.jsonl"),
        (line(classes={"effusion": 1}), "form-wrong/labels.jsonl"),
        (raw("labels.jsonl", b'{"a": 1}\n'), "form-wrong/labels.jsonl"),
        (raw("labels.jsonl", b"[]\n"), "form-wrong/labels.jsonl"),
        (raw("labels.jsonl", b"\xff\n"), "form-wrong/labels.jsonl"),
        (raw("schema.json", b"{}"), "form-wrong/schema.json"),
        (raw("schema.json", b"[]"), "form-wrong/schema.json"),
        (member("schema.json", hidden="x"), "form-wrong/schema.json"),
        (raw("guideline.json", b"{ }"), "form-wrong/guideline.json"),
        (member("guideline.json", goal=...), "form-wrong/guideline.json"),
        (member("guideline.json", hidden="x"), "form-wrong/guideline.json"),
        (raw("controls.json", b"null"), "form-wrong/controls.json"),
        (raw("controls.json", b"{"), "form-wrong/controls.json"),
        (member("controls.json", hidden="x"), "form-wrong/controls.json"),
        (member("controls.json", release="x"), "form-wrong/controls.json"),
        (member("controls.json", grade=5), "form-wrong/controls.json"),
        (member("controls.json", grade=True), "form-wrong/controls.json"),
        (member("controls.json", labels=3), "form-wrong/controls.json"),
        (member("controls.json", controls=[]), "form-wrong/controls.json"),
        (member("controls.json", context=" "), "control-statement-missing"),
    ],
)
def test_a_package_of_another_form_is_found(change, finding):
    given_files = files()
    change(given_files)

    assert finding in screen(given_files, SCAN)


@pytest.mark.requirement("R56")
@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (member("controls.json", context="for 张三丰"), "identifier-found/controls.json"),
        (
            member("controls.json", control_statement="13800138000"),
            "identifier-found/controls.json",
        ),
        (member("controls.json", category="张三丰"), "identifier-found/controls.json"),
        (member("guideline.json", goal="find 张三丰"), "identifier-found/guideline.json"),
        (
            member("guideline.json", negative_examples=["not 13800138000"]),
            "identifier-found/guideline.json",
        ),
        (
            member("schema.json", classes=["effusion", "none", "张三丰"]),
            "identifier-found/schema.json",
        ),
    ],
)
def test_an_identifier_in_any_string_is_found(change, finding):
    given_files = files()
    change(given_files)

    assert screen(given_files, SCAN) == (finding,)


@given(st.binary(max_size=200), st.sampled_from(sorted(files())))
def test_whatever_stands_in_a_file_screening_answers(data, name):
    found = screen({**files(), name: data}, SCAN)

    assert data == files()[name] or found


def test_an_oversized_package_is_found():
    huge = {**files(), "labels.jsonl": b"x" * (64 * 2**20)}

    assert screen(huge, SCAN) == ("package-too-large",)
