"""Reads the plain part of YAML that our compose file keeps to, and refuses all else.

Mappings and lists by indentation, lists in brackets, plain and double-quoted words. No anchors, no
tags, no text of several lines, no second document: what a reader would have to know YAML for.
"""

import json
import re

ENTRY = re.compile(r"(?P<key>[A-Za-z_][\w.-]*):(?: +(?P<value>\S.*))?")
PLAIN = re.compile(r"[\w./-][\w ./:=,+-]*")
NUMBER = re.compile(r"\d+")
ODD = re.compile(r"(?i)y|n|yes|no|on|off|null|~|[\d_.x-]+")
"""What YAML reads as something else than it looks like: yes, no, 1_000, 0x1, 1.5, ~"""

WORDS = {"true": True, "false": False}


class NotPlain(ValueError):
    """A line that is not of the plain part."""


def read(text: str):
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.rstrip()
        if bare.lstrip().startswith("#") or not bare:
            continue
        if "\t" in bare or " #" in bare:
            raise NotPlain(f"line {number}")
        lines.append((len(bare) - len(bare.lstrip()), bare.lstrip(), number))
    value, rest = block(lines, 0)
    if rest:
        raise NotPlain(f"line {rest[0][2]}: indented otherwise")
    return value


def block(lines, indent):
    return (items if lines[0][1].startswith("- ") else mapping)(lines, indent)


def mapping(lines, indent):
    found = {}
    while lines and lines[0][0] == indent:
        match, number = ENTRY.fullmatch(lines[0][1]), lines[0][2]
        if match is None or match["key"] in found:
            raise NotPlain(f"line {number}")
        lines = lines[1:]
        if match["value"] is not None:
            found[match["key"]] = scalar(match["value"], number)
        elif lines and lines[0][0] > indent:
            found[match["key"]], lines = block(lines, lines[0][0])
        else:
            found[match["key"]] = None
    return found, lines


def items(lines, indent):
    found = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        found.append(scalar(lines[0][1][2:], lines[0][2]))
        lines = lines[1:]
    return found, lines


def scalar(text, number):
    if text.startswith("["):
        return flow(text, number)
    if text.startswith('"'):
        try:
            return json.loads(text)
        except ValueError:
            raise NotPlain(f"line {number}") from None
    if text in WORDS:
        return WORDS[text]
    if NUMBER.fullmatch(text):
        return int(text)
    if not PLAIN.fullmatch(text) or ODD.fullmatch(text):
        raise NotPlain(f"line {number}")
    return text


def flow(text, number):
    parts = re.findall(r'"[^"\\]*"|[^",\s][^",]*', text[1:-1])
    if not text.endswith("]") or ", ".join(parts) != text[1:-1]:
        raise NotPlain(f"line {number}")
    return [scalar(part, number) for part in parts]
